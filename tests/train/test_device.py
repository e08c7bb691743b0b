"""In which precision a training runs: as asked, or as a trial of this machine says."""

import pytest
import torch
from torch import nn

from edgecnn.checkpoint import PixelClassifier
from edgecnn.train import device
from edgecnn.train.device import WORTHWHILE, runs_bf16

CPU = torch.device("cpu")


def on_a_machine(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], share: float) -> None:
    """Pretend that bfloat16 takes ``share`` of float32's time."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(device, "_step_seconds", lambda *_, bf16: share if bf16 else 1.0)


def decides(precision: str) -> bool:
    return runs_bf16(CPU, precision, nn.Flatten(), torch.zeros(1, 2, 2, 1, dtype=torch.uint8))


@pytest.mark.parametrize(("precision", "expected"), [("bf16", True), ("fp32", False)])
def test_precision_that_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch, precision: str, expected: bool) -> None:
    on_a_machine(monkeypatch, {"avx512_bf16": not expected}, 0.1 if not expected else 10.0)
    assert decides(precision) is expected


@pytest.mark.parametrize("share", [0.2, WORTHWHILE - 0.01, WORTHWHILE + 0.01, 1.7])
@pytest.mark.parametrize("capability", ["avx512_bf16", "amx_bf16"])
def test_auto_takes_bf16_where_it_is_worthwhile(monkeypatch: pytest.MonkeyPatch, capability: str, share: float) -> None:
    on_a_machine(monkeypatch, {capability: True}, share)
    assert decides("auto") is (share < WORTHWHILE)


def test_auto_tries_nothing_where_the_processor_has_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(monkeypatch, {"avx2": True}, 0.1)
    assert decides("auto") is False


def classifier() -> PixelClassifier:
    """Something with norms that count and a dropout that draws."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(3))
    network(torch.zeros(2, 1, 8, 8))
    return PixelClassifier(network, torch.ones(1), torch.zeros(1))


def test_auto_tries_the_network_itself_and_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    tried = classifier().train()
    weights = {name: value.clone() for name, value in tried.state_dict().items()}
    state = torch.get_rng_state()
    assert runs_bf16(CPU, "auto", tried, torch.ones(5, 8, 8, 1, dtype=torch.uint8)) in (True, False)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, weights[name]) for name, value in tried.state_dict().items())
    assert all(parameter.grad is None for parameter in tried.parameters())


def test_the_trial_takes_time() -> None:
    assert device._step_seconds(classifier(), torch.ones(5, 8, 8, 1, dtype=torch.uint8), bf16=False) > 0
