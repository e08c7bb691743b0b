"""ncnn in float32, in a format of its own that pnnx makes of float files, once for each content."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from edgecnn import files
from edgecnn.bench.runtimes._found import Opened, fixed, installed, outputs_of
from edgecnn.errors import ModelError

TITLE = "ncnn"
INSTALL = "pip install ncnn pnnx"
SHORTER = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage")  # no faster on x86
CONVERTED = ("model.ncnn.param", "model.ncnn.bin")


def version() -> str | None:
    """Return which one is installed, where its converter is too."""
    return installed("ncnn") if installed("pnnx") else None


def opened(model: Path, threads: int) -> Opened:
    """Convert a file of classifiers and open it; ncnn takes one image at a time, as floats."""
    import ncnn

    param, weights = converted(model)
    network = ncnn.Net()
    network.opt.num_threads, network.opt.use_vulkan_compute = threads, False
    for name in SHORTER:
        setattr(network.opt, name, False)
    network.load_param(str(param))
    network.load_model(str(weights))
    blobs = {name: f"out{place}" for place, name in enumerate(outputs_of(model))}

    def answer(outputs: Sequence[str], image_hwc: NDArray[Any]) -> list[NDArray[Any]]:
        pixels_chw = np.ascontiguousarray(image_hwc.transpose(2, 0, 1), np.float32)
        with network.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(pixels_chw).clone())
            return [np.array(extractor.extract(blobs[name])[1]) for name in outputs]

    def run(outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        (images_nhwc,) = inputs.values()
        answers = [answer(outputs, image_hwc) for image_hwc in images_nhwc]
        return [np.stack(parts) for parts in zip(*answers, strict=True)]

    return Opened(run)


def converted(model: Path) -> tuple[Path, Path]:
    """Return the two files that ncnn opens, kept in the platform's cache. Raises ModelError for what pnnx refuses."""
    folder = Path(platformdirs.user_cache_dir("edgecnn")) / "converted" / "ncnn" / files.sha256(model)
    param, weights = (folder / name for name in CONVERTED)
    if not (param.exists() and weights.exists()):
        with tempfile.TemporaryDirectory() as scratch:
            _convert(model, Path(scratch))
            folder.mkdir(parents=True, exist_ok=True)
            for target in (weights, param):
                with files.replacing(target) as partial:
                    shutil.copyfile(Path(scratch) / target.name, partial)
    return param, weights


def _convert(model: Path, folder: Path) -> None:
    import onnx
    import pnnx

    found, shape = _after_cast(model)
    onnx.save(found, folder / "model.onnx")
    told = [pnnx.EXEC_PATH, "model.onnx", f"inputshape=[{','.join(map(str, shape))}]", "fp16=0"]
    ended = subprocess.run(told, cwd=folder, capture_output=True, text=True, check=False)
    if not all((folder / name).exists() for name in CONVERTED):
        said = (ended.stderr.strip() or ended.stdout.strip() or "no message").splitlines()[-1]
        raise ModelError(f"pnnx does not convert it ({said}).")


def _after_cast(model: Path) -> tuple[Any, list[int]]:
    """Return a classifier's graph from its pixels as floats (1, C, H, W) on, and that shape: ncnn has no bytes."""
    from onnx import TensorProto, helper

    from edgecnn.metadata import read_card

    height, width, channels = read_card(model).input.shape
    found = fixed(model, (1, height, width, channels))
    nodes = list(found.graph.node)
    if any("QuantizeLinear" in node.op_type for node in nodes):
        raise ModelError("pnnx takes float files alone, and this one is quantized.")
    head = [node.op_type for node in nodes[:2]]
    if head != ["Transpose", "Cast"]:
        raise ModelError(
            f"its graph begins with {' and '.join(head)}; expected Transpose and Cast, as exported files do."
        )
    shape = [1, channels, height, width]
    name = nodes[1].output[0]
    del found.graph.node[:2]
    del found.graph.input[:]
    found.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return found, shape
