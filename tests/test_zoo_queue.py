"""The queue that trains behind everything: real processes, stopped, killed and resumed, in a checkout of their own."""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tomli_w

from edgecnn.recipes.read import read

ROOT = Path(__file__).resolve().parents[1]
TOOL = Path("tools") / "zoo_queue"
LONG, BAD, SHORT, NEEDY = (f"digits-compact-seed{seed}" for seed in range(4))
SMALL = {"batch_size": 8, "precision": "fp32", "data.subset": 400, "data.validation": 20}
STAND_IN = "stand-in-for-a-benchmark"
RUNS = {
    "make_way_for": [STAND_IN],
    "run": [
        {"recipe": "digits-compact", "why": "Stopped, killed, resumed", "set": {**SMALL, "epochs": 12}},
        {"recipe": "digits-compact", "seeds": [1], "why": "Fails", "set": {"data.name": "digitz"}},
        {"recipe": "digits-compact", "seeds": [2], "why": "Goes on after it", "set": {**SMALL, "epochs": 1}},
        {"recipe": "digits-compact", "seeds": [3], "why": "Needs what fails", "needs": [BAD]},
    ],
}
WAIT_S = 250.0
# Behind the tests on the other core nothing would ever be trained.
BARELY_LOWER = """
import os

def be_nice():
    pass

def be_idle():
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + 1)
"""

linux = pytest.mark.skipif(
    not hasattr(os, "SCHED_IDLE") or shutil.which("git") is None, reason="the queue needs Linux and git"
)


@dataclass
class Seen:
    """What was seen of one queue from its beginning to its end."""

    folder: Path
    commit: str
    later: str = ""
    said: dict[str, str] = field(default_factory=dict)
    nice: int = 0
    left: list[int] = field(default_factory=list)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]

    def of(self, run: str) -> list[str]:
        return [line["what"] for line in self.log() if line.get("run") == run]


@pytest.fixture(scope="module")
def tool() -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the tool, which runs as a program of its own."""
    before = [*sys.path]
    sys.path.insert(0, str(ROOT / TOOL))
    yield importlib.import_module
    sys.path[:] = before


@pytest.fixture(scope="module", autouse=True)
def one_core() -> Iterator[None]:
    """Let queues have one core, so that there is one run at a time."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if before:
        os.sched_setaffinity(0, {min(before)})
    yield
    if before:
        os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this code, with a list of small runs."""
    place = tmp_path_factory.mktemp("checkout")
    for part in (Path("edgecnn"), TOOL):
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__", "built"))
    (place / TOOL / "runs.toml").write_text(tomli_w.dumps(RUNS))
    (place / TOOL / "lowest.py").write_text(BARELY_LOWER)
    git(place, "init", "--quiet")
    commit(place, "First")
    return place


def git(place: Path, *arguments: str) -> str:
    command = ["git", "-C", str(place), "-c", "user.name=Somebody", "-c", "user.email=nobody@example.com"]
    return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit(place: Path, message: str) -> str:
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", message)
    return git(place, "rev-parse", "--short=10", "HEAD")


def queue(checkout: Path, verb: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / TOOL), verb, "--folder", str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def wait(what: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    until = time.monotonic() + WAIT_S
    while not (found := what()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return found


def workers(folder: Path) -> list[int]:
    """Return the processes that train a run of a queue."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(str(folder)) and word.endswith("worker.py") for word in words):
            found.append(int(process.name))
    return found


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def rows(folder: Path, run: str) -> int:
    path = folder / "runs" / run / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def ended(folder: Path) -> bool:
    """Tell whether nobody holds the folder any more."""
    import fcntl

    with (folder / "queue.lock").open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def seen(checkout: Path, tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Iterator[Seen]:
    """A queue that makes way, is killed with its runs, goes on in other code, is paused, and comes to its end."""
    found = Seen(tmp_path_factory.mktemp("queue"), git(checkout, "rev-parse", "--short=10", "HEAD"))
    folder, given = found.folder, ("--data-root", str(data_root))
    first = queue(checkout, "resume", folder, *given)
    assert first.returncode == 0, first.stderr
    found.said["resume"] = first.stdout
    wait(lambda: rows(folder, LONG) >= 2)
    worker = min(workers(folder))
    found.nice = os.getpriority(os.PRIO_PROCESS, worker)
    found.said["trains"] = queue(checkout, "status", folder).stdout
    benchmark = subprocess.Popen([sys.executable, "-c", "input()", STAND_IN], stdin=subprocess.PIPE)
    try:
        wait(lambda: all(state(pid) == "T" for pid in workers(folder)))
        found.said["makes way"] = queue(checkout, "status", folder).stdout
        pid = json.loads((folder / "queue.lock").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        wait(lambda: not workers(folder))
    finally:
        benchmark.communicate(b"\n")
    (checkout / "README.md").write_text("changed")
    found.later = commit(checkout, "Second")
    found.said["resumed"] = queue(checkout, "resume", folder, *given).stdout
    at = rows(folder, LONG)
    wait(lambda: rows(folder, LONG) > at)
    found.said["pause"] = queue(checkout, "pause", folder).stdout
    found.left = workers(folder)
    queue(checkout, "resume", folder, *given)
    wait(lambda: ended(folder))
    found.said["end"] = queue(checkout, "status", folder).stdout
    yield found
    queue(checkout, "pause", folder)


@linux
@pytest.mark.slow
def test_runs_are_trained_in_their_order_and_one_that_fails_does_not_stop_them(seen: Seen) -> None:
    assert (seen.of(LONG)[0], seen.of(LONG)[-1]) == ("began", "finished")
    assert seen.of(BAD) == ["began", "failed"]
    assert "no data set 'digitz'" in (seen.folder / "failed" / f"{BAD}.txt").read_text()
    assert (seen.of(SHORT)[0], seen.of(SHORT)[-1]) == ("began", "finished")
    assert seen.of(NEEDY) == []
    assert seen.log()[-1]["what"] == "nothing is left"


@linux
@pytest.mark.slow
def test_stopped_killed_and_paused_it_ends_in_the_same_bits(seen: Seen, tmp_path: Path, data_root: Path) -> None:
    """As a training by itself, on one core."""
    changes = ", ".join(f"{key!r}: {value!r}" for key, value in {**SMALL, "epochs": 12}.items())
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        f"from edgecnn import train; train('digits-compact', {str(tmp_path / 'alone')!r}, "
        f"overrides={{{changes}}}, root={str(data_root)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert seen.of(LONG).count("went on") >= 2
    for name in ("best.safetensors", "last.safetensors"):
        assert (seen.folder / "runs" / LONG / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@linux
@pytest.mark.slow
def test_a_run_says_its_processor_time_and_the_commit_that_trained_it(seen: Seen) -> None:
    outcome = json.loads((seen.folder / "runs" / LONG / "outcome.json").read_text())
    assert (outcome["clock"], outcome["threads"]) == ("processor", 1)
    assert outcome["commit"] == seen.commit


@linux
@pytest.mark.slow
def test_a_run_has_the_priority_that_the_tool_gives_it(seen: Seen) -> None:
    assert seen.nice == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 1)


@linux
def test_nothing_has_a_lower_priority() -> None:
    code = (
        "import os, lowest; lowest.be_idle(); group = '/proc/self/autogroup'\n"
        "print(os.sched_getscheduler(0) == os.SCHED_IDLE, os.getpriority(os.PRIO_PROCESS, 0),"
        " open(group).read() if os.path.exists(group) else 'nice 19')"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / TOOL,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert said.stdout.startswith("True 19 ")
    assert said.stdout.strip().endswith("nice 19")


@linux
@pytest.mark.slow
def test_status_says_what_it_does_and_where_each_run_stands(seen: Seen) -> None:
    assert "trains; process " in seen.said["trains"]
    assert f"makes way for {STAND_IN} (process " in seen.said["makes way"]
    assert "does not run; stopped at " in seen.said["pause"]
    assert "does not run; nothing is left at " in seen.said["end"]
    lines = seen.said["end"].splitlines()
    assert next(line for line in lines if line.startswith(LONG)).split()[1:5] == ["finished", "12", "of", "12"]
    assert "no data set 'digitz'" in next(line for line in lines if line.startswith(BAD))
    assert next(line for line in lines if line.startswith(NEEDY)).split() == [NEEDY, "waits"]


@linux
@pytest.mark.slow
def test_pause_leaves_no_process_behind(seen: Seen) -> None:
    assert seen.left == []


@linux
@pytest.mark.slow
def test_a_run_keeps_the_code_that_it_began_with(seen: Seen) -> None:
    """The next one begins with the commit that is there then."""
    assert f"commit {seen.later}" in seen.said["resumed"]
    outcomes = {run: seen.folder / "runs" / run / "outcome.json" for run in (LONG, SHORT)}
    commits = {run: json.loads(path.read_text())["commit"] for run, path in outcomes.items()}
    assert commits == {LONG: seen.commit, SHORT: seen.later}


@linux
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resume", "{folder}", "--data-root", "nowhere"), "nowhere: no such folder. Give the data root"),
        (("resume", "{checkout}/queue", "--data-root", "."), "lies in the checkout. Choose a folder outside"),
        (("status", "{folder}"), "no such folder. Begin one with resume."),
        (("pause", "{folder}"), "no such folder. Begin one with resume."),
    ],
)
def test_what_cannot_be_done_is_a_message(
    checkout: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    verb, *rest = (word.format(folder=tmp_path / "none", checkout=checkout) for word in arguments)
    found = queue(checkout, verb, Path(rest[0]), *rest[1:])
    assert found.returncode
    assert message in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (".venv/bin/python .venv/bin/pytest -q tests/test_zoo.py", "pytest"),
        ("nice -n 5 python3 -m pytest -n 2", "pytest"),
        ("/x/python /x/bin/edgecnn bench mnist-c1", "edgecnn bench"),
        ("/x/python -m edgecnn.bench.worker", "edgecnn.bench.worker"),
        ("/x/python /x/bin/edgecnn quantize runs/a", "edgecnn quantize"),
        ("make bench", "make bench"),
        ("/x/python tools/docs/conformance_page.py --node-modules x", "conformance_page.py"),
        ("python tools/make_model.py runs/a a", "make_model.py"),
        ("/x/python /x/bin/edgecnn train mnist-c1", None),
        ("vi tests/pytest.ini", None),
        ("/x/python /x/bin/edgecnn list", None),
        ("make lint", None),
    ],
)
def test_it_makes_way_for_tests_and_for_what_measures(
    tool: Callable[[str], ModuleType], line: str, expected: str | None
) -> None:
    wanted = tool("listing").read().make_way_for
    assert next((words for words in wanted if tool("watch").is_in(words.split(), line.split())), None) == expected


def test_a_command_that_only_speaks_of_tests_is_no_reason(tool: Callable[[str], ModuleType]) -> None:
    assert not tool("watch").is_in(["pytest"], ["bash", "-c", "sleep 9; .venv/bin/pytest -q"])


def test_every_run_of_the_list_has_a_recipe_and_what_it_needs_comes_before_it(
    tool: Callable[[str], ModuleType],
) -> None:
    known: list[str] = []
    for entry in tool("listing").read().entries:
        read(entry.recipe, {**entry.changes, "seed": entry.seed})
        assert set(entry.needs) <= set(known)
        known.append(entry.name)
    assert known


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"recipe": "a", "why": "", "seed": 1}, "unknown key seed in a run; allowed: recipe, why, label, seeds, set"),
        ({"recipe": "a", "why": "", "seeds": [1, 1]}, "a-seed1 is in it twice"),
        ({"recipe": "a", "label": "b", "why": "", "seeds": [1, 1]}, "b-seed1 is in it twice"),
    ],
)
def test_a_mistake_in_the_list_is_named(
    tool: Callable[[str], ModuleType], tmp_path: Path, run: dict[str, Any], message: str
) -> None:
    (tmp_path / "runs.toml").write_text(tomli_w.dumps({"make_way_for": [], "run": [run]}))
    with pytest.raises(ValueError, match=message):
        tool("listing").read(tmp_path / "runs.toml")


@linux
def test_the_table_has_the_best_accuracy_and_no_other_figure(tool: Callable[[str], ModuleType], tmp_path: Path) -> None:
    run = tmp_path / "runs" / tool("listing").read().entries[0].name
    run.mkdir(parents=True)
    (run / "recipe.toml").write_text("epochs = 3")
    epochs = [
        {"seconds": 1.0, "validation": {"loss": 9.0, "accuracy": share, "precision": 0.9}} for share in (0.3, 0.2)
    ]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, epochs)))
    assert "30.00" in tool("shown").shown(tmp_path)
    assert "90.00" not in tool("shown").shown(tmp_path)
