"""The page, built once a test run by npm, and a small real finder."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecnn import golden as goldens
from edgecnn import zoo
from edgecnn.card import CARD_KEY, Golden, ImageInput
from edgecnn.runtime.classifier import load

SOURCE = Path(__file__).resolve().parents[2] / "web"
SIDE = 140
SLOTS = ((10, 90), (170, 90), (330, 90))  # the upper left corners of the places where the finder looks


def tool(name: str) -> str:
    """Return the path of a tool, or skip."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}, which is not installed")
    return found


@pytest.fixture(scope="session")
def node() -> str:
    return tool("node")


@pytest.fixture(scope="session")
def built(once, node: str) -> Path:
    """The built page, as ``make web`` makes it; the registry may be out of reach."""
    npm = tool("npm")

    def build(folder: Path) -> None:
        source = folder.with_name("page-source")
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("node_modules"))
        options = ("--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0")
        subprocess.run([npm, "ci", *options], cwd=source, capture_output=True, timeout=240, check=False)
        if (source / "node_modules" / "onnxruntime-web" / "package.json").is_file():
            subprocess.run([node, "build.js", folder], cwd=source, capture_output=True, timeout=120, check=True)

    folder = once("page", build)
    if not folder.is_dir():
        pytest.skip("npm could not install what the page is built with: no registry?")
    return folder


@pytest.fixture(scope="session")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finder without weights: of four places, those with contrast are found, so that there may be none.

    The last place is the first again, with a score that is too low to count.
    """
    places = (*SLOTS, SLOTS[0])
    corners = np.array([(x, y, x + SIDE, y + SIDE) for x, y in places], np.float32)
    boxes = np.array([(x, y, SIDE, SIDE) for x, y in places], np.float32)
    constants = {
        "corners": corners, "all_boxes": boxes,
        "all_scores": np.array([0.9, 0.8, 0.7, 0.1], np.float32), "batch": np.zeros(len(places), np.int64),
        "half": np.array(0.5, np.float32), "black": np.array(0, np.float32), "white": np.array(255, np.float32),
        "axes": np.array([1, 2, 3], np.int64), "contrast": np.array(64, np.float32),
        "first": np.array([0], np.int64),
    }  # fmt: skip
    node = helper.make_node
    nodes = [
        node("Cast", ["frame"], ["values_nhwc"], to=TensorProto.FLOAT),
        node("Transpose", ["values_nhwc"], ["values"], perm=[0, 3, 1, 2]),
        node("RoiAlign", ["values", "corners", "batch"], ["aligned"], coordinate_transformation_mode="half_pixel",
             output_height=28, output_width=28, sampling_ratio=0),
        node("Add", ["aligned", "half"], ["raised"]),
        node("Floor", ["raised"], ["rounded"]),
        node("Clip", ["rounded", "black", "white"], ["clipped"]),
        node("ReduceMax", ["clipped", "axes"], ["lightest"], keepdims=0),
        node("ReduceMin", ["clipped", "axes"], ["darkest"], keepdims=0),
        node("Sub", ["lightest", "darkest"], ["range"]),
        node("Greater", ["range", "contrast"], ["seen"]),
        node("NonZero", ["seen"], ["places"]),
        node("Squeeze", ["places", "first"], ["kept"]),
        node("Gather", ["all_boxes", "kept"], ["boxes"], axis=0),
        node("Gather", ["all_scores", "kept"], ["scores"], axis=0),
        node("Transpose", ["clipped"], ["all_crops"], perm=[0, 2, 3, 1]),
        node("Gather", ["all_crops", "kept"], ["float_crops"], axis=0),
        node("Cast", ["float_crops"], ["crops"], to=TensorProto.UINT8),
    ]  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "finder",
        [value("frame", TensorProto.UINT8, [1, "H", "W", 1])],
        [
            value("boxes", TensorProto.FLOAT, ["M", 4]),
            value("scores", TensorProto.FLOAT, ["M"]),
            value("crops", TensorProto.UINT8, ["M", 28, 28, 1]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    path = tmp_path_factory.mktemp("finder") / "finder.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def color(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 16x16 RGB pictures that names the strongest color."""
    node, value = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        node("ReduceMean", ["values", "axes"], ["means"], keepdims=0),
        node("Mul", ["means", "scale"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        numpy_helper.from_array(np.array(0.02, np.float32), "scale"),
    ]
    outputs = [value(name, TensorProto.FLOAT, ["N", 3]) for name in ("logits", "probabilities")]
    image = value("image", TensorProto.UINT8, ["N", 16, 16, 3])
    graph = helper.make_graph(nodes, "color", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    images_nhwc = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    golden = Golden(images_nhwc, {"probabilities": goldens.answers_alone(model.SerializeToString(), images_nhwc)}, 1e-4)
    card = replace(
        load("mnist-c1").card,
        name="color",
        labels=["red", "green", "blue"],
        input=ImageInput(16, 16, 3),
        golden=golden,
    )
    helper.set_model_props(model, card.metadata())
    path = tmp_path_factory.mktemp("color") / "color.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def rejecting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes every eight for nothing that it knows."""
    card = load("mnist-compact").card
    model = onnx.load(zoo.find("mnist-compact"))
    labels = ["none" if label == "8" else label for label in card.labels]
    for entry in model.metadata_props:
        if entry.key == CARD_KEY:
            entry.value = replace(card, labels=labels).to_json()
    path = tmp_path_factory.mktemp("rejecting") / "rejecting.onnx"
    onnx.save(model, path)
    return path
