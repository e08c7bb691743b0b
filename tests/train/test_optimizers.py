"""Optimizers and schedules: a table entry for each word that a recipe may use."""

import typing

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Optimizer, Recipe, Schedule
from edgecnn.train.optimizers import OPTIMIZERS, SCHEDULES, learning_rate, make_optimizer

RATE, STEPS = 0.5, 100


def words(table: type, key: str) -> tuple[str, ...]:
    return typing.get_args(table.model_fields[key].annotation)


def recipe_with(**changes: object) -> Recipe:
    settings = {key.replace("__", "."): value for key, value in changes.items()}
    return read("mnist-a1", {"optimizer.learning_rate": RATE, **settings})


def rates(**schedule: object) -> list[float]:
    recipe = recipe_with(**{f"schedule__{key}": value for key, value in schedule.items()})
    return [learning_rate(recipe, step, STEPS) for step in range(STEPS)]


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))


def one_step(network: nn.Module, recipe: Recipe, *, gradient: float) -> None:
    optimizer = make_optimizer(network, recipe)
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, gradient)
    optimizer.step()


def test_every_word_has_its_entry() -> None:
    assert set(OPTIMIZERS) == set(words(Optimizer, "name"))
    assert set(SCHEDULES) == set(words(Schedule, "name"))


@pytest.mark.parametrize("name", words(Optimizer, "name"))
def test_optimizer_goes_against_the_gradient(name: str) -> None:
    network = small_network()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    one_step(network, recipe_with(optimizer__name=name), gradient=1.0)
    assert all((after < old).all() for old, after in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("name", words(Optimizer, "name"))
def test_weights_are_decayed(name: str) -> None:
    network = small_network()
    before = network[0].weight.detach().clone()
    one_step(network, recipe_with(optimizer__name=name, regularization__weight_decay=0.1), gradient=0.0)
    assert not torch.equal(network[0].weight, before)


# ASGD's own shrinkage, 1e-4 of the learning rate, is part of its averaging and meets every parameter.
@pytest.mark.parametrize("name", sorted({*words(Optimizer, "name")} - {"asgd"}))
def test_biases_and_norms_are_not_decayed(name: str) -> None:
    network = small_network()
    spared = {key: value.detach().clone() for key, value in network.named_parameters() if value.ndim == 1}
    one_step(network, recipe_with(optimizer__name=name, regularization__weight_decay=0.1), gradient=0.0)
    assert {key for key, value in spared.items() if not torch.equal(network.get_parameter(key), value)} == set()
    assert set(spared) == {"0.bias", "1.weight", "1.bias", "3.bias"}


@pytest.mark.parametrize(("name", "key"), [("sgd", "momentum"), ("rmsprop", "momentum")])
def test_momentum_reaches_the_optimizer(name: str, key: str) -> None:
    optimizer = make_optimizer(small_network(), recipe_with(optimizer__name=name, optimizer__momentum=0.7))
    assert {group[key] for group in optimizer.param_groups} == {0.7}


def test_nesterov_reaches_the_optimizer() -> None:
    recipe = recipe_with(optimizer__name="sgd", optimizer__momentum=0.7, optimizer__nesterov=True)
    assert {group["nesterov"] for group in make_optimizer(small_network(), recipe).param_groups} == {True}


def test_network_without_biases_has_one_group() -> None:
    assert len(make_optimizer(nn.Linear(2, 2, bias=False), recipe_with()).param_groups) == 1


def test_constant_stays() -> None:
    assert set(rates(name="constant")) == {RATE}


def test_warm_up_rises_to_the_full_rate() -> None:
    found = rates(name="constant", warmup=0.2)
    assert found[:21] == sorted(set(found[:21]))
    assert found[0] < RATE / 10
    assert set(found[20:]) == {RATE}


@pytest.mark.parametrize("name", ["cosine", "linear"])
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_falls_to_near_zero(name: str, warmup: float) -> None:
    after = rates(name=name, warmup=warmup)[round(warmup * STEPS) :]
    assert after == sorted(after, reverse=True)
    assert after[0] == RATE
    assert 0 < after[-1] < RATE / 50


def test_cosine_is_half_way_in_the_middle() -> None:
    assert rates(name="cosine")[STEPS // 2] == pytest.approx(RATE / 2)


def test_step_drops_at_each_point() -> None:
    found = rates(name="step", step_at=[0.75, 0.5], step_factor=0.1)
    assert found[49] == RATE
    assert found[50] == found[74] == pytest.approx(RATE / 10)
    assert found[75] == found[99] == pytest.approx(RATE / 100)


@given(
    name=st.sampled_from(words(Schedule, "name")),
    warmup=st.floats(0, 1, exclude_max=True),
    steps=st.integers(1, 500),
    data=st.data(),
)
def test_rate_is_positive_and_never_above_the_recipes(
    name: str, warmup: float, steps: int, data: st.DataObject
) -> None:
    recipe = recipe_with(schedule__name=name, schedule__warmup=warmup, schedule__step_at=[0.3])
    step = data.draw(st.integers(0, steps - 1))
    assert 0 < learning_rate(recipe, step, steps) <= RATE
