"""A bulk prediction: list the units, look at what is there, have the rest answered, and say what all comes to."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edgecnn import progress, zoo
from edgecnn.bulk import folder as answers
from edgecnn.bulk import ray_pool
from edgecnn.bulk.answering import Job
from edgecnn.bulk.folder import Plan
from edgecnn.bulk.ray_pool import Lost
from edgecnn.bulk.told import Asked, Bulk, together
from edgecnn.bulk.units import Unit, units_of
from edgecnn.digits.reading import Reader
from edgecnn.errors import Interrupted, check_installed
from edgecnn.files import sha256
from edgecnn.ray_engine import HERE, check_place
from edgecnn.runtime.classifier import load


def predict_bulk(
    model: str | Path,
    sources: Sequence[str],
    output: str | Path,
    *,
    on: str = HERE,
    detector: str | Path | None = None,
    provider: str = "cpu",
    stopped: Callable[[], bool] = lambda: False,
) -> Bulk:
    """Classify all pictures of ``sources``, into a folder of Parquet files with a row a picture.

    ``sources`` are files, folders and patterns, ``tar:`` and ``parquet:`` with a path each; ``on`` is ``ray``, all
    cores of this machine, or ``ray://HOST:PORT``. With a ``detector`` the digits of pictures are read. What the folder
    has already is not done again. ``stopped`` is asked now and then; when it says so, what is finished stays.

    Raises DataError for sources or a folder that cannot be, DeviceError where Ray does not start, Interrupted, and what
    ``edgecnn.load`` raises.
    """
    check_place(on)
    check_installed("ray", "pyarrow")
    began, folder = time.monotonic(), Path(output)
    job = _job(model, detector, provider)
    units = units_of(sources)
    plan = answers.planned(folder, job.asked, units, sources)
    workers, lost = _answered(on, job, plan, folder, stopped)
    counted = (answers.counted(answers.part_of(folder, unit)) for unit in units)
    return Bulk(
        output=folder,
        model=job.asked.model,
        detector=job.asked.detector,
        parts=len(units),
        kept=len(units) - len(plan.missing),
        lost=[unit.said for unit in lost],
        counted=together(one for one in counted if one is not None),
        workers=workers,
        seconds=time.monotonic() - began,
    )


def _job(model: str | Path, detector: str | Path | None, provider: str) -> Job:
    """Open the files once here, so that what is wrong with them is said before anything is started."""
    path = zoo.find(model)
    if detector is None:
        load(path, provider=provider, threads=1)
        asked, found = Asked(zoo.title(model), sha256(path), None, None), None
    else:
        finder = zoo.find(detector)
        Reader(finder, path, provider=provider, threads=1)
        asked, found = Asked(zoo.title(model), sha256(path), zoo.title(detector), sha256(finder)), finder.read_bytes()
    return Job(asked, path.read_bytes(), found, provider, threads=1)


def _answered(on: str, job: Job, plan: Plan, folder: Path, stopped: Callable[[], bool]) -> tuple[int, list[Unit]]:
    """Have units answered and written; return how many workers did it, and the units that nobody could answer."""
    missing, done = plan.missing, 0
    lost: list[Unit] = []
    if not missing:
        answers.begin(folder, plan)
        return 0, lost
    with ray_pool.answering(on, job, missing) as (crew, pool), contextlib.closing(pool.answers(stopped)) as found:
        answers.begin(folder, plan)
        for _, (unit, part) in zip(progress.told(missing), found, strict=False):
            done += 1
            if isinstance(part, Lost):
                lost.append(unit)
            else:
                answers.write(folder, unit, part)
        if done < len(missing):
            raise Interrupted(
                f"stopped: {done:,} of {len(missing):,} parts were finished and lie in {folder}. The same command goes "
                "on."
            )
    return crew.workers, lost
