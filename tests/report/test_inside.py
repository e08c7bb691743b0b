"""Pictures of what is inside: what is chosen to be shown, and the numbers that are drawn."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgecnn.insight import graph, weights
from edgecnn.insight import layers as layers_room
from edgecnn.insight.noise import LayerNoise
from edgecnn.report.inside import histograms, ink, kernels, maps, noise, scatter, table, tiles


@pytest.fixture(scope="module")
def layers(model: Path) -> list[weights.Weights]:
    return weights.weights(graph.read(model))


def test_histograms_count_as_numpy_does(layers) -> None:
    for layer in layers:
        bound = float(np.abs(layer.weights_o).max())
        found = histograms.counts(layer.weights_o, bound)
        expected, edges = np.histogram(layer.weights_o.ravel(), np.linspace(-bound, bound, histograms.BINS + 1))
        np.testing.assert_array_equal(found.counts_b, expected)
        np.testing.assert_allclose(found.edges, edges, atol=1e-9)
        assert found.counts_b.sum() == layer.weights_o.size


def test_the_largest_kernels_are_shown(layers) -> None:
    first, second = layers[:2]
    norms = np.linalg.norm(first.weights_o.reshape(len(first.weights_o), -1), axis=1)
    assert [place for place, _ in kernels.chosen(first, most=3)] == np.argsort(-norms)[:3].tolist()
    slices = np.linalg.norm(second.weights_o, axis=(2, 3))
    shown = kernels.chosen(second, most=5)
    assert len(shown) == len(set(shown)) == 5
    assert min(slices[place] for place in shown) >= np.sort(slices, axis=None)[-5]


@pytest.mark.slow
def test_kernels_and_histograms_of_512_channels_are_one_picture(layers) -> None:
    from dataclasses import replace

    wide = replace(layers[1], weights_o=np.random.default_rng(0).normal(size=(512, 512, 3, 3)).astype(np.float32))
    narrow = replace(layers[1], weights_o=wide.weights_o[:, :, :1, :1])
    drawn = kernels.draw([layers[0], wide, narrow])
    assert len(drawn.axes) == 3
    assert kernels.draw([replace(wide, index=place) for place in range(60)]).get_figheight() < 45
    assert drawn.get_figheight() < 8
    assert len(histograms.draw([wide], [layers[1]]).axes) == 2


def test_of_very_many_layers_those_that_compute_most_are_drawn() -> None:
    rows = layers_room.table(graph.read("digit-finder/fp32"))
    drawn = table.drawn(rows, None)
    assert len(rows) > 100
    assert len(drawn) == table.MOST
    assert [row.index for row in drawn] == sorted(row.index for row in drawn)
    assert min(row.macs for row in drawn) >= sorted((row.macs or 0 for row in rows), reverse=True)[table.MOST - 1]


def test_maps_whose_channels_are_not_first_are_not_shown() -> None:
    """As of a ReLU that comes after a transposition to (N, H, W, C)."""
    every = [
        SimpleNamespace(operator=operator, is_layout=operator == "Reshape", prepares=False, name=operator)
        for operator in ("Conv", "Transpose", "MaxPool", "Reshape")
    ]
    kept = maps.shown(every, dict.fromkeys(("Conv", "Transpose", "MaxPool", "Reshape")))
    assert [one.name for one in kept] == ["Conv", "MaxPool"]


def test_maps_that_vary_most_are_shown_in_their_order() -> None:
    drawn = np.zeros((2, 512, 4, 4), np.float32)
    drawn[1, [400, 3, 77], 0, 0] = [5, 1, 9]
    assert maps.chosen(drawn, most=3).tolist() == [3, 77, 400]


def test_tiles_are_laid_row_by_row_with_gaps_that_let_the_page_through() -> None:
    plain = [np.full((2, 2, 4), value, np.float32) for value in (0.2, 0.4, 0.6)]
    sheet = tiles.sheet(plain, columns=2, gap=0.5)
    assert sheet.shape == (5, 5, 4)
    assert (sheet[0, 0, 0], sheet[0, 3, 0], sheet[3, 0, 0]) == pytest.approx((0.2, 0.4, 0.6))
    assert sheet[2].max() == sheet[:, 2].max() == sheet[3, 3, 3] == 0


def test_names_of_a_hundred_classes_are_pushed_apart() -> None:
    draw = np.random.default_rng(2)
    centers, sizes = draw.uniform(0, 1000, (100, 2)), np.tile([60.0, 14.0], (100, 1))
    moved = scatter.apart(centers, sizes)
    gaps = np.abs(moved[:, None] - moved) >= sizes - 1e-6
    np.fill_diagonal(gaps[..., 0], True)
    assert gaps.any(axis=2).all()
    assert np.median(np.linalg.norm(moved - centers, axis=1)) < 20


def test_a_class_is_named_in_its_largest_group() -> None:
    draw = np.random.default_rng(0)
    points = np.concatenate([draw.normal(0, 1, (60, 2)), draw.normal(50, 1, (40, 2))]).astype(np.float32)
    assert np.linalg.norm(scatter.middle(points)) < 2


def test_colors_of_classes_are_different() -> None:
    for count in (3, 10, 100):
        assert len(set(ink.classes(count))) == count


def test_the_layers_that_lose_most_are_marked() -> None:
    rows = [
        LayerNoise(place, "conv", f"v{place}", f"v{place}", 30.0, fall, 0.0, True)
        for place, fall in enumerate([None, 1.0, 8.0, 4.0, 20.0, 5.0])
    ]
    assert [row.index for row in noise.marked(rows)] == [4, 2, 5]
