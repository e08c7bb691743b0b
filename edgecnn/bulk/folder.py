"""The folder that answers go to: part files, and a manifest that says what they are of and which there will be.

The manifest is written before the first part, and a part comes into the folder whole; so what is there is finished, and
what is not has still to be done. Its name begins with an underscore: what reads a folder of Parquet files passes over
such. A part's name has the key of its unit, so that a part of a file that changed is none of that file any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn import documents, files
from edgecnn.bulk.answering import COUNTED
from edgecnn.bulk.told import Asked, Counted, Manifest, Planned
from edgecnn.bulk.units import Unit
from edgecnn.errors import DataError, DocumentError
from edgecnn.text import excerpt, printable
from edgecnn.version import __version__

MANIFEST = "_manifest.json"
SHOWN_DIGITS = 12  # of a digest


def part_of(folder: Path, unit: Unit) -> Path:
    """Return the part file of a unit."""
    return folder / f"part-{unit.key}.parquet"


@dataclass(frozen=True)
class Plan:
    """What a folder will have, the units that have no part there yet, and parts of files that changed, or are gone."""

    manifest: Manifest
    missing: tuple[Unit, ...]
    stale: tuple[Path, ...]
    is_written: bool


def planned(folder: Path, asked: Asked, units: Sequence[Unit], sources: Sequence[str]) -> Plan:
    """Say what is to be done. Raises DataError for a folder that has something else: the answers of another model, or
    those for sources that are not asked for now."""
    before = _before(folder)
    if before is not None:
        _see_same(folder, before.asked, asked)
        _see_asked_for(folder, before, sources)
    parts = [Planned(part_of(folder, unit).name, printable(unit.source), printable(unit.said)) for unit in units]
    wanted = {one.part for one in parts}
    stale = [one for one in (before.parts if before else ()) if one.part not in wanted and _is_there(folder, one)]
    missing = [unit for unit in units if counted(part_of(folder, unit)) is None]
    manifest = Manifest(asked, __version__, parts)
    return Plan(manifest, tuple(missing), tuple(folder / one.part for one in stale), manifest == before)


def begin(folder: Path, plan: Plan) -> None:
    """Take stale parts away, and write the manifest."""
    for part in plan.stale:
        part.unlink(missing_ok=True)
    if not plan.is_written:
        files.write_text(folder / MANIFEST, documents.to_json(plan.manifest) + "\n")


def write(folder: Path, unit: Unit, part: bytes) -> None:
    """Put the part of a unit into the folder, whole."""
    files.write_bytes(part_of(folder, unit), part)


def counted(part: Path) -> Counted | None:
    """Return the counts of a part; None for one that is not there, or is broken, and so has to be made."""
    from pyarrow import parquet

    try:
        metadata: dict[bytes, Any] = parquet.read_metadata(part).metadata
        return documents.from_json(Counted, metadata[COUNTED], str(part))
    except MemoryError:
        raise
    except Exception:  # pyarrow raises its own on whatever is broken
        return None


def _is_there(folder: Path, planned: Planned) -> bool:
    """Tell whether a part is there; a manifest that somebody else wrote may name what lies elsewhere."""
    return Path(planned.part).name == planned.part and (folder / planned.part).is_file()


def _before(folder: Path) -> Manifest | None:
    """Return the manifest of a folder; None for one that is not there, or empty."""
    try:
        return documents.read(Manifest, folder / MANIFEST)
    except FileNotFoundError:
        pass
    except DocumentError as error:
        raise DataError(f"{error} Name another folder with -o, or remove this one.") from error
    if folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        raise DataError(f"{folder}: is there, and has no {MANIFEST}; expected an empty folder, or one of answers.")
    return None


def _see_same(folder: Path, before: Asked, asked: Asked) -> None:
    for role, then, now in (
        ("model", (before.model, before.model_sha256), (asked.model, asked.model_sha256)),
        ("detector", (before.detector, before.detector_sha256), (asked.detector, asked.detector_sha256)),
    ):
        if then[1] != now[1]:
            raise DataError(
                f"{folder}: has the answers of {role} {_named(*then)}, and this is {_named(*now)}. Name another folder "
                "with -o, or remove this one."
            )


def _named(name: str | None, sha256: str | None) -> str:
    return f"{excerpt(name or 'none')} (sha256 {excerpt(sha256)[:SHOWN_DIGITS]})" if sha256 else "none"


def _see_asked_for(folder: Path, before: Manifest, sources: Sequence[str]) -> None:
    """Refuse to leave answers in a folder that nobody asks for now, or to take them away."""
    given = {printable(source) for source in sources}
    lost = next((one.source for one in before.parts if one.source not in given and _is_there(folder, one)), None)
    if lost is not None:
        raise DataError(
            f"{folder}: has the answers for {excerpt(lost)}, which is not asked for now. Name it as well, or another "
            "folder with -o."
        )
