"""Run the command line as a user would: its arguments in, exit code and both outputs back."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from edgecnn_cli.main import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a script's background starts without it


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def edgecnn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call the entry point in this process, which saves the imports."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["edgecnn", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Result(int(left.value.code or 0), captured.out, captured.err)

    return call


def run_process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Call the command in a process of its own."""
    command = [sys.executable, "-m", "edgecnn_cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **options)


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command in a process of its own."""
    return run_process
