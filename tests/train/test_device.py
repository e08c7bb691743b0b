"""In which precision a training runs: as asked, or as a trial of this machine says."""

import pytest
import torch

from edgecnn.train import device
from edgecnn.train.device import WORTHWHILE, runs_bf16

CPU = torch.device("cpu")


def on_a_machine(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], share: float) -> None:
    """Pretend that bfloat16 takes ``share`` of float32's time."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(device, "_convolution_seconds", lambda dtype: share if dtype == torch.bfloat16 else 1.0)


@pytest.mark.parametrize(("precision", "expected"), [("bf16", True), ("fp32", False)])
def test_precision_that_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch, precision: str, expected: bool) -> None:
    on_a_machine(monkeypatch, {"avx512_bf16": not expected}, 0.1 if not expected else 10.0)
    assert runs_bf16(CPU, precision) is expected


@pytest.mark.parametrize("share", [0.2, WORTHWHILE - 0.01, WORTHWHILE + 0.01, 1.7])
@pytest.mark.parametrize("capability", ["avx512_bf16", "amx_bf16"])
def test_auto_takes_bf16_where_it_is_worthwhile(monkeypatch: pytest.MonkeyPatch, capability: str, share: float) -> None:
    on_a_machine(monkeypatch, {capability: True}, share)
    assert runs_bf16(CPU, "auto") is (share < WORTHWHILE)


def test_auto_tries_nothing_where_the_processor_has_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_machine(monkeypatch, {"avx2": True}, 0.1)
    assert runs_bf16(CPU, "auto") is False


def test_auto_decides_on_this_machine_and_draws_nothing() -> None:
    before = torch.get_rng_state()
    assert runs_bf16(CPU, "auto") in (True, False)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_trial_takes_time() -> None:
    assert device._convolution_seconds(torch.float32) > 0
