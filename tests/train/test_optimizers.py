"""Optimizers and schedules: a table entry for each word that a recipe may use."""

import copy
import math
import typing

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn, optim

from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Optimizer, Recipe, Rest, Schedule
from edgecnn.train.muon import Muon, orthogonal
from edgecnn.train.optimizers import ONE_CYCLE_START, OPTIMIZERS, SCHEDULES, factor, make_optimizer

RATE, STEPS = 0.5, 100
REST = {"name": "sgd", "learning_rate": RATE}


def words(table: type, key: str) -> tuple[str, ...]:
    return typing.get_args(table.model_fields[key].annotation)


def recipe_with(**changes: object) -> Recipe:
    settings = {key.replace("__", "."): value for key, value in changes.items()}
    if settings.get("optimizer.name") == "muon":
        settings = {"optimizer.rest": REST, **settings}
    return read("mnist-a1", {"optimizer.learning_rate": RATE, **settings})


def factors(**schedule: object) -> list[float]:
    return [factor(Schedule(**schedule), step, STEPS) for step in range(STEPS)]


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))


def one_step(network: nn.Module, recipe: Recipe, *, gradient: float) -> None:
    optimizer = make_optimizer(network, recipe)
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, gradient)
    optimizer.step(1.0)


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
    assert {group[key] for group in optimizer.groups} == {0.7}


def test_nesterov_reaches_the_optimizer() -> None:
    recipe = recipe_with(optimizer__name="sgd", optimizer__momentum=0.7, optimizer__nesterov=True)
    assert {group["nesterov"] for group in make_optimizer(small_network(), recipe).groups} == {True}


def test_network_without_biases_has_one_group() -> None:
    assert len(make_optimizer(nn.Linear(2, 2, bias=False), recipe_with()).groups) == 1


def test_step_takes_the_factor_and_says_the_rate() -> None:
    network = nn.Linear(2, 2, bias=False)
    before = network.weight.detach().clone()
    optimizer = make_optimizer(network, recipe_with(optimizer__name="sgd", regularization__weight_decay=0.0))
    for by in (0.5, 0.1):  # of the recipe's rate, not of the step before
        network.weight.grad = torch.ones_like(network.weight)
        optimizer.step(by)
        assert optimizer.learning_rate == pytest.approx(RATE * by)
    torch.testing.assert_close(network.weight.detach(), before - RATE * 0.6)


# --- Muon ------------------------------------------------------------------------------------------------------------


def hidden_layers(memory_format: torch.memory_format = torch.channels_last) -> nn.Sequential:
    """One input channel, grouped, 1x1 and oblong filters, a hidden and a last dense layer, norms and biases."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Conv2d(8, 12, 1),
        nn.Conv2d(12, 6, (3, 2)),
        nn.Flatten(),
        nn.Linear(12, 8),
        nn.Linear(8, 3),
    )
    return network.to(memory_format=memory_format)


FILTERS = {"0.weight", "2.weight", "3.weight", "4.weight", "6.weight"}


def muon(**changes: object) -> Recipe:
    plain = {"optimizer__momentum": 0.6, "optimizer__nesterov": True, "regularization__weight_decay": 0.0}
    return recipe_with(**{"optimizer__name": "muon", **plain, **changes})


def give_gradients(network: nn.Module, seed: int) -> None:
    torch.manual_seed(seed)
    images = torch.randn(32, 1, 8, 6).to(memory_format=torch.channels_last)
    network.zero_grad()
    nn.functional.cross_entropy(network(images), torch.randint(3, (32,))).backward()


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def take_steps(network: nn.Module, optimizer: typing.Any, seeds: typing.Iterable[int]) -> None:
    for seed in seeds:
        give_gradients(network, seed)
        optimizer.step(1.0)
        optimizer.zero_grad()


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format], ids=str)
def test_muon_takes_every_weight_but_the_last_layers_and_the_rest_all_else(memory_format: torch.memory_format) -> None:
    network = hidden_layers(memory_format)
    optimizer = make_optimizer(network, muon())
    own, rest = (
        {parameter.data_ptr() for group in part.param_groups for parameter in group["params"]}
        for part in optimizer.optimizers
    )
    places = {name: parameter.data_ptr() for name, parameter in network.named_parameters()}
    assert own == {places[name] for name in FILTERS}
    assert rest == set(places.values()) - own


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format], ids=str)
def test_muon_makes_the_singular_values_of_a_step_near_equal(memory_format: torch.memory_format) -> None:
    network = hidden_layers(memory_format)
    optimizer, before = make_optimizer(network, muon()), weights_of(network)
    gradients = {name: torch.randn_like(value) for name, value in before.items()}
    for name, gradient in gradients.items():
        network.get_parameter(name).grad = gradient.clone()
    optimizer.step(1.0)
    for name in FILTERS:
        step = (before[name] - network.get_parameter(name).detach()).flatten(1)
        wide = math.sqrt(max(1, step.shape[0] / step.shape[1]))
        values = torch.linalg.svdvals(step) / (RATE * wide)
        assert 0.5 < values.min() <= values.max() < 1.4, name  # Newton and Schulz's five iterations leave this much
        assert (step * gradients[name].flatten(1)).sum() > 0, name


def test_muon_gives_the_same_filters_in_either_memory_format() -> None:
    networks = [hidden_layers(memory_format) for memory_format in (torch.channels_last, torch.contiguous_format)]
    for network in networks:
        take_steps(network, make_optimizer(network, muon(optimizer__learning_rate=0.02)), range(2))
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(12, 6), (8, 72), (5, 5)], ids=str)
@pytest.mark.parametrize("nesterov", [True, False], ids=["nesterov", "plain"])
def test_muon_goes_where_pytorchs_does(shape: tuple[int, int], nesterov: bool) -> None:
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(shape)) for _ in range(2))
    how = {"lr": 0.1, "momentum": 0.6, "nesterov": nesterov, "weight_decay": 0.1}
    steppers = Muon([ours], **how), optim.Muon([theirs], **how)
    for _ in range(3):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        for stepper in steppers:
            stepper.step()
    moved = torch.linalg.vector_norm(ours.detach() - 1)
    assert torch.linalg.vector_norm((ours - theirs).detach()) < 0.03 * moved  # theirs multiplies in bfloat16
    assert steppers[0].state_dict().keys() == steppers[1].state_dict().keys()


def test_the_orthogonal_matrix_of_zeros_is_zeros() -> None:
    assert not orthogonal(torch.zeros(3, 4), (3.4445, -4.775, 2.0315), 5, 1e-7).any()


def test_unit_filters_have_the_norm_of_an_identity_before_a_step() -> None:
    network = hidden_layers()
    optimizer = make_optimizer(network, muon(optimizer__learning_rate=1e-9, optimizer__unit_filters=True))
    before = weights_of(network)
    take_steps(network, optimizer, [1])
    for name in FILTERS:
        now = network.get_parameter(name).detach()
        assert now.norm().item() == pytest.approx(math.sqrt(len(now)), rel=1e-4)
        torch.testing.assert_close(now / now.norm(), before[name] / before[name].norm(), atol=1e-6, rtol=0)


def test_filters_are_not_brought_to_a_norm_unasked() -> None:
    network = hidden_layers()
    before = weights_of(network)
    take_steps(network, make_optimizer(network, muon(optimizer__learning_rate=1e-9)), [1])
    for name in FILTERS:
        torch.testing.assert_close(network.get_parameter(name).detach(), before[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["sgd", "muon"])
def test_frozen_parameters_are_untouched(name: str) -> None:
    network = hidden_layers()
    network[0].weight.requires_grad = network[1].weight.requires_grad = False  # before the optimizer is made
    changes = {"optimizer__unit_filters": True} if name == "muon" else {}
    recipe = recipe_with(optimizer__name=name, regularization__weight_decay=0.1, **changes)
    optimizer, before = make_optimizer(network, recipe), weights_of(network)
    network[4].requires_grad_(False)  # and after it
    take_steps(network, optimizer, [1])
    same = {key for key, value in weights_of(network).items() if torch.equal(value, before[key])}
    assert same == {"0.weight", "1.weight", "4.weight", "4.bias"}


@pytest.mark.parametrize("rest", typing.get_args(Rest.model_fields["name"].annotation))
def test_muons_state_goes_on_to_the_same_bits(rest: str) -> None:
    recipe = muon(optimizer__unit_filters=True, optimizer__rest={"name": rest, "learning_rate": 0.01})
    whole, resumed = hidden_layers(), hidden_layers()
    optimizer = make_optimizer(whole, recipe)
    take_steps(whole, optimizer, range(3))
    resumed.load_state_dict(whole.state_dict())
    second = make_optimizer(resumed, recipe)
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    take_steps(whole, optimizer, range(3, 5))
    take_steps(resumed, second, range(3, 5))
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_muon_of_a_single_layer_leaves_it_to_the_rest() -> None:
    network = nn.Linear(2, 2)
    optimizer, before = make_optimizer(network, muon()), weights_of(network)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(1.0)
    torch.testing.assert_close(network.weight.detach(), before["weight"] - RATE)


# --- Schedules -------------------------------------------------------------------------------------------------------


def test_constant_stays() -> None:
    assert set(factors(name="constant")) == {1.0}


def test_warm_up_rises_to_the_full_rate() -> None:
    found = factors(name="constant", warmup=0.2)
    assert found[:21] == sorted(set(found[:21]))
    assert found[0] < 1 / 10
    assert set(found[20:]) == {1.0}


@pytest.mark.parametrize("name", ["cosine", "linear", "one-cycle"])
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_falls_to_near_zero(name: str, warmup: float) -> None:
    after = factors(name=name, warmup=warmup)[round(warmup * STEPS) :]
    assert after == sorted(after, reverse=True)
    assert after[0] == 1
    assert 0 < after[-1] < 1 / 50


def test_cosine_is_half_way_in_the_middle() -> None:
    assert factors(name="cosine")[STEPS // 2] == pytest.approx(1 / 2)


def test_one_cycle_rises_from_a_25th_and_falls_to_zero_along_cosines() -> None:
    found = factors(name="one-cycle", warmup=0.3)
    assert found[:31] == sorted(set(found[:31]))
    assert ONE_CYCLE_START < found[0] < ONE_CYCLE_START + 0.01
    assert found[30] == 1
    assert found[15] == pytest.approx((1 + ONE_CYCLE_START) / 2, abs=0.03)
    assert found[65] == pytest.approx(1 / 2)
    assert found[-1] < 1e-3


def test_one_cycle_is_torchs_but_for_a_step() -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    peer = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=STEPS, pct_start=0.3)
    expected = []
    for _ in range(STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        peer.step() if len(expected) < STEPS else None
    apart = torch.tensor(factors(name="one-cycle", warmup=0.3)) - torch.tensor(expected)
    assert apart.abs().max() < 0.06


def test_step_drops_at_each_point() -> None:
    found = factors(name="step", step_at=[0.75, 0.5], step_factor=0.1)
    assert found[49] == 1
    assert found[50] == found[74] == pytest.approx(1 / 10)
    assert found[75] == found[99] == pytest.approx(1 / 100)


@given(
    name=st.sampled_from(words(Schedule, "name")),
    warmup=st.floats(0, 1, exclude_max=True),
    steps=st.integers(1, 500),
    data=st.data(),
)
def test_rate_is_positive_and_never_above_the_recipes(
    name: str, warmup: float, steps: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, steps - 1))
    step_at = [0.3] if name == "step" else []
    assert 0 < factor(Schedule(name=name, warmup=warmup, step_at=step_at), step, steps) <= 1
