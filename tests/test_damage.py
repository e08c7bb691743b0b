"""Damage that is done to a model's graph: what there is, and that each does what its name says to a copy."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

import edgecnn
from edgecnn import damage, golden, load_detector, zoo
from edgecnn.card import Golden
from edgecnn.runtime.selftest import log_gaps, selftest


@pytest.fixture(params=["model", "static_model"])
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_every_damage_opens_and_leaves_the_model_as_it_was(file: Path) -> None:
    model = onnx.load(file)
    before = model.SerializeToString(deterministic=True)
    own = edgecnn.load(file).card.golden
    done = damage.damages(model)
    changed = {one.name: _largest_gap(one.done_to(model), own) for one in done}
    assert model.SerializeToString(deterministic=True) == before
    assert len(changed) == len(done) > 60
    assert len({one.kind for one in done}) >= 40
    still = {name for name, gap in changed.items() if gap == 0}
    assert len(still) < 0.15 * len(done), still


def _largest_gap(graph: bytes, own: Golden) -> float:
    return float(log_gaps(golden.answers_alone(graph, own.images_nhwc), own.probabilities_nk).max())


def test_classes_are_exchanged(model: Path) -> None:
    graph = onnx.load(model)
    one = next(one for one in damage.damages(graph) if one.name == "two classes exchanged, 8 and 9")
    images_nhwc = edgecnn.load(model).card.golden.images_nhwc
    whole_nk, found_nk = (golden.answers_alone(own, images_nhwc) for own in (model.read_bytes(), one.done_to(graph)))
    np.testing.assert_allclose(found_nk, whole_nk[:, [*range(8), 9, 8]], rtol=1e-5)


def test_pixels_are_mirrored(model: Path) -> None:
    graph = onnx.load(model)
    one = next(one for one in damage.damages(graph) if one.kind == "mirrored")
    images_nhwc = edgecnn.load(model).card.golden.images_nhwc
    mirrored_nhwc = np.ascontiguousarray(images_nhwc[:, :, ::-1])
    wanted_nk = golden.answers_alone(model.read_bytes(), mirrored_nhwc)
    np.testing.assert_allclose(golden.answers_alone(one.done_to(graph), images_nhwc), wanted_nk, atol=1e-6)


def test_one_weight_tensor_is_scaled_by_one_percent(static_model: Path) -> None:
    graph = onnx.load(static_model)
    layer = damage.layers(graph.graph)[0]
    one = next(one for one in damage.damages(graph) if one.name == "weights scaled by 1 %, first")
    before, after = (
        onnx.numpy_helper.to_array(next(t for t in own.graph.initializer if t.name == layer.scale))
        for own in (graph, onnx.load_model_from_string(one.done_to(graph)))
    )
    np.testing.assert_allclose(after, before * 1.01, rtol=1e-6)


@pytest.mark.slow
def test_the_power_of_a_small_model_is_counted(file: Path, data_root: Path) -> None:
    from edgecnn import data

    card, graph = edgecnn.load(file).card, file.read_bytes()
    validation = data.read_split("digits", "train", root=data_root)
    found = golden.power(graph, card.golden, validation.images_nhwc, validation.labels_n, seconds=0.1)
    assert found.damages == len(damage.damages(onnx.load(file)))
    assert found.images == 500
    assert found.damages > found.harmful > 20
    assert found.noticed >= 0.95 * found.harmful
    blind = golden.power(graph, blind_card(card.golden), validation.images_nhwc, validation.labels_n, seconds=0.1)
    assert blind.noticed < found.noticed


def blind_card(own: Golden) -> Golden:
    """A card that allows almost everything."""
    return Golden(own.images_nhwc, own.answers, 0.05, log_tolerance=30.0, rms_tolerance=20.0)


@pytest.mark.slow
def test_a_detector_is_damaged_too_and_notices_lost_filters() -> None:
    model = onnx.load(zoo.find("digit-finder/fp32"))
    done = damage.pyramid_damages(model)
    assert len(done) > 40
    kinds = Counter(one.kind for one in done)
    assert kinds["one filter zeroed"] == 3
    zeroed = next(one for one in done if one.name == "one filter zeroed, first")
    assert not selftest(load_detector(zeroed.done_to(model))).passed
