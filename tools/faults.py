"""What the stages do where they are killed, the disk is full, a folder cannot be written to, an input is gone.

python tools/faults.py [kills] [full] [read-only] [vanished] [output] [--kills 100] [--seed 0] [--folder FOLDER]

Every stage is a command in a process of its own (forked, so that imports are paid once), on small things: the embedded
digits, a few epochs. After each fault every file that is there has to be whole, nothing half-written may lie about, an
error is one line and exit code 2; after a kill the same command has to succeed (a training with --resume). Counts by
outcome go into JSON files, of which docs/results/reliability.md is made. Mounts, for the full disk and the folder that
cannot be written to, need root on Linux.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SMALL = ("--set", "data.subset=200", "--set", "data.validation=50", "--set", "network.parameters.filters=[8,16]")
PATIENCE_S, HUNG = 300, -999
SETTLE_S = 3  # the workers of a study that lost its parent save and end by themselves
DRAW = """
import sys
from pathlib import Path
from PIL import Image
from edgecnn import data
images = data.read_split("digits", "train").images_nhwc
for index in range(5):
    Image.fromarray(images[index, ..., 0]).resize((64, 64)).save(Path(sys.argv[1]) / f"{index}.png")
"""
PAGES = """
import sys
from pathlib import Path
from edgecnn.report import model_card
try:
    model_card.write(Path(sys.argv[1]))
except OSError as error:  # as any program that calls it would tell
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)
"""
SAID_BEFORE = re.compile(r"warning: |finishing |\d+ frames? in ")
WHOLE = "every file whole, nothing left over"
DONE = f"its work was done already, which the same command does not replace; {WHOLE}"
AGAIN = f"{WHOLE}, and the same command then succeeded"
IN_ITS_ROW = "a run that found no room says so in its row of the study's table, exit code 1; every file whole"
ONE_LINE = f"one line, exit code 2; {WHOLE}"
SUCCEEDED = f"succeeded; {WHOLE}"
FITTED = f"there was room: {SUCCEEDED}"
FAULTS = ("kills", "full", "read-only", "vanished", "output")
# A demo and a study take long, so they are killed less often than they are of a hundred.
SHARES = {"train": 14, "export": 13, "quantize": 12, "embed": 14, "pages": 10, "webcam": 8, "predict": 8, "verify": 6,
          "bench": 5, "study": 6, "demo": 4}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A command: its words, with {inputs} and {out} in them, and the file that takes what it prints."""

    words: tuple[str, ...]
    prints: str | None = None
    is_edgecnn: bool = True
    makes_folder: str | None = None  # an empty folder that is there before

    def command(self, inputs: Path, out: Path) -> list[str]:
        filled = [word.replace("{inputs}", str(inputs)).replace("{out}", str(out)) for word in self.words]
        if self.words[0] == "train" and (out / "run" / "recipe.toml").exists():
            filled.append("--resume")
        return filled


STAGES = {
    "train": Stage(("train", "digits-compact", "-o", "{out}/run", "--epochs", "3", *SMALL)),
    "export": Stage(("export", "{inputs}/run", "-o", "{out}/model.onnx")),
    "quantize": Stage(("quantize", "{inputs}/model.onnx", "-o", "{out}/int8.onnx", "--seconds", "0.02")),
    "verify": Stage(("verify", "{inputs}/run", "{inputs}/model.onnx", "--json"), prints="verify.json"),
    "bench": Stage(("bench", "{inputs}/model.onnx", "--batch=1", "--seconds", "0.02", "--json"), prints="bench.json"),
    "embed": Stage(("embed", "{inputs}/model.onnx", "--to", "python", "-o", "{out}/app"), makes_folder="app"),
    "predict": Stage(("predict", "{inputs}/model.onnx", "{inputs}/pictures", "--csv"), prints="predict.csv"),
    "webcam": Stage(
        ("webcam", "digits-webcam", "--source", "{inputs}/pictures/0.png", "--no-display", "-o", "{out}/video.avi")
    ),
    "study": Stage(("study", "{inputs}/study.toml", "-o", "{out}/study", "--jobs", "2")),
    "pages": Stage(("-c", PAGES, "{out}/zoo"), is_edgecnn=False, makes_folder="zoo"),
    "demo": Stage(("demo", "-o", "{out}/demo")),
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    error: str
    seconds: float

    @property
    def is_one_line(self) -> bool:
        """Tell whether it is an error as edgecnn tells one; warnings, and what was done until then, may come first."""
        lines = [line for line in self.error.strip().splitlines() if not SAID_BEFORE.match(line)]
        return self.code == 2 and len(lines) == 1 and lines[0].startswith("error: ")


class Bench:
    """A folder with the inputs of all stages, made once, and a fresh place for the outputs of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs, self.out, self.temporary = folder / "inputs", folder / "out", folder / "tmp"
        self.data = folder / "data"
        self.whole: dict[str, set[str]] = {}  # what each command makes, undisturbed
        for made in (self.inputs, self.out, self.temporary):
            made.mkdir()

    def prepare(self) -> None:
        """Train and export a small model, draw pictures, write a study."""

        (self.inputs / "pictures").mkdir()
        drawn = self.run(Stage(("-c", DRAW, "{inputs}/pictures"), is_edgecnn=False))
        study = 'recipe = "digits-compact"\n[set]\nepochs = 2\n"data.subset" = 200\n"data.validation" = 50\n'
        (self.inputs / "study.toml").write_text(study + "[grid]\nbatch_size = [32, 64]\n")
        if drawn.code:
            sys.exit(f"cannot prepare: {drawn.error}")
        for words in (
            ("train", "digits-compact", "-o", str(self.inputs / "run"), "--epochs", "2", *SMALL),
            ("export", str(self.inputs / "run"), "-o", str(self.inputs / "model.onnx")),
        ):
            ended = self.run(Stage(words))
            if ended.code:
                sys.exit(f"cannot prepare: {ended.error}")

    def environment(self, **more: str) -> dict[str, str]:
        own = {"EDGECNN_DATA": str(self.data), "TMPDIR": str(self.temporary), "NO_COLOR": "1", "COLUMNS": "10000"}
        return os.environ | own | more

    def fresh(self, stage: Stage) -> None:
        """Empty the outputs, and put there what the stage expects."""
        for folder in (self.out, self.temporary):
            for found in folder.iterdir():
                shutil.rmtree(found) if found.is_dir() else found.unlink()
        if stage.makes_folder == "zoo":
            shutil.copytree(
                Path(__file__).resolve().parents[1] / "exported" / "mnist-c1", self.out / "zoo" / "mnist-c1"
            )
        elif stage.makes_folder:
            (self.out / stage.makes_folder).mkdir()

    def made(self) -> set[str]:
        """Return the names of what lies among the outputs."""
        return {str(path.relative_to(self.out)) for path in self.out.rglob("*")}

    def start(self, stage: Stage, **more: str) -> "Running":
        """Start a stage as a shell does: what it prints goes where the stage says."""
        return Running(self, stage, more)

    def run(self, stage: Stage, **more: str) -> Ended:
        return self.start(stage, **more).ended()


class Running:
    """A stage under way: a process that was forked from this one, which has imported everything already, and nothing
    else. What a command costs before it does anything would be most of the time else."""

    def __init__(self, bench: Bench, stage: Stage, more: dict[str, str]) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in ended
        self._started = time.monotonic()
        try:
            printed = Path(more.pop("print_to", bench.out / (stage.prints or os.devnull))).open("wb")  # noqa: SIM115
        except OSError as error:  # the shell's own error, not the command's
            raise NotTried(f"a shell cannot make {stage.prints} there: {error.strerror}") from error
        sys.stdout.flush()
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _become(stage.command(bench.inputs, bench.out), bench, more, printed.fileno(), self._errors.fileno())
        printed.close()

    def poll(self) -> int | None:
        """Return the exit code, minus the signal, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, but not longer."""
        until = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        return self._code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> Ended:
        """Wait for its end, and tell how it was; a hang is an end as well."""
        code = self.wait(PATIENCE_S)
        if code is None:
            self.kill()
            self.wait(PATIENCE_S)
            code = HUNG
        self._errors.seek(0)
        error = self._errors.read()
        self._errors.close()
        return Ended(code, error, time.monotonic() - self._started)


def warm_up() -> None:
    """Import what the stages import. Nothing is computed here: threads would not survive the fork."""
    import cv2  # noqa: F401
    import edgecnn_cli.main  # noqa: F401
    import onnxscript  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import torch._dynamo
    import torch.onnx._internal.exporter._core  # noqa: F401
    import torchvision  # noqa: F401

    import edgecnn.demo
    import edgecnn.report.model_card
    import edgecnn.report.study
    import edgecnn.study.run
    import edgecnn.webcam.watch
    from edgecnn.recipes.read import read

    # The demo on less, or it would take half a minute each time.
    edgecnn.demo.read = lambda name: read(name, {"epochs": 1, "data.subset": 200, "data.validation": 50})  # type: ignore[assignment]


def _become(words: list[str], bench: Bench, more: dict[str, str], output: int, errors: int) -> None:
    """Be the command, in a process that was just forked, and end."""
    code: object = 1
    try:
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.chdir(bench.folder)
        os.environ.update(bench.environment(**more))
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if words[0] == "-c":
            sys.argv = words[1:]
            exec(words[1], {"__name__": "__main__"})
            code = 0
        else:
            from edgecnn_cli.main import main

            sys.argv = ["edgecnn", *words]
            main()
            code = 0
    except SystemExit as left:
        code = left.code
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


class NotTried(Exception):  # noqa: N818 - no error: a fault that cannot be made here
    """A fault that a stage or a machine has no place for."""


def damage(bench: Bench, stage: Stage, *, leftovers: bool) -> str:
    """Return what is not whole among the outputs, or lies about half-written; nothing where all is well."""
    for path in sorted(bench.out.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(bench.out).parts)
        if hidden and leftovers:
            return f"left over: {_general(path)}"
        if not hidden and path.is_file() and path.name != stage.prints:
            try:
                READERS.get(path.suffix, Path.read_bytes)(path)
            except Exception as error:  # whatever a reader raises
                return f"half a file: {path.name} ({type(error).__name__})"
    left = [_general(path) for path in bench.temporary.iterdir() if not path.name.startswith("torchinductor_")]
    return f"left over in TMPDIR: {', '.join(left)}" if left and leftovers else ""


def _general(path: Path) -> str:
    """Return a name without its random part, so that equal outcomes are counted together."""
    stem, _, random_part = path.name.rpartition("-")
    return f"{stem}-*" if stem and len(random_part) >= 12 else path.name


def _read_onnx(path: Path) -> None:
    import onnx

    onnx.checker.check_model(str(path))


def _read_checkpoint(path: Path) -> None:
    from edgecnn import checkpoint

    checkpoint.read(path)


def _read_state(path: Path) -> None:
    import torch

    torch.load(path, weights_only=True)


def _read_picture(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        picture.load()


def _read_video(path: Path) -> None:
    import cv2

    if not cv2.VideoCapture(str(path)).read()[0]:
        raise ValueError("no frame")


READERS: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text()),
    ".jsonl": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    ".toml": lambda path: tomllib.loads(path.read_text()),
    ".onnx": _read_onnx,
    ".safetensors": _read_checkpoint,
    ".pt": _read_state,
    ".png": _read_picture,
    ".avi": _read_video,
}


def is_done(stage: Stage, ended: Ended) -> bool:
    """Tell whether a stage did what it is for; a small model may well fail the verdict of ``verify`` or the demo."""
    verdicts = (0, 1, 3) if stage.words[0] in ("verify", "demo") else (0,)
    if ended.code == HUNG:
        return False
    return ended.code in verdicts and "Traceback" not in ended.error


def kill(bench: Bench, stage: Stage, moment: random.Random, seconds: float) -> str:
    """Kill a stage at a random moment, or as soon as it writes; look; give the same command again; look again."""
    bench.fresh(stage)
    before = set(bench.out.rglob("*"))
    running = bench.start(stage)
    if moment.random() < 0.5:
        running.wait(moment.uniform(0.05, 1.0) * seconds)
    else:
        while running.poll() is None and set(bench.out.rglob("*")) <= before:
            time.sleep(0.0005)
        time.sleep(moment.choice((0, 0.001, 0.01, 0.1)))
    running.kill()
    first = running.ended()
    if stage.words[0] in ("study", "bench", "demo"):
        time.sleep(SETTLE_S)
    if found := damage(bench, stage, leftovers=False):
        return found
    made = bench.made()
    again = bench.run(stage)
    if "not empty" in _last(again) and made == bench.whole[stage.words[0]]:
        return DONE
    if not is_done(stage, again):
        return f"the same command failed: {_last(again)}"
    found = damage(bench, stage, leftovers=True)
    return found or (AGAIN if first.code == -signal.SIGKILL else f"it had ended already; {AGAIN}")


def full(bench: Bench, stage: Stage, size_bytes: int, *, temporary: bool) -> str:
    """Run a stage on a file system of so many bytes."""
    with mounted(bench, "tmpfs", f"size={max(4096, size_bytes // 4096 * 4096)}"):
        bench.fresh(stage)
        more = {"TMPDIR": str(bench.out / "tmp")} if temporary else {}
        if temporary:
            (bench.out / "tmp").mkdir()
        ended = bench.run(stage, **more)
        if temporary:
            shutil.rmtree(bench.out / "tmp")
        if is_done(stage, ended):
            return damage(bench, stage, leftovers=True) or FITTED
        if stage.words[0] == "study" and ended.code == 1 and not ended.error.strip():
            return damage(bench, stage, leftovers=False) or IN_ITS_ROW
        if not ended.is_one_line:
            return f"exit code {ended.code}, {len(ended.error.strip().splitlines())} lines: {_last(ended)}"
        return damage(bench, stage, leftovers=True) or ONE_LINE


def read_only(bench: Bench, stage: Stage) -> str:
    """Run a stage with outputs in a folder that cannot be written to; one that only prints, with such inputs."""
    folder = bench.inputs if stage.prints else bench.out
    bench.fresh(stage)
    with mounted(bench, "bind", "ro", folder=folder):
        ended = bench.run(stage)
        if stage.prints:
            return SUCCEEDED if is_done(stage, ended) else f"failed: {_last(ended)}"
        if not ended.is_one_line:
            return f"exit code {ended.code}, {len(ended.error.strip().splitlines())} lines: {_last(ended)}"
        return damage(bench, stage, leftovers=True) or ONE_LINE


def vanished(bench: Bench, stage: Stage, moment: random.Random, seconds: float) -> str:
    """Take the inputs away at a random moment, or before the start."""
    if "{inputs}" not in " ".join(stage.words):
        raise NotTried("has no input of the user's")
    bench.fresh(stage)
    away = bench.folder / "away"
    at_start = moment.random() < 0.3
    running = None if at_start else bench.start(stage)
    if running is not None:
        running.wait(moment.uniform(0.05, 1.0) * seconds)
    bench.inputs.rename(away)
    try:
        ended = (running or bench.start(stage)).ended()
    finally:
        away.rename(bench.inputs)
    if is_done(stage, ended):
        return damage(bench, stage, leftovers=True) or SUCCEEDED
    if stage.words[0] == "study" and ended.code == 1 and "Traceback" not in ended.error:
        return damage(bench, stage, leftovers=True) or SUCCEEDED
    if not ended.is_one_line:
        return f"exit code {ended.code}, {len(ended.error.strip().splitlines())} lines: {_last(ended)}"
    return damage(bench, stage, leftovers=True) or ONE_LINE


def output(bench: Bench, stage: Stage) -> str:
    """Let what a stage prints go to a full disk."""
    if not stage.is_edgecnn:
        raise NotTried("prints nothing")
    bench.fresh(stage)
    ended = bench.run(stage, print_to="/dev/full")
    if not ended.is_one_line:
        return f"exit code {ended.code}, {len(ended.error.strip().splitlines())} lines: {_last(ended)}"
    return damage(bench, stage, leftovers=True) or ONE_LINE


def _last(ended: Ended) -> str:
    lines = ended.error.strip().splitlines()
    if ended.code == HUNG:
        return f"did not end in {PATIENCE_S} s"
    return re.sub(r"/\S*?/(out|inputs|tmp)/", r"\1/", lines[-1])[:160] if lines else "no message"


@contextlib.contextmanager
def mounted(bench: Bench, kind: str, options: str, folder: Path | None = None) -> Iterator[None]:
    """Mount a small file system over the outputs, or a folder read-only over itself. Raises NotTried."""
    target = str(folder or bench.out)
    steps = (
        [["mount", "-t", "tmpfs", "-o", options, "edgecnn-faults", target]]
        if kind == "tmpfs"
        else [["mount", "--bind", target, target], ["mount", "-o", "remount,ro,bind", target]]
    )
    for step in steps:
        if shutil.which("mount") is None or subprocess.run(step, check=False, stderr=subprocess.DEVNULL).returncode:
            raise NotTried("mounts need root on Linux")
    try:
        yield
    finally:
        subprocess.run(["umount", target], check=True)


Try = tuple[str, Callable[[], str]]


def tries(fault: str, bench: Bench, seconds: dict[str, float], kills: int, moment: random.Random) -> Iterator[Try]:
    """Yield (stage, what to do) of one kind of fault."""
    if fault == "kills":
        names = [name for name, share in SHARES.items() for _ in range(round(share * kills / sum(SHARES.values())))]
        names += ["embed"] * (kills - len(names))
        moment.shuffle(names)
        for name in names:
            yield name, lambda name=name: kill(bench, STAGES[name], moment, seconds[name])
        return
    for name, stage in STAGES.items():
        if fault == "full":
            there, made = _sizes(bench, stage)
            for part in (0.0, 0.3, 0.6, 0.9):
                room = there + int(part * made)
                yield name, lambda stage=stage, room=room: full(bench, stage, room, temporary=False)
            room = there + int(0.5 * made)
            yield name, lambda stage=stage, room=room: full(bench, stage, room, temporary=True)
        elif fault == "read-only":
            yield name, lambda stage=stage: read_only(bench, stage)
        elif fault == "vanished":
            for _ in range(3):
                yield name, lambda name=name: vanished(bench, STAGES[name], moment, seconds[name])
        else:
            yield name, lambda stage=stage: output(bench, stage)


def _sizes(bench: Bench, stage: Stage) -> tuple[int, int]:
    """Return how many bytes lie where a stage writes before it runs, and how many it adds, in whole pages."""
    bench.fresh(stage)
    there = _taken(bench.out)
    bench.run(stage)
    return there, _taken(bench.out) - there


def _taken(folder: Path) -> int:
    return sum(-(-path.stat().st_size // 4096) * 4096 + 4096 for path in folder.rglob("*") if path.is_file())


WHAT = {
    "kills": "SIGKILL at a random moment, or as soon as something is written; then the same command again",
    "full": "a file system with 0, 30, 60 and 90 % of the room that the outputs take, and half of it with TMPDIR there",
    "read-only": "a folder that cannot be written to, for the outputs; for what only prints, for the inputs",
    "vanished": "inputs that are gone before the start, or go at a random moment",
    "output": "standard output on a full disk",
}


def run(fault: str, bench: Bench, seconds: dict[str, float], kills: int, seed: int) -> list[dict[str, object]]:
    """Try one kind of fault on all stages and return a record a stage."""
    seen: dict[str, Counter[str]] = {}
    for name, attempt in tries(fault, bench, seconds, kills, random.Random(seed)):
        try:
            outcome = attempt()
        except NotTried as reason:
            outcome = f"not tried: {reason}"
        seen.setdefault(name, Counter())[outcome] += 1
        print(f"{fault:10} {name:9} {outcome}", flush=True)
    return [
        record(f"{name}: {WHAT[fault]}", counts, f"python tools/faults.py {fault}") for name, counts in seen.items()
    ]


def record(what: str, seen: Counter[str], command: str) -> dict[str, object]:
    """Return what docs/results/reliability.md is made from."""
    tried = sum(count for outcome, count in seen.items() if not outcome.startswith("not tried"))
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return {
        "what": what,
        "tried": tried,
        "seen": dict(seen.most_common()),
        "command": command,
        "machine": machine,
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    """Make the faults that were asked for, and leave with 1 where something was not as it has to be."""
    parser = argparse.ArgumentParser(description="Kill the stages, fill their disk, take their inputs away.")
    parser.add_argument("faults", nargs="*", choices=[*FAULTS, []], help="default: all")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("docs/reliability"))
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        warm_up()
        bench = Bench(Path(folder).resolve())
        bench.prepare()
        seconds = {}
        for name, stage in STAGES.items():
            bench.fresh(stage)
            ended = bench.run(stage)
            seconds[name] = ended.seconds
            bench.whole[stage.words[0]] = bench.made()
            if not is_done(stage, ended):
                sys.exit(f"{name} fails without a fault: {ended.error}")
        for fault in options.faults or FAULTS:
            records = run(fault, bench, seconds, options.kills, options.seed)
            options.folder.mkdir(parents=True, exist_ok=True)
            (options.folder / f"{fault}.json").write_text(json.dumps(records, indent=1) + "\n")
            wrong += sum(not is_good(outcome) for entry in records for outcome in entry["seen"])  # type: ignore[attr-defined]
    sys.exit(1 if wrong else 0)


def is_good(outcome: str) -> bool:
    """Tell whether an outcome is one that is promised."""
    good = (AGAIN, DONE, IN_ITS_ROW, f"it had ended already; {AGAIN}", ONE_LINE, SUCCEEDED, FITTED)
    return outcome in good or outcome.startswith("not tried")


if __name__ == "__main__":
    main()
