#!/usr/bin/env python3
"""What audit predicts of a fault, and what bench measures after it: tools/audit_predictions.py [NAME ...] [-o FILE]

Each file of tests/planted.py that has a fault is audited, then benched against the file in which that is changed, with
nothing else running. Both are adopted first, so that bench takes them. ``predicted`` is the latency of the changed file
over that of the other as the finding has it, which is the least that it can become; ``measured`` is bench's.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import planted

from edgecnn.adopt import adopt
from edgecnn.audit import audit
from edgecnn.bench import bench
from edgecnn.documents import to_json
from edgecnn.machine.environment import Environment, environment

CHANGED = {  # the file with a fault -> the finding, and the file without it
    "unsigned": ("unsigned-weights", "good-int8"),
    "unfused": ("unfused-layers", "gelu"),
    "wide": ("unfused-layers", "good-int8"),
    "island": ("float-layers", "good-int8"),
    "gelu": ("float-activations", "good-int8"),
    "abs": ("float-others", "good-int8"),
    "odd": ("channels", "good-float"),
    "padded": ("channels", "filled"),
    "layout": ("layout", "good-float"),
    "dynamic": ("dynamic", "good-float"),
}
WIDTH, SIDE = 64, 32  # larger than in the tests, so that a call takes longer than what is around it


@dataclass(frozen=True)
class Row:
    """One fault. ``predicted`` is None where a finding says nothing of the time, or there is none."""

    name: str
    finding: str
    changed: str
    predicted: float | None
    how: str
    measured: float
    measured_ci95: tuple[float, float]
    verdict: str


@dataclass(frozen=True)
class Record:
    """All of them, and where."""

    rows: list[Row]
    environment: Environment


def main() -> None:
    """Audit and measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *CHANGED])
    parser.add_argument("-o", "--output", type=Path, help="where all of it goes as JSON")
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    planted.WIDTH, planted.SIDE = WIDTH, SIDE
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in _rows(arguments.names or list(CHANGED), Path(folder), arguments.seconds):
            predicted = "-" if row.predicted is None else f"{row.predicted:.2f}"
            low, high = row.measured_ci95
            print(f"{row.name:9} {row.finding:18} -> {row.changed:11} predicted {predicted:>4}  measured "
                  f"{row.measured:.2f} ({low:.2f}..{high:.2f}), {row.verdict}", flush=True)  # fmt: skip
            rows.append(row)
    if arguments.output is not None:
        arguments.output.write_text(to_json(Record(rows, environment())), encoding="utf-8")


def _rows(names: list[str], folder: Path, seconds: float) -> Iterator[Row]:
    for name in names:
        wanted, changed = CHANGED[name]
        bad, good = (_adopted(one, folder) for one in (name, changed))
        floats = _adopted("good-float", folder) if name in ("wide", "dynamic") else None
        found = audit(bad, floats, threads=1, seconds=seconds)
        finding = next((one for one in found.findings if one.name == wanted), None)
        brings = None if finding is None else finding.brings
        (ratio,) = bench([bad, good], batches=(1,), threads=(1,), seconds=seconds).comparisons
        yield Row(
            name=name,
            finding=wanted,
            changed=changed,
            predicted=None if brings is None else 1 - brings,
            how="not found" if finding is None else finding.how,
            measured=ratio.ratio,
            measured_ci95=ratio.ratio_ci95,
            verdict=ratio.verdict,
        )


def _adopted(name: str, folder: Path) -> Path:
    path = folder / f"{name}.onnx"
    if not path.exists():
        planted.MADE[name](folder / f"{name}-theirs.onnx")
        adopt(folder / f"{name}-theirs.onnx", path, labels=[str(label) for label in range(10)], scale=1 / 255)
    return path


if __name__ == "__main__":
    main()
