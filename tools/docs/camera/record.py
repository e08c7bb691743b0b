"""docs/records/camera.json: what was measured, part by part, each with its machine, versions and model files.

A part can be measured alone, and the page is made from all that are there. Where something else ran on the machine
meanwhile, a part has no times.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn import files, zoo
from edgecnn.machine import facts
from edgecnn.machine.environment import BUSY_FRACTION
from edgecnn.runtime.load import load_model
from edgecnn.version import __version__

ROOT = Path(__file__).resolve().parents[3]
RECORD = ROOT / "docs" / "records" / "camera.json"
PACKAGES = ("onnxruntime", "numpy", "opencv-python-headless", "opencv-python")
BEFORE = "before"  # what other model files came to, part by part

Record = dict[str, Any]


@dataclass
class Others:
    """How much of the processors something else used while a part was measured, None where that is not known."""

    busy: float | None = None

    @property
    def are_quiet(self) -> bool:
        """Tell whether times mean something."""
        return self.busy is None or self.busy < BUSY_FRACTION


@contextmanager
def watched() -> Iterator[Others]:
    """Compare the time of all processors with what this process and its children take of it."""
    others, before, own = Others(), facts.cpu_ticks(), _own_seconds()
    yield others
    after = facts.cpu_ticks()
    if before is None or after is None:
        return
    spent = [last - first for first, last in zip(before, after, strict=True)]
    mine = (_own_seconds() - own) * os.sysconf("SC_CLK_TCK")
    if sum(spent):
        others.busy = round(max(0.0, sum(spent) - sum(spent[3:5]) - mine) / sum(spent), 3)


def _own_seconds() -> float:
    return sum(os.times()[:4])


def circumstances(detector: str, model: str, others: Others, peer: str | None = None) -> Record:
    """Return what a part was measured with."""
    found = facts.facts()
    return {
        "processor": found["processor"],
        "threads": found["threads_available"],
        "system": found["system"],
        "busy": others.busy,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "versions": {"edgecnn": __version__, **facts.installed(PACKAGES)} | ({"rapidocr": peer} if peer else {}),
        "detector": of_file(detector),
        "classifier": of_file(model),
    }


def of_file(given: str) -> Record:
    """Return which file a model is."""
    path, opened = zoo.find(given), load_model(given)
    shown = path.resolve()
    name = shown.relative_to(ROOT).as_posix() if shown.is_relative_to(ROOT) else path.name
    return {
        "file": name,
        "form": opened.card.form,
        "bytes": path.stat().st_size,
        "sha256": files.sha256(path),
    }


def read() -> Record:
    """Return all parts that were measured."""
    return dict(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else {}


def put(part: str, found: Mapping[str, Any], *, before: bool = False) -> None:
    """Put one part in place of what was measured of it; with ``before`` among what other files came to."""
    kept = read()
    kept |= {BEFORE: {**kept.get(BEFORE, {}), part: dict(found)}} if before else {part: dict(found)}
    files.write_text(RECORD, _lines(kept) + "\n")


def _lines(value: Any, deep: int = 0) -> str:
    """Return JSON in which what has nothing inside takes one line."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(one, dict | list) and one for one in inner):
        return json.dumps(value, ensure_ascii=False)
    pad, begin, end = " " * (deep + 1), *("{}" if isinstance(value, dict) else "[]")
    if isinstance(value, dict):
        items = [f"{json.dumps(key, ensure_ascii=False)}: {_lines(one, deep + 1)}" for key, one in value.items()]
    else:
        items = [_lines(one, deep + 1) for one in value]
    return begin + "\n" + ",\n".join(pad + item for item in items) + "\n" + " " * deep + end
