"""What is measured on a device: timed there, judged here, with the device's machine."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from interrupting import interrupted
from loopback import Server, edgecnn_command, needs_sshd
from numpy.typing import NDArray

from edgecnn.bench import BenchReport, bench
from edgecnn.bench.figures import Timing
from edgecnn.devices.kinds import ssh
from edgecnn.errors import DeviceError, EdgecnnError
from edgecnn.machine import threads

pytestmark = needs_sshd
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a script's background starts without it


@pytest.fixture(scope="module")
def report(device: str) -> tuple[BenchReport, dict[str, NDArray[np.int64]]]:
    calls: dict[str, NDArray[np.int64]] = {}

    def keep(timing: Timing, calls_ns: NDArray[np.int64]) -> None:
        calls[f"{timing.model} {timing.batch}"] = calls_ns

    models = ["mnist-c1", "digit-finder"]
    return bench(models, batches=(1, 4), threads=(1,), seconds=0.05, on=device, on_calls=keep), calls


def test_figures_are_of_what_was_timed_there(report: tuple[BenchReport, dict[str, NDArray[np.int64]]]) -> None:
    found, calls = report
    assert [(t.model, t.batch, t.threads) for t in found.contenders] == [
        ("mnist-c1", 1, 1), ("digit-finder", 1, 1), ("mnist-c1", 4, 1), ("digit-finder", 4, 1),
    ]  # fmt: skip
    for timing in found.contenders:
        own_ms = calls[f"{timing.model} {timing.batch}"] / 1e6
        assert timing.p50_ms == pytest.approx(np.median(own_ms))
        assert timing.calls == len(own_ms)
        assert timing.provider == "CPUExecutionProvider"
    finder = [timing for timing in found.contenders if timing.model == "digit-finder"]
    assert finder[1].p50_ms > 2 * finder[0].p50_ms  # four frames, one after the other


def test_the_machine_is_the_device_and_the_costs_are_there(
    device: str, report: tuple[BenchReport, dict[str, NDArray[np.int64]]]
) -> None:
    found, _ = report
    assert found.environment.place == device
    for footprint in found.footprints:
        cold = footprint.cold_start
        assert cold.total_ms > cold.import_ms + cold.load_ms + cold.first_ms > cold.import_ms > 0
        assert 10e6 < cold.peak_bytes < 1e9


def test_the_command_says_where_it_was_measured(device: str) -> None:
    told = edgecnn_command("bench", "mnist-c1", "--batch", 1, "--seconds", 0.05, "--on", device).stdout
    assert re.search(rf"^mnist-c1 +1 +{threads.available()} ", told, re.M)
    assert f"machine: {device}\n" in told


def test_a_run_is_made_a_model_file_first(device: str, run: Path) -> None:
    with pytest.raises(EdgecnnError, match="Make it one first: edgecnn export"):
        bench([run], batches=(1,), seconds=0.05, on=device)


def test_a_device_that_keeps_no_time_measures_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh.Machine, "keeps_time", False)
    with pytest.raises(DeviceError, match="how long they take says nothing"):
        bench(["mnist-c1"], on="ssh://box")


def test_a_connection_that_is_cut_ends_the_command(device: str, server: Server) -> None:
    started = measuring(device, server)
    server.cut()
    _, said = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "the connection ended before" in said
    assert "Traceback" not in said
    server.assert_no_runner()


def test_ctrl_c_leaves_nothing(device: str, server: Server) -> None:
    measured = ("bench", "mnist-c1", "mnist-small", "--seconds", "60", "--on", device)
    interrupted(*measured, cwd=Path.cwd(), begun=lambda: len(server.runners()) > 1)
    server.assert_no_runner()


def measuring(device: str, server: Server) -> subprocess.Popen[str]:
    """Start a benchmark of two models, and wait until both are opened there."""
    command = [
        sys.executable,
        "-m",
        "edgecnn_cli",
        "bench",
        "mnist-c1",
        "mnist-small",
        "--seconds",
        "60",
        "--on",
        device,
    ]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while len(server.runners()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(server.runners()) >= 2
    return started
