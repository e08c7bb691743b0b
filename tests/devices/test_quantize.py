"""A form is chosen by its latency on a device, and the card says which machine that was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from loopback import edgecnn_command, needs_sshd

from edgecnn.devices.connection import connected
from edgecnn.errors import DeviceError
from edgecnn.metadata import read_card
from edgecnn.quantize import choose, quantize
from edgecnn.quantize.figures import Where


@needs_sshd
@pytest.mark.slow
def test_latency_is_that_of_the_device(device: str, model: Path, data_root: Path, tmp_path: Path) -> None:
    wanted = ("--method", "static", "--seconds", 0.05, "--data-root", data_root, "--on", device, "--json")
    told = json.loads(edgecnn_command("quantize", model, "-o", tmp_path / "q.onnx", *wanted).stdout)
    assert told["environment"]["place"] == device
    assert told["candidates"][0]["latency_ratio"] > 0
    measured = read_card(tmp_path / "q.onnx").quantization.measured
    assert measured.machine == told["environment"]["processor"]


@needs_sshd
def test_the_card_has_the_devices_machine(
    device: str, model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(device) as connection:
        another = replace(connection.environment, processor="Cortex-A76", family="ARM64 dotprod")
    monkeypatch.setattr(choose, "_where", lambda file, provider, on, on_stage: Where(provider, another))
    quantize(model, tmp_path / "q.onnx", method="static", root=data_root, seconds=0.05, on=device)
    measured = read_card(tmp_path / "q.onnx").quantization.measured
    assert (measured.machine, measured.family) == ("Cortex-A76", "ARM64 dotprod")


def test_a_device_that_is_not_there_is_said_before_anything_is_built(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no ssh server listens"):
        quantize(model, tmp_path / "q.onnx", method="static", root=tmp_path, on="ssh://127.0.0.1:9")
    assert list(tmp_path.iterdir()) == []
