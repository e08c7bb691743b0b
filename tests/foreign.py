"""Model files that know nothing of edgecnn: exported by PyTorch, or made by hand."""

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from edgecnn import networks, torch_state
from edgecnn.insight.graph import Network

SIDE, IMAGES = 32, 3


@dataclass(frozen=True)
class Foreign:
    """A network of PyTorch with its file, and what each of its modules gave, call after call."""

    module: nn.Module
    network: Network
    images_nhwc: np.ndarray
    given: list[tuple[str, np.ndarray]]


def images(channels: int, count: int = IMAGES, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, side, side, channels), np.uint8)


def built(name: str) -> nn.Module:
    """Return a network with random weights, and norms that have seen something."""
    with torch_state.random_state(torch.device("cpu")):
        torch.manual_seed(0)
        if name == "resnet18":
            import torchvision

            module = torchvision.models.resnet18(num_classes=10)
        else:
            module = networks.build(name, {}, size=(SIDE, SIDE), channels=3, classes=10)
        for norm in (one for one in module.modules() if isinstance(one, nn.BatchNorm2d)):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
    return module.eval()


def exported(module: nn.Module, path: Path, channels: int = 3) -> None:
    """Write what anybody's torch.onnx.export writes: floats, channels first, a batch of any size."""
    example, batch = torch.zeros(2, channels, SIDE, SIDE), torch.export.Dim("batch")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (example,), path, dynamo=True, dynamic_shapes=({0: batch},), external_data=False, verbose=False
        )


def outputs(module: nn.Module, images_nhwc: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return what every module without parts gives, by forward hooks."""
    given: list[tuple[str, np.ndarray]] = []

    def keeper(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda part, taken, found: given.append((name, found.numpy().copy()))

    leaves = [(name, part) for name, part in module.named_modules() if not list(part.children())]
    handles = [part.register_forward_hook(keeper(name)) for name, part in leaves]
    with torch.inference_mode():
        module(torch.from_numpy(images_nhwc.transpose(0, 3, 1, 2).astype(np.float32) / 255))
    for handle in handles:
        handle.remove()
    return given


def handmade() -> onnx.ModelProto:
    draw = np.random.default_rng(1)
    kernels = numpy_helper.from_array(draw.normal(0, 0.3, (6, 1, 3, 3)).astype(np.float32), "kernels")
    dense = numpy_helper.from_array(draw.normal(0, 0.3, (6, 4)).astype(np.float32), "dense")
    bias = numpy_helper.from_array(np.float32([0.1, 0.2, 0.3, 0.4]), "bias")
    nodes = [
        helper.make_node("Constant", [], ["half"], value=numpy_helper.from_array(np.float32(0.5), "half")),
        helper.make_node("Sub", ["pixels", "half"], ["centered"]),
        helper.make_node("Conv", ["centered", "kernels"], ["maps"], kernel_shape=[3, 3], strides=[2, 2]),
        helper.make_node("LeakyRelu", ["maps"], ["active"], alpha=0.1),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["scores"]),
    ]
    taken = [
        helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 1, 12, 10]),
        helper.make_tensor_value_info("kernels", TensorProto.FLOAT, [6, 1, 3, 3]),
    ]
    given = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])]
    made = helper.make_graph(nodes, "by hand", taken, given, [kernels, dense, bias])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
