"""Files that nobody here made: torchvision's networks by both exporters of PyTorch, models of the onnx package's tests,
and files that ONNX Runtime's own tools quantized."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static
from theirs import LABELS, classifier

import edgecnn
from edgecnn import adopt, torch_state
from edgecnn.runtime.selftest import selftest

SIDE = 64
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET: dict[str, Any] = {"labels": LABELS, "scale": 1 / 255, "mean": MEAN, "std": STD}
COLORS = np.random.default_rng(6).integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)
ONNX_MODELS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def network(name: str) -> torch.nn.Module:
    """Return a network of torchvision's with random weights, whose norms have seen noise: signals get through."""
    import torchvision

    with torch_state.random_state(torch.device("cpu")):
        torch.manual_seed(0)
        module = getattr(torchvision.models, name)(num_classes=10)
        for norm in (one for one in module.modules() if isinstance(one, torch.nn.BatchNorm2d)):
            norm.momentum = None
        with torch.no_grad():
            module.train()(torch.randn(16, 3, SIDE, SIDE))
        return module.eval()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what an exporter says off the terminal, and what it warns of from being an error."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dynamo"), [("resnet18", True), ("mobilenet_v2", False), ("efficientnet_b0", True)], ids=str
)
def test_torchvision(tmp_path: Path, name: str, dynamo: bool) -> None:
    """Exported with a batch of 1, and by dynamo with their weights beside the file; held to PyTorch itself."""
    module, path = network(name), tmp_path / "theirs.onnx"
    with quiet():
        options: dict[str, Any] = (
            {"dynamo": True, "verbose": False} if dynamo else {"dynamo": False, "opset_version": 13}
        )
        torch.onnx.export(module, (torch.zeros(1, 3, SIDE, SIDE),), path, **options)
    assert path.with_suffix(".onnx.data").exists() == dynamo
    done = adopt(path, tmp_path / "ours.onnx", **IMAGENET)
    pixels = torch.from_numpy(COLORS).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        expected_nk = module((pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]).numpy()
    ours = edgecnn.load(done.path)
    assert done.any_batch
    assert np.ptp(expected_nk, axis=0).max() > 0.01
    assert np.abs(ours.logits(COLORS) - expected_nk).max() < 1e-3 * max(1, np.abs(expected_nk).max())
    assert selftest(ours).passed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "inception_v1"])
def test_models_of_the_onnx_package(tmp_path: Path, name: str) -> None:
    """Made by Caffe2 in 2017: opset 9, IR 3, a batch of 1, pixels of 0..255, and a softmax at the end."""
    path = ONNX_MODELS / f"light_{name}.onnx"
    done = adopt(path, tmp_path / "ours.onnx", labels=[f"class {place}" for place in range(1000)], scale=1)
    assert done.known["answers"] == "probabilities: ends in Softmax"
    assert edgecnn.load(done.path).card.input.shape == (224, 224, 3)
    assert selftest(edgecnn.load(done.path)).passed
    assert [remark for remark in done.remarks if "the same to every picture" in remark]  # their weights are all alike


class _Noise(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no annotations
    """A few arrays to set ranges by."""

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        self._left = iter([{"input": generator.random((4, 1, 28, 28), np.float32)} for _ in range(4)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


@pytest.mark.filterwarnings("default::edgecnn.errors.Int8Warning")
@pytest.mark.parametrize("form", ["int8-qdq", "int8-qoperator", "int8-dynamic"])
def test_int8_files_are_adopted_as_what_they_are(tmp_path: Path, form: str) -> None:
    parent, path = classifier(tmp_path / "float.onnx"), tmp_path / "theirs.onnx"
    with quiet():
        if form == "int8-dynamic":
            quantize_dynamic(parent, path, op_types_to_quantize=["Gemm", "MatMul"])
        else:
            kind = QuantFormat.QDQ if form == "int8-qdq" else QuantFormat.QOperator
            quantize_static(parent, path, _Noise(), quant_format=kind)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    card = edgecnn.read_card(done.path)
    assert (done.form, card.form) == (form, form)
    assert card.quantization is not None
    assert card.quantization.overflow is not None
    assert not card.quantization.overflow.safe
    assert [remark for remark in done.remarks if "may saturate on x86 processors without VNNI" in remark]
    assert card.batch_dependent == (form == "int8-dynamic")
    images = COLORS[:, :28, :28, :1]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fed = (images.transpose(0, 3, 1, 2) / np.float32(255)).astype(np.float32)
    expected_nk = np.concatenate([session.run(None, {"input": one[None]})[0] for one in fed])
    assert np.abs(edgecnn.load(done.path).logits(images) - expected_nk).max() < 1e-4 * np.abs(expected_nk).max()
    foreign = ["com.microsoft"] if form == "int8-qoperator" else []
    assert (card.adopted.foreign if card.adopted else None) == foreign
    assert selftest(edgecnn.load(done.path)).passed


def test_a_quantized_file_is_not_quantized_again(tmp_path: Path, data_root: Path) -> None:
    path = tmp_path / "theirs.onnx"
    with quiet():
        quantize_static(classifier(tmp_path / "float.onnx"), path, _Noise(), quant_format=QuantFormat.QDQ)
    adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    with pytest.raises(edgecnn.EdgecnnError, match="is int8-qdq already"):
        edgecnn.quantize(tmp_path / "ours.onnx", dataset="digits", root=data_root)
