#!/usr/bin/env python3
"""Make or replace one model of the zoo from a finished run: tools/make_model.py RUN NAME [--data-root FOLDER]

Exports, quantizes (the preferred form is kept where it is another than the parent), verifies the run against the form
to ship on the test split, measures, and writes the pages. The folder gets its name only when all of that has passed;
a model that is already there stays until then. Nothing else may run meanwhile: it measures latencies.
"""

import argparse
import contextlib
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgecnn import card, documents
from edgecnn.bench import bench
from edgecnn.card import CLASSIFICATION
from edgecnn.errors import CheckFailed, EdgecnnError
from edgecnn.export import export
from edgecnn.metadata import read_card
from edgecnn.quantize import quantize
from edgecnn.report import model_card
from edgecnn.verify import verify

ZOO = Path(__file__).resolve().parents[1] / "exported"
LARGEST_BYTES = 25_000_000


def make(
    run: Path,
    name: str,
    *,
    zoo: Path = ZOO,
    dataset: str | None = None,
    root: Path | None = None,
    calibrated: bool = False,
    seconds: float = 8.0,
) -> Path:
    """Make ``zoo/name`` from a run or checkpoint and return that folder; nothing is left where a check fails."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name):
        raise EdgecnnError(f"'{name}' is no name for a model: expected small letters, digits, dots and dashes.")
    with tempfile.TemporaryDirectory(dir=zoo, prefix=".") as scratch:
        folder = Path(scratch) / name
        files = _forms(run, folder, dataset, root, calibrated, seconds)
        reference = run if read_card(files[0]).task == CLASSIFICATION else files[0]  # of others, PyTorch has no answers
        found = verify(reference, files[-1], dataset=dataset, root=root)
        if found.drop_pp > found.max_drop_pp:
            raise CheckFailed(f"{files[-1].name} is {found.drop_pp:.2f} points worse than {run}. Nothing was written.")
        if found.verdict == "undecided":
            print(f"warning: too few images to show a drop within {found.max_drop_pp:g} points", file=sys.stderr)
        _write_json(folder / model_card.VERIFY, _without_folders(found))
        with contextlib.chdir(folder):  # so that the report names files and not this machine's folders
            report = bench([Path(file.name) for file in files], seconds=seconds)
        if report.environment.warning:
            print(f"warning: {report.environment.warning}", file=sys.stderr)
        _write_json(folder / model_card.BENCH, report)
        _leave_out_large(files)
        _replace(zoo / name, folder, aside=Path(scratch) / "before")
    model_card.write(zoo)
    return zoo / name


def _forms(
    run: Path, folder: Path, dataset: str | None, root: Path | None, calibrated: bool, seconds: float
) -> list[Path]:
    """Write fp32.onnx and, where another form is preferred, preferred.onnx; the last is the one to ship."""
    parent, preferred = folder / "fp32.onnx", folder / "preferred.onnx"
    export(run, parent, dataset=dataset, root=root, calibrated=calibrated)
    quantized = quantize(parent, preferred, dataset=dataset, root=root, seconds=seconds)
    print(quantized.reason)
    return [parent] if quantized.output == parent else [parent, preferred]


def _leave_out_large(files: list[Path]) -> None:
    """Take the float32 file out where it is too large and not the form to ship; its page says how to make it."""
    if files[-1].stat().st_size > LARGEST_BYTES:
        raise CheckFailed(f"{files[-1].name} is the form to ship and has over 25 MB. Nothing was written.")
    for file in files[:-1]:
        if file.stat().st_size > LARGEST_BYTES:
            _remove(file)


def _remove(file: Path) -> None:
    file.unlink()
    card.beside(file).unlink()


def _replace(there: Path, folder: Path, *, aside: Path) -> None:
    """Give a finished folder the name of one that may be there, which is moved aside, not removed, until then."""
    if there.exists():
        there.rename(aside)
    folder.rename(there)


def _without_folders(found: Any) -> Any:
    """Name both by their last part alone."""
    reference, candidate = (replace(s, model=Path(s.model).name) for s in (found.reference, found.candidate))
    return replace(found, reference=reference, candidate=candidate)


def _write_json(path: Path, value: object) -> None:
    path.write_text(documents.to_json(value) + "\n", encoding="utf-8")


def main() -> None:
    """Parse, make, say where it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("run", type=Path, help="a run's folder or a checkpoint")
    parser.add_argument("name", help="the model's name in the zoo")
    parser.add_argument("--data", metavar="DATASET", help="where the data set lies, if it has moved")
    parser.add_argument("--data-root", type=Path, metavar="FOLDER", help="folder that holds the data sets")
    parser.add_argument("--calibrate", action="store_true", help="fit a temperature on the validation split")
    given = parser.parse_args()
    try:
        folder = make(given.run, given.name, dataset=given.data, root=given.data_root, calibrated=given.calibrate)
    except EdgecnnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print((folder / model_card.PAGE).read_text(encoding="utf-8").partition("## Figures")[2].partition("## ")[0].strip())
    print(f"{folder}: made. A name new to tests/test_exported.py goes there, and may belong into pyproject.toml.")


if __name__ == "__main__":
    main()
