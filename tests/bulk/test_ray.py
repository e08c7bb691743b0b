"""Bulk prediction by real workers of Ray: whole, in two runs, stopped, with workers killed, refused."""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from archives import archive, digits, png, shards, table
from interrupting import interrupted
from s3 import BUCKET, S3

from edgecnn import documents, load, ray_engine
from edgecnn.bulk import Bulk, predict_bulk
from edgecnn.bulk.answering import Labels
from edgecnn.bulk.units import units_of
from edgecnn.errors import DeviceError, ModelError
from edgecnn.zoo import find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'edgecnn[scale]'"),
]
MODEL, MARK = "mnist-c1", "EDGECNN_STARTED_IN"


def command(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "edgecnn_cli", "predict", *map(str, arguments)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=400, check=False)


def python(code: str, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that uses Ray, which leaves its children to whoever collects them."""
    words, environment = [sys.executable, "-c", code, *arguments], {**os.environ, **variables}
    return subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=400, check=False
    )  # fmt: skip


def answers(folder: Path) -> list[tuple[str, str, float]]:
    found = pq.read_table(folder).sort_by("path")
    return list(zip(*(found[name].to_pylist() for name in ("path", "label", "probability")), strict=True))


@pytest.fixture(autouse=True)
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what a test starts be known by its environment."""
    monkeypatch.setenv(MARK, str(tmp_path))


def left(tmp_path: Path) -> list[str]:
    """Return the processes that a test has started and that stay; workers take a moment to see that all is over."""
    for _ in range(60):
        found = started(tmp_path)
        if not found:
            break
        time.sleep(0.5)
    return found


def started(tmp_path: Path) -> list[str]:
    """Return the processes that a test has started and that are there now."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={tmp_path}\0" in (entry / "environ").read_text(errors="replace"):
                found.append((entry / "cmdline").read_text(errors="replace").strip("\0"))
    return found


def workers(root: int) -> list[int]:
    """Return the actors that a process has started, through others."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])

    def is_below(process: int) -> bool:
        while process > 1 and process != root:
            process = parents.get(process, 0)
        return process == root

    found = []
    for process in parents:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{process}/cmdline").read_text(errors="replace")
            found += [process] if words.startswith("ray::Actor") and is_below(process) else []
    return found


def test_all_kinds_of_sources_are_answered_and_what_is_broken_is_a_row(tmp_path: Path) -> None:
    sources = [shards(tmp_path / "shards", count=40, each=20), table(tmp_path / "rows", count=20), "pictures", "no.png"]
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(png(number))
    (tmp_path / "pictures" / "broken.png").write_bytes(b"nothing")
    ended = command(MODEL, *sources, "--on", "ray", "-o", "answers", "--json", cwd=tmp_path)
    assert ended.returncode == 1
    found = documents.from_json(Bulk, ended.stdout, "the answer")
    assert (found.parts, found.kept, found.lost) == (5, 0, [])
    assert (found.counted.pictures, found.counted.failed) == (65, 2)
    said = ended.stderr.splitlines()
    assert said[:2] == [
        "warning: pictures/broken.png: not a picture in a format that Pillow reads.",
        "warning: no.png: cannot be read (No such file or directory).",
    ]
    assert all(line.startswith("warning: ") for line in said), "Ray speaks"
    assert left(tmp_path) == []

    plain, rows = Labels(load(MODEL)), answers(tmp_path / "answers")
    taken = [one for unit in units_of(sources[:2]) for one in unit.pictures()]
    wanted = {row["path"]: row["label"] for row in plain.rows(taken)}
    assert {path: label for path, label, _ in rows if path in wanted} == wanted
    assert len(rows) == len({path for path, _, _ in rows}) == 65

    again = command(MODEL, *sources, "--on", "ray", "-o", "answers", "--json", cwd=tmp_path)
    second = json.loads(again.stdout)
    assert (again.returncode, second["kept"], second["workers"]) == (1, 5, 0)
    assert second["counted"] == json.loads(ended.stdout)["counted"]

    other = command("mnist-small", *sources, "--on", "ray", "-o", "answers", cwd=tmp_path)
    assert (other.returncode, other.stdout) == (2, "")
    assert other.stderr.startswith("error: answers: has the answers of model mnist-c1 (sha256 ")


def test_after_ctrl_c_the_same_command_does_the_rest(tmp_path: Path) -> None:
    source, output = shards(tmp_path / "shards", count=4_000, each=200), tmp_path / "answers"
    words = ("predict", MODEL, source, "--on", "ray", "-o", str(output))
    said = interrupted(*words, cwd=tmp_path, begun=lambda: len(list(output.glob("part-*"))) >= 2)
    assert said.splitlines()[0] == "stopping; finished parts are kept …"
    assert said.splitlines()[1].endswith(
        "of 20 parts were finished and lie in " + f"{output}. The same command goes on."
    )
    assert len(said.splitlines()) == 2
    assert left(tmp_path) == []
    kept = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
    assert 2 <= len(kept) < 20
    told = json.loads(command(*words[1:], "--json", cwd=tmp_path).stdout)
    assert (told["parts"], told["kept"], told["counted"]["pictures"]) == (20, len(kept), 4_000)
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())


def test_killed_workers_cost_no_answer_and_change_none(tmp_path: Path) -> None:
    source = shards(tmp_path / "shards", count=4_000, each=200)
    assert command(MODEL, source, "--on", "ray", "-o", "quiet", cwd=tmp_path).returncode == 0
    words = [sys.executable, "-m", "edgecnn_cli", "predict", MODEL, source, "--on", "ray", "-o", "answers"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for parts in (1, 4, 8, 12):
            while len(list((tmp_path / "answers").glob("part-*"))) < parts or not workers(process.pid):
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            os.kill(workers(process.pid)[0], signal.SIGKILL)
        said = process.communicate(timeout=300)
    assert process.returncode == 0
    assert said[1].startswith("warning: 4,000 of 4,000 pictures are unlike those that mnist-c1 was made for")
    assert said[1].count("\n") == 1, "Ray speaks of its dead"
    assert answers(tmp_path / "answers") == answers(tmp_path / "quiet")


def test_shards_in_a_store_of_objects_are_answered_as_those_here(s3: S3, tmp_path: Path) -> None:
    here = [shards(tmp_path / "shards", count=40, each=20), table(tmp_path / "rows", count=20)]
    there = [f"tar:{s3.put(tmp_path / 'shards', 'bulk')}", f"parquet:{s3.put(tmp_path / 'rows', 'bulk')}"]
    for sources, output in ((here, "here"), (there, "there")):
        ended = command(MODEL, *sources, "--on", "ray", "-o", output, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    ours, theirs = answers(tmp_path / "here"), answers(tmp_path / "there")
    assert len(theirs) == 60
    assert [row[1:] for row in theirs] == [row[1:] for row in ours]
    again = json.loads(command(MODEL, *there, "--on", "ray", "-o", "there", "--json", cwd=tmp_path).stdout)
    assert (again["kept"], again["workers"]) == (3, 0)

    s3.client().delete_object(Bucket=BUCKET, Key="bulk/train-000001.tar")
    gone = command(MODEL, f"{there[0]}/train-000001.tar", "--on", "ray", "-o", "gone", cwd=tmp_path)
    assert (gone.returncode, gone.stdout) == (2, "")
    assert gone.stderr.startswith(f"error: s3://{BUCKET}/bulk/train-000001.tar: not there (")


def test_two_models_are_compared_as_without_ray(tmp_path: Path) -> None:
    models, dataset = ("mnist-c1", "mnist-small"), digits(tmp_path / "set")
    words = [sys.executable, "-m", "edgecnn_cli", "verify", *models, "--data", dataset]
    ended = [
        subprocess.run([*words, *more, "--json"], capture_output=True, text=True, timeout=400, check=False)
        for more in ((), ("--on", "ray"))
    ]
    plain, by_workers = (json.loads(one.stdout) for one in ended)
    assert by_workers.pop("seconds") != plain.pop("seconds")
    assert by_workers == plain
    assert plain["images"] > 100
    assert [one.returncode for one in ended] == [0, 0]
    assert left(tmp_path) == []


DEADLY = """
import os, signal, sys
from edgecnn.bulk.answering import Job
from edgecnn.bulk.ray_pool import Lost, answering
from edgecnn.bulk.told import Asked
from edgecnn.bulk.units import units_of
from edgecnn.zoo import find

class Deadly:
    source = said = "deadly.tar"
    key = "d" * 16

    def pictures(self):
        os.kill(os.getpid(), signal.SIGSEGV)

units = [Deadly(), *units_of([sys.argv[1]])]
job = Job(Asked("mnist-c1", "", None, None), find("mnist-c1").read_bytes(), None, "cpu", 1)
with answering("ray", job, units) as (crew, pool):
    for unit, part in pool.answers(lambda: False):
        print(unit.said, "lost" if isinstance(part, Lost) else "answered")
"""


def test_a_unit_that_kills_every_worker_is_given_up_and_the_others_are_answered(tmp_path: Path) -> None:
    ended = python(DEADLY, shards(tmp_path / "shards", count=8, each=2), cwd=tmp_path)
    said = sorted(line.split("/")[-1] for line in ended.stdout.splitlines())
    assert said == ["deadly.tar lost", *(f"train-{number:06}.tar answered" for number in range(4))], ended.stderr


def test_a_model_that_does_not_run_is_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(png(0))
    (tmp_path / "half.onnx").write_bytes(find(MODEL).read_bytes()[:1000])
    before = set(tmp_path.iterdir())
    with pytest.raises(ModelError):
        predict_bulk(tmp_path / "half.onnx", [str(tmp_path / "one.png")], tmp_path / "answers")
    assert set(tmp_path.iterdir()) == before


def test_a_cluster_that_is_not_there_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    archive(tmp_path / "one.tar", {"1.png": png(0)})
    ended = command(MODEL, "tar:one.tar", "--on", "ray://127.0.0.1:9", "-o", "answers", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ray://127.0.0.1:9: Ray cannot be started or reached ([Errno")
    assert ended.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["one.tar"]


@pytest.mark.parametrize("aborted", [1, 2])
def test_a_cluster_that_hangs_up_once_is_asked_again(aborted: int) -> None:
    """Which Ray does now and then: its server forks a process for who comes, and the fork may stand still."""
    tries = []

    def init(**how: object) -> None:
        tries.append(how)
        if len(tries) <= aborted:
            raise ConnectionAbortedError("Initialization failure from server:")

    expected = contextlib.nullcontext() if aborted == 1 else pytest.raises(DeviceError, match="Initialization failure")
    with socket.create_server(("127.0.0.1", 0)) as there, expected:
        address = f"ray://127.0.0.1:{there.getsockname()[1]}"
        ray_engine._start(SimpleNamespace(init=init), address, {"address": address})
    assert tries == [{"address": address}] * 2


HOST = """
import os, signal, sys
from edgecnn.bulk import predict_bulk

def state():
    return dict(os.environ), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

before = state()
for folder in ("first", "second"):
    print(predict_bulk("mnist-c1", [sys.argv[1]], folder).counted.pictures)
    assert state() == before
    assert not sys.modules["ray"].is_initialized()
"""


def test_nothing_is_set_otherwise_in_a_process_that_asks_twice(tmp_path: Path) -> None:
    (tmp_path / ".home").mkdir()
    (tmp_path / "one.png").write_bytes(png(0))
    ended = python(HOST, "one.png", cwd=tmp_path, HOME=str(tmp_path / ".home"))
    assert (ended.returncode, ended.stdout) == (0, "1\n1\n"), ended.stderr
    assert left(tmp_path) == []
    assert list((tmp_path / ".home").iterdir()) == []
