"""docs/records/performance/MACHINE.json: what was measured on a machine, network by network, each with its date."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from edgecnn import documents, files
from edgecnn.machine.environment import Environment
from performance.rates import Rates

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "records" / "performance"
OURS = "edgecnn"  # the way that all others are compared with
FLOAT32 = f"{OURS}, float32"


@dataclass(frozen=True)
class Way:
    """A network run in one way: its latency, and how many times that of edgecnn it is. ``right`` says whether golden
    images get the card's answers, None where nothing says so."""

    name: str
    p50_ms: float
    ratio: float
    ratio_ci95: tuple[float, float]
    right: bool | None


@dataclass(frozen=True)
class Refused:
    """A way that did not run a network, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Measured:
    """A network on this machine, with so many threads, while others took ``others`` of the processors.

    ``form`` is what was chosen here: the fastest with a drop of at most ``max_drop_pp`` points on validation images.
    ``fp32_ms`` is the latency of the float32 form, None where it was not measured.
    """

    name: str
    row: str
    parameters: int
    macs: int
    weight_bytes: int
    epochs: int
    epochs_stated: int
    form: str
    drop_pp: float
    fp32_ms: float | None
    ways: list[Way]
    refused: list[Refused]
    threads: int
    launches: int
    date: str
    others: float | None
    versions: dict[str, str]
    sha256: str


@dataclass(frozen=True)
class Roof:
    """The machine's own rates, and when they were measured."""

    rates: Rates
    date: str


@dataclass(frozen=True)
class Record:
    """All that was measured on a machine."""

    SCHEMA: ClassVar[int] = 1

    environment: Environment
    max_drop_pp: float
    roof: Roof | None
    networks: list[Measured]


def path_of(environment: Environment) -> Path:
    """Return the file of a machine: its processor's name, its family and how many threads there are."""
    named = f"{environment.processor} {environment.family} {environment.threads_available}"
    return FOLDER / f"{re.sub(r'[^a-z0-9]+', '-', named.lower()).strip('-')}.json"


def read(path: Path) -> Record | None:
    """Return what is kept of a machine."""
    return documents.read(Record, path) if path.exists() else None


def all_kept(folder: Path = FOLDER) -> list[Record]:
    """Return the records of all machines, the one that was measured last first."""
    found = [documents.read(Record, path) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=last_date, reverse=True)


def last_date(record: Record) -> str:
    """Return when something was measured last."""
    dates = [one.date for one in record.networks] + ([record.roof.date] if record.roof else [])
    return max(dates, default="")


def with_network(record: Record, found: Measured) -> Record:
    """Return a record with a network in place of what was measured of it before."""
    others = [one for one in record.networks if one.name != found.name]
    return replace(record, networks=[*others, found])


def write(record: Record, path: Path) -> None:
    """Keep a record."""
    files.write_text(path, documents.to_json(record) + "\n")


def today() -> str:
    """Return the date."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def named(networks: Sequence[Measured], name: str) -> Measured | None:
    """Return what was measured of a network, or None."""
    return next((one for one in networks if one.name == name), None)
