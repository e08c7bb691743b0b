#!/usr/bin/env python3
"""A gigabyte of pictures trained within 512 MB: tools/stream_trial.py [--folder DIR] [-o RECORD]

Pictures are drawn: PNG of noise, some 66 kB each, in four tints, written as tar archives and as Parquet files, 1.05 GB
of each. An epoch is trained on either with ``data.buffer``, on files of this machine and through a server that speaks
S3's protocol (moto's, in a process of its own that does not count): once undisturbed, and once stopped by what Ctrl-C
sends (SIGINT) in the middle of the epoch and resumed. What is compared: all tensors in the files of weights, bit by
bit. Keys are found where everybody has them: of the archives in the environment, of the Parquet files in ~/.aws of a
home.

Memory is what a process holds when all is imported and nothing is read yet, and the most that it holds until its end:
of what is no file (a library whose pages are read is one), the difference may be 512 MB. Beside it stand the same
training on a few pictures, which has all but the data, and the one without ``data.buffer``, which has to need more than
that. Each process has one core; two run at a time.

Each part is written down in the folder as it ends, so a trial that was stopped goes on with the next one.
docs/results/more-than-memory.md is made from docs/records/stream.json by ``tools/docs/stream_page.py``. Linux alone;
about fifteen minutes on two cores, and 5 GB of the disk.
"""

import argparse
import contextlib
import hashlib
import importlib.metadata
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from PIL import Image
from stream_child import END, START, memory

from edgecnn import documents, files
from edgecnn.errors import CheckFailed
from edgecnn.machine.environment import Environment, environment
from edgecnn.machine.threads import available

CHILD = Path(__file__).resolve().parent / "stream_child.py"
RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "stream.json"
NAMES = ("red", "green", "blue", "gray")
PARTS, FORMS = ("train", "val", "test"), ("tar", "parquet")
SAID = "said"  # the file of all that a command says
LOOK_S, PATIENCE_S = 0.1, 1800.0
MIDDLE = (0.25, 0.75)  # of an epoch's batches, between which it has to be stopped
HERE, THERE = "files", "S3"
KEYLESS = "Unable to locate credentials"


@dataclass(frozen=True)
class Plan:
    """What is drawn and trained: ``units`` of ``unit`` pictures to learn from, ``side`` pixels wide, in tar archives of
    ``archive`` and Parquet files of a unit with row groups of ``group``; brought to ``size`` pixels, with a ``buffer``
    of so many."""

    units: int
    unit: int
    archive: int
    group: int
    side: int
    size: int
    buffer: int
    batch: int
    most_bytes: int
    least_bytes: int

    @property
    def few(self) -> "Plan":
        """The same with an archive of pictures in each split."""
        return replace(self, units=1, unit=self.archive)

    @property
    def pictures(self) -> int:
        """How many there are, with those of validation and test split."""
        return self.units * self.unit + 2 * self.archive


WHOLE = Plan(
    units=24, unit=640, archive=160, group=320, side=152, size=96, buffer=500, batch=64,
    most_bytes=512_000_000, least_bytes=1_000_000_000,
)  # fmt: skip
SMALL = Plan(
    units=3, unit=80, archive=20, group=40, side=40, size=16, buffer=30, batch=4,
    most_bytes=512_000_000, least_bytes=500_000,
)  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """What a process holds, in bytes: all of it, and what of it is no file (RssAnon)."""

    all: int
    anonymous: int


@dataclass(frozen=True)
class Ran:
    """One process: how it ended and what it said last, and its memory when nothing was read yet and at most."""

    code: int
    said: str
    seconds: float
    start: Memory
    peak: Memory

    @property
    def above(self) -> Memory:
        """How much it held at most above its start."""
        return Memory(self.peak.all - self.start.all, self.peak.anonymous - self.start.anonymous)


@dataclass(frozen=True)
class Arm:
    """One form of the pictures at one place: a training on a ``few``, one to its end, and one that was stopped after
    ``batches`` of ``of`` and resumed. ``whole_sha256`` and ``parted_sha256`` are of all tensors in the two files of
    weights, by their names."""

    form: str
    place: str
    keys: str
    few: Ran
    whole: Ran
    stopped: Ran
    resumed: Ran
    batches: int
    of: int
    whole_sha256: dict[str, str]
    parted_sha256: dict[str, str]

    @property
    def runs(self) -> dict[str, Ran]:
        """Its processes that had all pictures, by what they did."""
        return {"to the end": self.whole, "stopped": self.stopped, "resumed": self.resumed}


@dataclass(frozen=True)
class Trial:
    """All of it. ``bytes_of`` is the size of all files by their form, ``few`` how many pictures a training has that is
    there for comparison; ``control`` is the one without a buffer, ``keyless`` the one on S3 without keys."""

    plan: Plan
    pictures: int
    few: int
    bytes_of: dict[str, int]
    arms: list[Arm]
    control: Ran
    keyless: Ran | None
    server: str
    environment: Environment
    date: str


def failures(trial: Trial) -> list[str]:
    """Return what is not as it has to be."""
    found = [f"{form}: only {size:,} bytes" for form, size in trial.bytes_of.items() if size < trial.plan.least_bytes]
    for arm in trial.arms:
        where = f"{arm.form}, {arm.place}"
        codes = [one.code for one in arm.runs.values()]
        found += [] if codes == [0, 130, 0] else [f"{where}: exit codes {codes}"]
        found += [] if arm.whole_sha256 == arm.parted_sha256 else [f"{where}: other weights after it was stopped"]
        alike = [other for other in trial.arms if other.form == arm.form and other.whole_sha256 != arm.whole_sha256]
        found += [f"{where}: other weights than from {other.place}" for other in alike]
        if not MIDDLE[0] * arm.of <= arm.batches <= MIDDLE[1] * arm.of:
            found.append(f"{where}: stopped after batch {arm.batches} of {arm.of}")
        for name, one in arm.runs.items():
            if one.above.anonymous > trial.plan.most_bytes:
                found.append(f"{where}, {name}: {one.above.anonymous / 1e6:.0f} MB above the start")
    if trial.plan == WHOLE and trial.control.above.anonymous <= trial.plan.most_bytes:
        found.append(f"without a buffer: only {trial.control.above.anonymous / 1e6:.0f} MB above the start")
    if trial.keyless is not None and (trial.keyless.code, KEYLESS in trial.keyless.said) != (2, True):
        found.append(f"without keys: exit code {trial.keyless.code}, {trial.keyless.said}")
    return found


def content(draws: np.random.Generator, label: int, side: int) -> bytes:
    """Draw a picture: noise, of a tint brighter."""
    pixels_hwc = draws.integers(0, 256, (side, side, 3), np.uint8)
    if label < 3:
        pixels_hwc[..., label] |= 128
    made = io.BytesIO()
    Image.fromarray(pixels_hwc).save(made, "PNG", compress_level=1)
    return made.getvalue()


def draw(part: str, number: int, count: int, plan: Plan, home: Path) -> None:
    """Write pictures as archives and as a Parquet file: always the same ones."""
    import pyarrow as pa
    from pyarrow import parquet

    target = home / "parquet" / f"{part}-{number:05}.parquet"
    if target.exists():
        return
    draws = np.random.default_rng((PARTS.index(part), number))
    labels = draws.integers(0, len(NAMES), count).tolist()
    pictures = [content(draws, label, plan.side) for label in labels]
    for start in range(0, count, plan.archive):
        shard = number * (plan.unit // plan.archive) + start // plan.archive
        with (
            files.replacing(home / "tar" / f"{part}-{shard:06}.tar") as partial,
            tarfile.open(partial, "w") as archive,
        ):
            for place in range(start, min(start + plan.archive, count)):
                key = f"{part}-{number:05}-{place:05}"
                for name, text in ((f"{key}.png", pictures[place]), (f"{key}.cls", str(labels[place]).encode())):
                    member = tarfile.TarInfo(name)
                    member.size = len(text)
                    archive.addfile(member, io.BytesIO(text))
    rows = pa.table({"image": pictures, "label": [NAMES[label] for label in labels]})
    with files.replacing(target) as partial:
        parquet.write_table(rows, partial, row_group_size=plan.group, compression="none")


def drawn(plan: Plan, home: Path) -> dict[str, Path]:
    """Draw all pictures, on all cores, and return where they lie by their form."""
    parts = [("train", number, plan.unit) for number in range(plan.units)]
    parts += [(part, 0, plan.archive) for part in PARTS[1:]]
    for form in FORMS:
        (home / form).mkdir(parents=True, exist_ok=True)
    files.write_text(home / "tar" / "classes.txt", "\n".join(NAMES))
    with ProcessPoolExecutor(available()) as pool:
        list(pool.map(draw, *zip(*parts, strict=True), [plan] * len(parts), [home] * len(parts)))
    return {form: home / form for form in FORMS}


@dataclass(frozen=True)
class Source:
    """Pictures of one form at one place: how the command calls them and a few of them, and in which environment it
    finds its keys."""

    form: str
    place: str
    keys: str
    dataset: str
    few: str
    environment: dict[str, str]


class Bench:
    """The trainings in a folder."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Raises CheckFailed for a folder with another plan in it."""
        self.plan, self.folder = plan, folder
        there = folder / "plan.json"
        if there.exists() and documents.read(Plan, there) != plan:
            raise CheckFailed(f"{folder}: holds a trial of another plan. Choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        files.write_text(there, documents.to_json(plan) + "\n")
        cores = sorted(os.sched_getaffinity(0))
        self.lanes = (cores[0], cores[-1])

    def command(self, dataset: str, run: Path, *, buffer: bool = True) -> list[str]:
        """Return the words of a training."""
        settings = [f"data.size={self.plan.size}", "precision=fp32", "network.parameters.filters=[4]"]
        settings += [f"data.buffer={self.plan.buffer}"] if buffer else []
        words = ["train", "digits-compact", "--data", dataset, "-o", str(run), "--epochs", "1"]
        words += ["--batch-size", str(self.plan.batch)]
        return words + [word for one in settings for word in ("--set", one)]

    def ran(self, name: str, command: list[str], source: Source, lane: int, *, stop: bool = False) -> Ran:
        """Run a command to its end, or have it ``stop`` itself by SIGINT once half of the batches are done."""
        notes = self.folder / f"{name}.notes"
        shutil.rmtree(notes, ignore_errors=True)
        notes.mkdir()
        began, log = time.monotonic(), notes / SAID
        words = [sys.executable, str(CHILD), str(notes), str(self.lanes[lane]), str(int(stop)), *command]
        with log.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=out, env=source.environment) as process:
            peak = Memory(0, 0)
            while process.poll() is None:
                peak = _larger(peak, _held(process.pid))
                if time.monotonic() - began > PATIENCE_S:
                    process.kill()
                time.sleep(LOOK_S)
        return _told(notes, process.returncode, time.monotonic() - began, peak)

    def arm(self, source: Source) -> Arm:
        """Train to the end, and beside it stop and resume, unless that was done."""
        name = f"{source.form}-{source.place}"
        there = self.folder / f"{name}.json"
        if not there.exists():
            found = self._arm(name, source)
            files.write_text(there, documents.to_json(found) + "\n")
            print(f"{name}: {found}", flush=True)
        return documents.read(Arm, there)

    def _arm(self, name: str, source: Source) -> Arm:
        few, whole, parted = (self.folder / f"{name}-{kind}" for kind in ("few", "whole", "parted"))
        for run in (few, whole, parted):
            shutil.rmtree(run, ignore_errors=True)
        with ThreadPoolExecutor(2) as pool:
            second = pool.submit(self._parted, parted, source)
            small = self.ran(few.name, self.command(source.few, few), source, 0)
            ended = self.ran(whole.name, self.command(source.dataset, whole), source, 0)
            stopped, resumed = second.result()
        batches, of = self._stopped_at(parted)
        return Arm(
            form=source.form,
            place=source.place,
            keys=source.keys,
            few=small,
            whole=ended,
            stopped=stopped,
            resumed=resumed,
            batches=batches,
            of=of,
            whole_sha256=_digests(whole),
            parted_sha256=_digests(parted),
        )

    def _parted(self, run: Path, source: Source) -> tuple[Ran, Ran]:
        """Stop a training in the middle of its epoch, and resume it."""
        stopped = self.ran(f"{run.name}-stopped", self.command(source.dataset, run), source, 1, stop=True)
        return stopped, self.ran(f"{run.name}-resumed", ["train", str(run), "--resume"], source, 1)

    def _stopped_at(self, run: Path) -> tuple[int, int]:
        """Return after which batch of how many a training was stopped, by what it said itself."""
        said = (self.folder / f"{run.name}-stopped.notes" / SAID).read_text(errors="replace")
        found = re.search(r"after\s+batch\s+(\d+)\s+of\s+(\d+)", said)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def alone(self, name: str, source: Source, *, buffer: bool) -> Ran:
        """Train to the end, or until it is refused, unless that was done."""
        there = self.folder / f"{name}.json"
        if not there.exists():
            run = self.folder / name
            shutil.rmtree(run, ignore_errors=True)
            found = self.ran(name, self.command(source.dataset, run, buffer=buffer), source, 0)
            files.write_text(there, documents.to_json(found) + "\n")
            print(f"{name}: {found}", flush=True)
        return documents.read(Ran, there)


def _told(notes: Path, code: int, seconds: float, seen: Memory) -> Ran:
    lines = (notes / SAID).read_text(errors="replace").strip().splitlines()
    said = next((line for line in reversed(lines) if line.startswith("error:")), lines[-1] if lines else "")
    said = said.replace(f"{notes.parent}{os.sep}", "")  # where this machine keeps the trial is of no interest
    if not (notes / START).exists():
        raise CheckFailed(f"{notes}: the command did not begin: {said}")
    start = Memory(*(memory(notes / START, name) for name in ("VmRSS", "RssAnon")))
    last = memory(notes / END, "VmHWM") if (notes / END).exists() else 0
    return Ran(code, said, seconds, start, Memory(max(seen.all, last), max(seen.anonymous, start.anonymous)))


def _held(process: int) -> Memory:
    """Return what a process holds now. It trains alone: all that it starts is git, to write down the commit."""
    with contextlib.suppress(OSError, ValueError):  # it has ended
        return Memory(*(memory(Path(f"/proc/{process}/status"), name) for name in ("VmRSS", "RssAnon")))
    return Memory(0, 0)


def _larger(one: Memory, other: Memory) -> Memory:
    return Memory(max(one.all, other.all), max(one.anonymous, other.anonymous))


def _digests(run: Path) -> dict[str, str]:
    """Return the SHA-256 of the tensors in each file of weights of a run: files also say where their pictures lay."""
    return {path.name: _digest(path) for path in sorted(run.glob("*.safetensors"))}


def _digest(path: Path) -> str:
    from safetensors.numpy import load_file

    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(path).items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode() + tensor.tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def served(home: Path) -> Iterator[Any]:
    """Yield an S3 in a process of its own."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from s3 import S3

    home.mkdir(parents=True, exist_ok=True)
    server = S3(home)
    try:
        yield server
    finally:
        server.kill()


def own(**more: str) -> dict[str, str]:
    """Return an environment without what it says of S3."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | more


def in_profile(home: Path, endpoint: str) -> dict[str, str]:
    """Write keys and endpoint into ~/.aws of a home of its own, and return the environment, which names this home."""
    keys = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n"
    files.write_text(home / ".aws" / "credentials", keys)
    files.write_text(home / ".aws" / "config", f"[default]\nregion = us-east-1\nendpoint_url = {endpoint}\n")
    return own(HOME=str(home))


def tried(plan: Plan, folder: Path, chosen: Sequence[str] = FORMS, *, from_s3: bool = True) -> Trial:
    """Draw it all and train from the chosen forms. Raises CheckFailed where a command does not even begin."""
    bench, machine = Bench(plan, folder), environment()
    drawings = (drawn(one, folder / name) for one, name in ((plan, "pictures"), (plan.few, "few")))
    forms, few = ({form: where[form] for form in chosen} for where in drawings)
    here = [Source(form, HERE, "", f"{form}:{forms[form]}", f"{form}:{few[form]}", own()) for form in forms]
    arms, keyless = [bench.arm(source) for source in here], None
    control = bench.alone("control", here[0], buffer=False)
    if from_s3:
        there, keyless = _from_s3(bench, forms, few)
        arms += there
    return Trial(
        plan=plan,
        pictures=plan.pictures,
        few=plan.few.pictures,
        bytes_of={form: sum(file.stat().st_size for file in path.iterdir()) for form, path in forms.items()},
        arms=arms,
        control=control,
        keyless=keyless,
        server=f"moto {importlib.metadata.version('moto')}" if from_s3 else "",
        environment=machine,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _from_s3(bench: Bench, forms: dict[str, Path], few: dict[str, Path]) -> tuple[list[Arm], Ran]:
    """Train from a server that has both forms, each with keys from another place; and see that without any it is
    refused."""
    with served(bench.folder / "server") as server:
        told = own(**server.environment)
        keyless = {name: value for name, value in told.items() if "KEY" not in name}
        profile = in_profile(bench.folder / "home", server.environment["AWS_ENDPOINT_URL"])
        sources = []
        for form, (keys, environment) in zip(forms, (("environment", told), ("~/.aws", profile)), strict=False):
            addresses = [f"{form}:{server.put(*one)}" for one in ((forms[form], form), (few[form], f"few/{form}"))]
            sources.append(Source(form, THERE, keys, *addresses, environment))
        refused = bench.alone("keyless", replace(sources[0], environment=keyless), buffer=True)
        return [bench.arm(source) for source in sources], refused


def main() -> None:
    """Run, write the record, and leave with 1 where something is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to keep pictures and runs; by default they go")
    parser.add_argument("--small", action="store_true", help="a few pictures of one form, in a minute: to try it")
    parser.add_argument("-o", "--output", type=Path, default=RECORD)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stream-trial-") as folder:
        try:
            home = (arguments.folder or Path(folder)).absolute()
            found = tried(SMALL, home, FORMS[1:]) if arguments.small else tried(WHOLE, home)
        except CheckFailed as error:
            sys.exit(f"error: {error}")
    files.write_text(arguments.output, documents.to_json(found) + "\n")
    wrong = failures(found)
    print("\n".join(wrong) if wrong else "passed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
