"""A study by Ray: real tasks on this machine, stopped, cut off and lost, and held to the same study without Ray."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from interrupting import interrupted

from edgecnn.errors import DeviceError, MissingPackageError
from edgecnn.study import ray_task, worker
from edgecnn.study.read import read
from edgecnn.study.run import run_study
from edgecnn.version import __version__

STUDY = """
description = "Rates on the digits"
recipe = "digits-compact"

[set]
epochs = EPOCHS
batch_size = 32
precision = "fp32"
data = { subset = 300, validation = 100 }
network.parameters = { filters = [4, 8] }

[[run]]
label = "low"
set = { optimizer.learning_rate = 1e-3 }

[[run]]
label = "high"
set = { optimizer.learning_rate = 1e-2 }

[[run]]
label = "absurd"
set = { optimizer.learning_rate = 1e6 }
"""
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc, and kills")
TIMES = {"seconds", "seconds_per_epoch", "folder"}


def write(folder: Path, epochs: int, runs: int = 3) -> None:
    kept = STUDY.replace("EPOCHS", str(epochs)).split("[[run]]")[: runs + 1]
    (folder / "rates.toml").write_text("[[run]]".join(kept), encoding="utf-8")


def study(folder: Path, *arguments: str, data_root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgecnn_cli", "study", "rates.toml", "--data-root", str(data_root), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def untimed(found: object) -> object:
    if isinstance(found, dict):
        return {key: untimed(value) for key, value in found.items() if key not in TIMES}
    return [untimed(one) for one in found] if isinstance(found, list) else found


def record(folder: Path) -> object:
    return untimed(json.loads((folder / "study.json").read_text()))


def starts(folder: Path) -> dict[str, int]:
    return {path.stem: len(path.read_text().splitlines()) for path in (folder / "starts").glob("*.txt")}


def waited_for(what: Callable[[], bool], seconds: float = 120) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, "did not come about"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ray_trains_to_the_same_bytes_and_remembers_what_diverged(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # of a cluster, which is not what ``ray`` alone asks for
    write(tmp_path, epochs=2)
    here = study(tmp_path, "-o", "here", "--jobs", "2", data_root=data_root)
    there = study(tmp_path, "-o", "there", "--on", "ray", "--jobs", "2", data_root=data_root)
    assert (here.returncode, there.returncode) == (1, 1), there.stderr  # absurd
    assert there.stderr == ""
    assert "FAILED: absurd, seed 0: training diverged" in there.stdout
    assert record(tmp_path / "there") == record(tmp_path / "here")
    for name in ("low-seed0", "high-seed0"):
        for weights in ("best.safetensors", "last.safetensors"):
            one, other = (tmp_path / folder / "runs" / name / weights for folder in ("here", "there"))
            assert one.read_bytes() == other.read_bytes()
    assert set(starts(tmp_path / "there").values()) == {1}
    assert not list((tmp_path / "there" / "starts").glob(".*"))
    again = study(tmp_path, "-o", "there", "--on", "ray", data_root=data_root)
    assert (again.returncode, again.stderr) == (1, "")
    assert set(starts(tmp_path / "there").values()) == {1}  # nothing is trained again, not even what diverged


@pytest.mark.slow
@pytest.mark.timeout(600)
@LINUX
def test_control_c_saves_every_run_and_the_same_command_continues(tmp_path: Path, data_root: Path) -> None:
    write(tmp_path, epochs=12, runs=2)
    arguments = ("study", "rates.toml", "-o", "out", "--on", "ray", "--data-root", str(data_root))
    runs = tmp_path / "out" / "runs"
    said = interrupted(*arguments, cwd=tmp_path, begun=lambda: any(runs.glob("*/metrics.jsonl")))
    assert "of 2 runs finished; the others have saved their state" in said
    begun = [path for path in runs.iterdir() if (path / "metrics.jsonl").exists()]
    assert all((path / "state.pt").exists() for path in begun)
    assert study(tmp_path, *arguments[2:6], data_root=data_root).returncode == 0
    for path in runs.iterdir():
        epochs = [json.loads(line)["epoch"] for line in (path / "metrics.jsonl").read_text().splitlines()]
        assert epochs == list(range(1, 13))


@pytest.mark.slow
@pytest.mark.timeout(900)
@LINUX
def test_a_lost_process_is_tried_again_and_a_killed_command_leaves_none(tmp_path: Path, data_root: Path) -> None:
    write(tmp_path, epochs=30, runs=1)
    command = [sys.executable, "-m", "edgecnn_cli", "study", "rates.toml", "-o", "out", "--on", "ray"]
    path, figures = tmp_path / "out" / "starts" / "low-seed0.txt", tmp_path / "out" / "runs" / "low-seed0"

    def trains(times: int) -> bool:
        has = path.exists() and len(path.read_text().splitlines()) == times
        return has and Path(f"/proc/{pid()}").exists() and (figures / "metrics.jsonl").exists()

    def pid() -> int:
        return int(path.read_text().split()[-1])

    with subprocess.Popen([*command, "--data-root", str(data_root)], cwd=tmp_path) as process:
        waited_for(lambda: trains(1))
        os.kill(pid(), signal.SIGKILL)
        waited_for(lambda: trains(2))
        process.kill()
    last = pid()
    waited_for(lambda: not Path(f"/proc/{last}").exists())
    assert study(tmp_path, "-o", "out", "--on", "ray", data_root=data_root).returncode == 0
    assert starts(tmp_path / "out") == {"low-seed0": 3}
    epochs = [json.loads(line)["epoch"] for line in (figures / "metrics.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, 31))


@pytest.mark.slow
@pytest.mark.timeout(600)
@LINUX
def test_a_cluster_is_reached(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, epochs=1, runs=1)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    ray = (sys.executable, "-m", "ray.scripts.scripts")
    quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    start = [*ray, "start", "--head", "--port=0", "--ray-client-server-port=21977", "--include-dashboard=false"]
    command = [*start, "--num-cpus=1", "--block", "--object-store-memory=100000000", "--disable-usage-stats"]
    with subprocess.Popen(command, cwd="/", env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
        try:
            waited_for(lambda: listens(21977))
            told = study(tmp_path, "-o", "out", "--on", "ray://127.0.0.1:21977", data_root=data_root)
            assert (told.returncode, told.stderr) == (0, "")
        finally:
            head.terminate()
            head.wait(60)
    assert starts(tmp_path / "out") == {"low-seed0": 1}


@pytest.mark.parametrize("on", ["rays", "ray://", "http://host"])
def test_what_names_no_ray_is_a_message(tmp_path: Path, on: str) -> None:
    with pytest.raises(DeviceError, match=rf"'{on}' names no Ray; expected ray, or ray://HOST:PORT of a cluster"):
        run_study(read("b-mnist"), tmp_path / "out", on=on)
    assert not list(tmp_path.iterdir())


def test_without_the_extra_it_is_named(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, epochs=1)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"^This needs ray.*pip install 'edgecnn\[scale\]'$"):
        run_study(read(str(tmp_path / "rates.toml")), tmp_path / "out", on="ray", root=data_root)


def test_a_machine_that_lacks_the_folder_or_has_another_edgecnn_trains_nothing(tmp_path: Path) -> None:
    token = tmp_path / "study" / "starts" / ".here-1"
    for version, told in (("0.0.1", "expected 0.0.1, as where the study began"), (__version__, "does not have the")):
        assert told in ray_task.unfit({"version": version, "token": str(token)})
    token.parent.mkdir(parents=True)
    token.touch()
    assert ray_task.unfit({"version": __version__, "token": str(token)}) == ""


def test_a_board_carries_news_once_and_the_wish_to_stop() -> None:
    board = ray_task.Board()
    assert board.tell("one", {"epoch": 1}) is False
    assert board.tell("one", {"epoch": 2}) is board.tell("other", None) is False
    assert board.look(stopping=True) == {"one": {"epoch": 2}}
    assert board.look(stopping=True) == {}
    assert board.tell("one", None) is True


@LINUX
def test_tasks_beside_each_other_have_cores_of_their_own() -> None:
    all_of_them = sorted(os.sched_getaffinity(0))
    with ray_task.cores_of_its_own(1) as one:
        assert one == all_of_them[:1]
        with ray_task.cores_of_its_own(1) as other:
            assert other == (all_of_them[1:2] or one)  # shared where there is no second one
    with ray_task.cores_of_its_own(len(all_of_them)) as whole:
        assert whole == all_of_them


@LINUX
def test_a_run_that_another_process_trains_is_waited_for(tmp_path: Path) -> None:
    with (tmp_path / "run.txt").open("a") as one, (tmp_path / "run.txt").open("a") as other:
        assert worker.held(one)
        assert not worker.held(other)
        one.close()
        assert worker.held(other)
