#!/usr/bin/env python3
"""A million pictures through Ray on this machine: tools/bulk_trial.py [--pictures N] [--kills K] [-o RECORD]

Small PNGs of digits are drawn into tar shards, once. Then, each in a process of its own and one after the other:

- ``edgecnn predict --on ray``, undisturbed;
- the same again, when there is nothing to do, and so of one shard alone, for what a part costs who asks;
- the same into another folder, where workers are killed at random moments, and its answers beside the first ones;
- of the first ``--beside`` pictures alone: the loop of plain ``edgecnn predict`` with all threads, one worker of this
  bulk prediction in one process with all threads, and a pipeline of Ray Data with the same worker;
- of the first ``--crews`` pictures, this bulk prediction with 1, 2 and 4 workers;
- what a worker does with a picture, part by part: one with one thread, without Ray, of the first shard's pictures, and
  of JPEGs of 640x480.

Seconds are of the whole command, with Ray's start and end, and of processor time where a worker's parts are told apart,
so that what else runs counts little. Memory is the largest sum, seen twice a second, of what the
process and all below it hold (PSS, so that what they share counts once). Linux alone.

docs/results/scale.md is made from docs/records/scale.json by ``tools/docs/scale_page.py``.
"""

import argparse
import contextlib
import functools
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pyarrow import compute, parquet

from edgecnn import data, documents, files, zoo
from edgecnn.bulk.answering import IMAGES_AT_ONCE, Job, Labels, Worker, as_part
from edgecnn.bulk.predicting import predict_bulk
from edgecnn.bulk.told import Asked
from edgecnn.bulk.units import Taken, units_of
from edgecnn.machine.environment import Environment, environment
from edgecnn.machine.threads import available
from edgecnn.runtime import appearance
from edgecnn.runtime.classifier import load
from edgecnn.runtime.files import Given, predict_files
from edgecnn.runtime.image import read_picture, to_input

RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "scale.json"
SIDE, NOISE = 28, 20
PHOTOGRAPH, PHOTOGRAPHS = (640, 480), 200
LOOK_S, BETWEEN_S = 0.5, 1.0  # between looks at memory, and from one kill to the next at least
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # of NumPy's products, as Ray has it in its workers
Found = TypeVar("Found")
ACTOR = "ray::Actor"  # how the processes of workers are called


@dataclass(frozen=True)
class Ran:
    """One process: how many pictures, how long, how much memory at most, and how many of its workers were killed."""

    name: str
    pictures: int
    seconds: float
    peak_bytes: int
    kills: int

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds


@dataclass(frozen=True)
class Parts:
    """What one worker with one thread takes for a picture of a kind, in seconds of processor time, part by part and in
    all; and the bytes of a picture, and of its answer on the way back."""

    pictures: str
    count: int
    seconds: dict[str, float]
    whole: float
    picture_bytes: float
    answer_bytes: float


@dataclass(frozen=True)
class Crew:
    """This bulk prediction with so many workers, one thread each."""

    workers: int
    ran: Ran


@dataclass(frozen=True)
class AllParts:
    """Those of each kind of pictures."""

    found: list[Parts]


@dataclass(frozen=True)
class Answered:
    """What lies in a folder of answers: rows, different paths, and a digest of path, label and probability."""

    rows: int
    paths: int
    sha256: str


@dataclass(frozen=True)
class Trial:
    """One size: what ran, and what was answered where workers were killed, and where none was."""

    when: str
    command: str
    model: str
    pictures: int
    shards: int
    runs: list[Ran]
    undisturbed: Answered
    killed: Answered
    environment: Environment
    parts: list[Parts] = field(default_factory=list)  # trials of before have none, and neither of what follows
    again: list[Ran] = field(default_factory=list)  # nothing to do: of one shard, of all
    crews: list[Crew] = field(default_factory=list)


@dataclass(frozen=True)
class Trials:
    """All sizes."""

    trials: list[Trial]


def draw(shard: int, each: int, home: Path) -> None:
    """Write one shard: digits of scikit-learn with noise, always the same ones."""
    draws, digits_n = np.random.default_rng(shard), digits()
    drawn = (png(digits_n[draws.integers(len(digits_n))], draws) for _ in range(each))
    names = (f"{shard:06}-{number:06}.png" for number in range(each))
    write_shard(home / f"digits-{shard:06}.tar", zip(names, drawn, strict=True))


@functools.cache
def digits() -> NDArray[np.int16]:
    """Return all digits, int16 (N, SIDE, SIDE)."""
    return data.read_split("digits", "train").images_nhwc[..., 0].astype(np.int16)


def png(digit: NDArray[np.int16], draws: np.random.Generator) -> bytes:
    """Return a digit with noise as a PNG."""
    content, noise = io.BytesIO(), draws.integers(-NOISE, NOISE, (SIDE, SIDE), np.int16)
    Image.fromarray((digit + noise).clip(0, 255).astype(np.uint8)).save(content, "PNG", compress_level=1)
    return content.getvalue()


def photographs(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of JPEGs of 640x480: soft shapes with a little noise."""
    draws, (width, height) = np.random.default_rng(0), PHOTOGRAPH
    for number in range(count):
        shapes = Image.fromarray(draws.integers(0, 255, (12, 16, 3), np.uint8)).resize((width, height))
        noise = draws.integers(-NOISE // 2, NOISE // 2, (height, width, 3), np.int16)
        content = io.BytesIO()
        Image.fromarray((shapes + noise).clip(0, 255).astype(np.uint8)).save(content, "JPEG", quality=85)
        yield f"{number:06}.jpg", content.getvalue()


def write_shard(target: Path, pictures: Iterable[tuple[str, bytes]]) -> None:
    """Write pictures into an archive, unless it is there."""
    if target.exists():
        return
    with files.replacing(target) as partial, tarfile.open(partial, "w") as archive:
        for name, content in pictures:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def pixels(home: Path, pictures: int, each: int) -> list[Path]:
    """Draw all shards, on all cores, and return them."""
    home.mkdir(parents=True, exist_ok=True)
    count = pictures // each
    with ProcessPoolExecutor(available()) as pool:
        list(pool.map(draw, range(count), [each] * count, [home] * count))
    return [home / f"digits-{shard:06}.tar" for shard in range(count)]


def below(root: int) -> list[int]:
    """Return a process and all that it has started, through others as well."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += parents.get(found[-1], [])
    return found


def held(process: int) -> int:
    """Return how many bytes a process holds, its share of what several do (PSS)."""
    with contextlib.suppress(OSError, IndexError):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0]) * 1024
    return 0


def ran(name: str, pictures: int, command: Sequence[str], kills: Sequence[int] = (), output: Path = Path()) -> Ran:
    """Run a command to its end, killing a worker of it whenever its output has so many parts."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        ended, killed = threading.Event(), []
        killer = threading.Thread(target=kill_some, args=(process.pid, kills, output, killed, ended))
        killer.start()
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(held, below(process.pid))))
            time.sleep(LOOK_S)
        seconds = time.monotonic() - began
        ended.set()
        killer.join()
    if process.returncode:
        sys.exit(f"error: {' '.join(command)} ended with exit code {process.returncode}")
    found = Ran(name, pictures, seconds, peak, len(killed))
    said = f"{pictures:,} pictures in {seconds:,.1f} s, {found.rate:,.0f} a second, {peak / 1e6:,.0f} MB"
    print(f"{name}: {said}", flush=True)
    return found


def kill_some(root: int, kills: Sequence[int], output: Path, killed: list[int], ended: threading.Event) -> None:
    """Kill any of the workers that are there, whenever so many parts are, and note it in ``killed``."""
    draws, began = random.Random(0), time.monotonic()
    for number, parts in enumerate(kills, start=1):
        ended.wait(BETWEEN_S)
        while len(list(output.glob("*.parquet"))) < parts and not ended.is_set():
            time.sleep(0.05)
        while not (workers := [one for one in below(root) if called(one).startswith(ACTOR)]) and not ended.is_set():
            time.sleep(0.05)
        if ended.is_set():
            return
        chosen = draws.choice(workers)
        with contextlib.suppress(ProcessLookupError):
            told = called(chosen).strip("\0")
            os.kill(chosen, signal.SIGKILL)
            killed.append(chosen)
            print(
                f"killed {told} {number} of {len(kills)} at {parts} parts, {time.monotonic() - began:.1f} s", flush=True
            )


def called(process: int) -> str:
    """Return how a process calls itself."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    return ""


def answered(folder: Path) -> Answered:
    """Count and digest all answers, in the order of their paths."""
    table = parquet.read_table(folder, columns=["path", "label", "probability"])
    table = table.sort_by("path")
    digest = hashlib.sha256()
    for name in table.column_names:
        for value in table[name].to_pylist():
            digest.update(f"{value!r}\n".encode())
    return Answered(table.num_rows, compute.count_distinct(table["path"]).as_py(), digest.hexdigest())


def plainly(model: str, shards: Sequence[str]) -> None:
    """Answer as plain predict does, one picture after the other."""
    taken = (one for unit in units_of([f"tar:{shard}" for shard in shards]) for one in unit.pictures())
    given = (Given(Path(one.path), one.content) for one in taken)
    count = sum(answer.error is None for answer in predict_files(load(model), given))
    print(count)


def alone(model: str, shards: Sequence[str]) -> None:
    """Answer as one worker does, without Ray."""
    asked = Asked(model, "", None, None)
    worker = Worker(Job(asked, zoo.find(model).read_bytes(), None, "cpu", available()))
    for unit in units_of([f"tar:{shard}" for shard in shards]):
        worker.answer(unit)


def parts(pictures: str, model: str, shard: Path) -> Parts:
    """Do what a worker does with the pictures of a shard, one part of it after the other, and then as it does it."""
    (unit,), content = units_of([f"tar:{shard}"]), zoo.find(model).read_bytes()
    classifier = load(content, threads=1)
    labels, wanted, expected = Labels(classifier), classifier.card.input, appearance.known(classifier.card)
    worker = Worker(Job(Asked(model, "", None, None), content, None, "cpu", 1))
    worker.answer(unit)  # whatever is slower the first time
    seconds: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Found]) -> Found:
        began = time.process_time()
        found = call()
        seconds[name] = (time.process_time() - began) / count
        return found

    count = sum(1 for _ in unit.pictures())
    taken = timed("read", lambda: list(unit.pictures()))
    frames = timed("decode", lambda: [read_picture(one.content or b"", one.path).pixels_hwc for one in taken])
    images = timed("crop and resize", lambda: [to_input(frame, wanted) for frame in frames])
    batches = [np.stack(images[at : at + IMAGES_AT_ONCE]) for at in range(0, count, IMAGES_AT_ONCE)]
    timed("infer", lambda: [classifier.probabilities(batch) for batch in batches])
    if expected is not None:
        timed("look for what is unlike", lambda: [appearance.differences(batch, expected) for batch in batches])
    rows = list(labels.rows(taken))
    part = timed("write", lambda: as_part(rows, labels.types()))
    timed("all", lambda: worker.answer(unit))
    size = sum(len(one.content or b"") for one in taken) / count
    return Parts(pictures, count, seconds, seconds.pop("all"), size, len(part) / count)


class Batch:
    """What Ray Data gives batches to."""

    def __init__(self, model: bytes) -> None:
        self._labels = Labels(load(model, threads=1))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        taken = [Taken(str(key), content) for key, content in zip(batch["__key__"], batch["png"], strict=True)]
        rows = list(self._labels.rows(taken))
        return {name: [row.get(name) for row in rows] for name in ("path", "label", "probability", "unlike", "error")}


def by_ray_data(model: str, shards: Sequence[str]) -> None:
    """Answer by Ray Data: read shards, map batches over as many actors as cores, write Parquet."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    with tempfile.TemporaryDirectory() as folder:
        quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
        ray.init(num_cpus=available(), _temp_dir=f"{folder}/ray", **quiet)
        ray.data.DataContext.get_current().enable_progress_bars = False
        pictures = ray.data.read_webdataset(list(shards), decoder=False)
        actors = ray.data.ActorPoolStrategy(size=available())
        # Half a core each, or reading and writing would find none.
        rows = pictures.map_batches(
            Batch, fn_constructor_args=(zoo.find(model).read_bytes(),), batch_size=64, compute=actors, num_cpus=0.5
        )
        rows.write_parquet(f"{folder}/answers")
        ray.shutdown()


def by_crew(workers: int, model: str, shards: Sequence[str]) -> None:
    """Answer as ``predict --on ray`` does where there are so many cores, whether there are or not."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    with tempfile.TemporaryDirectory() as folder:
        quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
        ray.init(num_cpus=workers, _temp_dir=f"{folder}/ray", **quiet)
        predict_bulk(model, [f"tar:{shard}" for shard in shards], f"{folder}/answers")
        ray.shutdown()


def tell_parts(model: str, shards: Sequence[str]) -> None:
    """Print what a worker's parts take, as JSON."""
    shard, photographed = map(Path, shards)
    found = [parts(f"{SIDE}x{SIDE} PNG", model, shard), parts("640x480 JPEG", model, photographed)]
    print(documents.to_json(AllParts(found)))


ALONE = {"plain": plainly, "worker": alone, "data": by_ray_data}
CREWS = {f"crew-{workers}": workers for workers in (1, 2, 4)}
PARTS = "parts"
SIZES = ("pictures", "each", "beside", "crews")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--each", type=int, default=10_000, help="pictures in a shard")
    parser.add_argument("--beside", type=int, default=50_000, help="pictures of what runs beside it")
    parser.add_argument("--crews", type=int, default=200_000, help="pictures for 1, 2 and 4 workers")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--model", default="mnist-compact")
    parser.add_argument("--folder", type=Path, help="for shards and answers; without it, one that goes at the end")
    parser.add_argument("-o", "--output", type=Path, default=RECORD)
    parser.add_argument("--alone", choices=(*ALONE, *CREWS, PARTS), help=argparse.SUPPRESS)  # what a child does
    parser.add_argument("shards", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        crews = {name: functools.partial(by_crew, workers) for name, workers in CREWS.items()}
        {**ALONE, **crews, PARTS: tell_parts}[asked.alone](asked.model, asked.shards)
        return
    with kept(asked.folder) as folder:
        trial = measured(asked, folder)
    before = documents.read(Trials, asked.output).trials if asked.output.exists() else []
    others = [one for one in before if one.pictures != trial.pictures]
    both = sorted([*others, trial], key=lambda one: one.pictures)
    files.write_text(asked.output, documents.to_json(Trials(both)) + "\n")
    same = trial.undisturbed == trial.killed and trial.killed.rows == trial.killed.paths == trial.pictures
    word, kills = "passed" if same else "FAILED", trial.runs[1].kills
    print(f"{word}: {trial.killed.rows:,} answers after {kills} kills, as without them")
    sys.exit(0 if same else 1)


@contextlib.contextmanager
def kept(folder: Path | None) -> Iterator[Path]:
    """Yield the folder that was named, or one that goes at the end."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as found:
        yield Path(found)


def measured(asked: argparse.Namespace, folder: Path) -> Trial:
    """Draw the pictures, and run everything on them."""
    home = folder / f"shards-{asked.pictures}-{asked.each}"
    shards = pixels(home, asked.pictures, asked.each)
    machine = environment()
    outputs = [folder / "answers", folder / "answers-killed"]
    for output in outputs:
        shutil.rmtree(output, ignore_errors=True)
    edgecnn = [sys.executable, "-m", "edgecnn_cli", "predict", asked.model, "--on", "ray"]
    whole = [*edgecnn, f"tar:{home}", "-o", str(outputs[0])]
    one = [*edgecnn, f"tar:{shards[0]}", "-o", str(folder / "answers-one")]
    first = ran("Ray", asked.pictures, whole)
    subprocess.run(one, check=True, stdout=subprocess.DEVNULL)
    again = [ran("again, one shard", asked.each, one), ran("again, all shards", asked.pictures, whole)]
    draws = random.Random(1)
    kills = sorted(draws.randrange(1, max(2, len(shards) * 9 // 10)) for _ in range(asked.kills))
    disturbed = [*edgecnn, f"tar:{home}", "-o", str(outputs[1])]
    second = ran("Ray, workers killed", asked.pictures, disturbed, kills, outputs[1])
    some = shards[: max(1, asked.beside // asked.each)]
    here = [sys.executable, str(Path(__file__).resolve()), "--model", asked.model, "--alone"]
    names = {
        "plain": f"the loop of plain predict, one process, {available()} threads",
        "worker": f"one worker without Ray, {available()} threads",
        "data": f"Ray Data, {available()} actors of the same worker",
    }
    count, listed = len(some) * asked.each, list(map(str, some))
    beside = [ran(names[what], count, [*here, what, *listed]) for what in ALONE]
    many = list(map(str, shards[: max(1, asked.crews // asked.each)]))
    crews = [Crew(number, ran(name, len(many) * asked.each, [*here, name, *many])) for name, number in CREWS.items()]
    photographed = folder / f"photographs-{PHOTOGRAPHS}.tar"
    write_shard(photographed, photographs(PHOTOGRAPHS))
    command = [*here, PARTS, str(shards[0]), str(photographed)]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, **ONE_THREAD})
    return Trial(
        when=datetime.now(UTC).date().isoformat(),
        command=" ".join(["python tools/bulk_trial.py", *(f"--{name} {getattr(asked, name)}" for name in SIZES)]),
        model=asked.model,
        pictures=asked.pictures,
        shards=len(shards),
        runs=[first, second, *beside],
        undisturbed=answered(outputs[0]),
        killed=answered(outputs[1]),
        environment=machine,
        parts=documents.from_json(AllParts, told.stdout.decode(), PARTS).found,
        again=again,
        crews=crews,
    )


if __name__ == "__main__":
    main()
