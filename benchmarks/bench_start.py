"""`edgecnn --help`, beside interpreters that do nothing, that import edgecnn, and that import typer alone."""

import subprocess
import sys

import pytest


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


@pytest.mark.benchmark(group="start of a process", min_rounds=10)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("-c", "pass"), id="python"),
        pytest.param(("-c", "import edgecnn"), id="import edgecnn"),
        pytest.param(("-c", "import typer, rich.console"), id="import typer and rich"),
        pytest.param(("-m", "edgecnn_cli.main", "--help"), id="edgecnn --help"),
    ],
)
def test_start(benchmark, arguments: tuple[str, ...]) -> None:
    benchmark(run, *arguments)
