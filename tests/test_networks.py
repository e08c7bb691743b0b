"""Every architecture family, found by its file."""

import importlib
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn import networks
from edgecnn.errors import RecipeError

GRAY_28 = {"size": (28, 28), "channels": 1, "classes": 10}
CLAIM = re.compile(r"([\d,]+) parameters on 28x28 gray and (\d+) classes")


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_finds_every_file() -> None:
    assert networks.names() == ("compact", "dense", "funnel", "lenet", "twoconv")


@pytest.mark.parametrize("name", networks.names())
def test_maps_pixels_to_logits(name: str) -> None:
    network = networks.build(name, {}, size=(32, 24), channels=3, classes=7)
    assert network(torch.rand(5, 3, 32, 24)).shape == (5, 7)


@pytest.mark.parametrize("name", networks.names())
def test_claimed_parameter_count_is_the_real_one(name: str) -> None:
    claim = CLAIM.search(networks.describe(name))
    assert claim, f"{name} claims no count: {networks.describe(name)}"
    network = networks.build(name, {}, size=(28, 28), channels=1, classes=int(claim[2]))
    assert count(network) == int(claim[1].replace(",", ""))


@pytest.mark.parametrize(
    ("name", "settings", "shape", "expected"),
    [
        ("twoconv", {}, GRAY_28, 1_111_434),
        ("twoconv", {"filters": [64, 128]}, {"size": (32, 32), "channels": 3, "classes": 100}, 3_587_044),
        ("funnel", {}, GRAY_28, 4_470),
        ("funnel", {}, GRAY_28 | {"classes": 4}, 4_368),
        ("dense", {}, GRAY_28 | {"classes": 5}, 1_398_597),
        ("lenet", {}, GRAY_28, 61_706),
        ("compact", {}, GRAY_28, 72_666),
    ],
)
def test_has_the_stated_number_of_parameters(name: str, settings: dict, shape: dict, expected: int) -> None:
    assert count(networks.build(name, settings, **shape)) == expected


def test_parameters_are_what_a_recipe_may_set() -> None:
    assert networks.parameters("twoconv") == {"filters": (32, 64), "hidden": 1024}


@pytest.mark.parametrize("name", networks.names())
def test_every_parameter_has_a_default(name: str) -> None:
    build = importlib.import_module(f"edgecnn.networks.{name}").build
    assert build(**GRAY_28)(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_unknown_network_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no network 'lenett'; there is compact, .*twoconv\. Did you mean 'lenet'\?"):
        networks.build("lenett", {}, **GRAY_28)


def test_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no parameter 'filter'; it has filters, dropout\. Did you mean 'filters'\?"):
        networks.build("compact", {"filter": [8]}, **GRAY_28)


def test_network_without_parameters_says_that_it_has_none() -> None:
    with pytest.raises(RecipeError, match="network lenet has no parameter 'filters'; it has none"):
        networks.build("lenet", {"filters": [8]}, **GRAY_28)


@pytest.mark.parametrize("wrong", [{"filters": []}, {"filters": "wide"}, {"filters": [-1]}, {"dropout": 2.0}])
def test_parameter_that_builds_nothing_is_named(wrong: dict) -> None:
    with pytest.raises(RecipeError, match=f"network compact with .*{next(iter(wrong))}"):
        networks.build("compact", wrong, **GRAY_28)


@pytest.mark.parametrize(
    ("name", "side"), [("compact", 3), ("funnel", 4), ("lenet", 4), ("lenet", 10), ("twoconv", 8), ("twoconv", 12)]
)
def test_images_too_small_are_a_message(name: str, side: int) -> None:
    with pytest.raises(RecipeError, match=f"network {name} with .* cannot take {side}x{side} images of 1 channels"):
        networks.build(name, {}, size=(side, side), channels=1, classes=10)


@given(
    name=st.sampled_from(networks.names()),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    channels=st.sampled_from((1, 3)),
    classes=st.integers(2, 20),
)
@settings(max_examples=60, deadline=None)
def test_any_size_is_taken_or_refused_by_message(name: str, size: tuple[int, int], channels: int, classes: int) -> None:
    try:
        network = networks.build(name, {}, size=size, channels=channels, classes=classes)
    except RecipeError as error:
        assert f"{size[0]}x{size[1]}" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert network(torch.zeros(1, channels, *size)).shape == (1, classes)
        assert all(parameter.numel() for parameter in network.parameters())
