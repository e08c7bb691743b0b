"""One report, drawn once a test run."""

from pathlib import Path

import pytest

from edgecnn.report import report


@pytest.fixture(scope="session")
def made(once, run: Path, static_model: Path, data_root: Path) -> Path:
    """The report of a run's float32 file, held to a quantized one: with everything that a report can have."""
    return once(
        "report", lambda folder: report(run, static_model, folder / "report.html", root=data_root, seconds=0.05)
    )
