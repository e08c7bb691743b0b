"""A file as layers: of any origin, in order, with what belongs together in one."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from foreign import exported, handmade
from onnx import TensorProto, helper
from torch import nn

from edgecnn.errors import ModelError
from edgecnn.insight import graph, layers


def test_a_convolution_its_norm_and_its_activation_are_one_layer(model: Path) -> None:
    titles = [layer.title for layer in graph.read(model).layers if layer.has_weights]
    assert titles == [*["conv 3x3 + ReLU"] * 4, "dense"]


def test_a_quantized_file_has_the_layers_of_its_parent_by_name(model: Path, static_model: Path) -> None:
    parent, quantized = (
        {one.name for one in graph.read(path).layers if one.has_weights} for path in (model, static_model)
    )
    assert parent == quantized


def test_layers_of_integers_say_what_these_stand_for(static_model: Path) -> None:
    first = next(layer for layer in graph.read(static_model).layers if layer.has_weights)
    assert first.value.scaling is not None
    low, high = first.value.scaling.limits
    assert low == 0 < high  # behind a ReLU


def test_shapes_parameters_and_operations_are_those_of_inspect(model: Path) -> None:
    from edgecnn.inspection import inspect

    rows, found = layers.table(graph.read(model)), inspect(model)
    assert sum(row.parameters for row in rows) == found.stored_parameters
    assert sum(row.macs or 0 for row in rows) == found.macs
    assert sum(row.weight_bytes for row in rows) == found.content.weights
    assert rows[-1].output_shape == (1, 10)


def test_a_file_made_by_hand_is_read(by_hand) -> None:
    assert [layer.title for layer in by_hand.layers] == ["Sub", "conv 3x3 /2 + LeakyRelu", "mean", "reshape", "dense"]
    assert (by_hand.input.batch, by_hand.input.image_shape, by_hand.labels) == (1, (12, 10, 1), None)
    assert [row.parameters for row in layers.table(by_hand)] == [0, 54, 0, 0, 24 + 4]


def test_a_network_of_pytorch_takes_floats_with_channels_first(foreign) -> None:
    taken = foreign("separable").network.input
    assert (taken.dtype, taken.channels_last, taken.batch, taken.image_shape) == ("float32", False, None, (32, 32, 3))
    pixels = taken.of_pixels(np.full((1, 32, 32, 3), 255, np.uint8))
    assert (pixels.shape, float(pixels.max())) == ((1, 3, 32, 32), 1.0)


def _changed(path: Path, change) -> Path:
    model = handmade()
    change(model.graph)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda one: one.input[0].type.tensor_type.shape.dim[2].ClearField("dim_value"),
            "of 1 x 1 x \\? x 10; images of",
        ),
        (
            lambda one: one.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1])),
            "pixels, more; a",
        ),
    ],
    ids=["no size", "two inputs"],
)
def test_what_takes_no_images_is_refused(tmp_path: Path, change, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        graph.read(_changed(tmp_path / "other.onnx", change))


def test_weights_in_another_file_are_refused_with_what_to_do(tmp_path: Path) -> None:
    model = handmade()
    onnx.save(model, tmp_path / "one.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ModelError, match="keeps its weights in another file"):
        graph.read(tmp_path / "one.onnx")


def test_what_computes_with_sizes_is_no_layer(tmp_path: Path) -> None:
    class Flat(nn.Module):
        def forward(self, pixels_nchw):
            return pixels_nchw.reshape(pixels_nchw.shape[0], -1)[:, :10]

    exported(Flat(), tmp_path / "flat.onnx")
    assert {layer.operator for layer in graph.read(tmp_path / "flat.onnx").layers} <= {"Reshape", "Slice"}
