"""Features before the last layer, their neighbors, and their map."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from edgecnn import data
from edgecnn.errors import ModelError
from edgecnn.insight import embedding, graph
from edgecnn.insight.activations import activations
from edgecnn.insight.features import features, last_layer, nearest
from edgecnn.insight.weights import weights


@pytest.fixture(scope="module")
def digits(data_root: Path) -> data.Split:
    return data.read_split("digits", "test", root=data_root)


def test_the_last_layer_makes_the_logits_of_them(model: Path, digits) -> None:
    network, shown = graph.read(model), digits.images_nhwc[:40]
    found, last = features(network, shown), weights(network)[-1]
    logits_nk = found @ last.weights_o.T + last.biases_o
    np.testing.assert_allclose(logits_nk, activations(network, shown)["logits"], atol=1e-3)


def test_they_are_what_pytorch_gives_its_last_layer(foreign) -> None:
    made = foreign("separable")
    np.testing.assert_allclose(features(made.network, made.images_nhwc), made.given[-2][1], atol=1e-4)


def test_progress_ends_with_all_images(model: Path, digits) -> None:
    said: list[tuple[int, int]] = []
    features(graph.read(model), digits.images_nhwc[:300], progress=lambda done, of: said.append((done, of)))
    assert said[-1] == (300, 300)


def test_what_has_no_weights_has_no_features(tmp_path: Path) -> None:
    taken, given = (helper.make_tensor_value_info(name, 1, [1, 1, 4, 4]) for name in ("a", "b"))
    bare = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "bare", [taken], [given])
    onnx.save(
        helper.make_model(bare, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), tmp_path / "bare.onnx"
    )
    with pytest.raises(ModelError, match="no layer has weights"):
        last_layer(graph.read(tmp_path / "bare.onnx"))


def test_the_nearest_are_those_of_the_least_angle() -> None:
    from sklearn.metrics.pairwise import cosine_similarity

    drawn = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    order = np.argsort(-cosine_similarity(drawn, drawn[:1])[:, 0])
    np.testing.assert_array_equal(nearest(drawn, drawn[0], 5), order[:5])


def test_a_map_is_the_same_again_and_keeps_classes_together(model: Path, digits) -> None:
    chosen = embedding.chosen(digits.labels_n, most=150)
    found = features(graph.read(model), digits.images_nhwc[chosen])
    first, second = (embedding.embed(found, chosen, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.points_n2, second.points_n2)
    gaps = np.linalg.norm(first.points_n2[:, None] - first.points_n2, axis=2) + np.diag(np.full(len(chosen), np.inf))
    labels = digits.labels_n[chosen]
    assert (labels[gaps.argmin(axis=1)] == labels).mean() > 0.6  # a tenth by chance


def test_at_most_so_many_points_each_class_in_its_share(digits) -> None:
    chosen = embedding.chosen(digits.labels_n, most=100)
    assert len(set(chosen.tolist())) == 100
    assert set(np.bincount(digits.labels_n[chosen])) <= {9, 10, 11}
    assert len(embedding.chosen(digits.labels_n, most=10_000)) == len(digits)
