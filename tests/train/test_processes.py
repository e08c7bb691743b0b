"""Trainings in many processes, started by torchrun: the same draws, gradients and figures as in one process."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from edgecnn import checkpoint
from edgecnn.checkpoint import LAST
from edgecnn.errors import ProviderError
from edgecnn.train import processes

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="torchrun's gloo is Linux's here")]
FAR = 1e-5  # how far weights may be from those of one process, as a share of their size
TRAIN = ("--set", "precision=fp32", "--set", "data.subset=400", "--set", "network.parameters.filters=[8]")
# In each process: the gradients of a whole batch, and those that the processes add up, in float64 and with dropout.
GRADIENTS = """
import copy, sys
import torch
from torch import nn
from edgecnn.train import processes
from edgecnn.train.together import answered

place, cpu = processes.launched(), torch.device("cpu")
net = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.25), nn.Conv2d(4, 3, 3),
    nn.BatchNorm2d(3, affine=False), nn.Dropout2d(0.25), nn.Flatten(), nn.Linear(48, 5),
)
torch.manual_seed(1)
for parameter in net.parameters():
    nn.init.normal_(parameter)
net = net.double().to(memory_format=torch.channels_last)
with processes.joined(place, cpu) as group:
    for count in map(int, sys.argv[1:]):
        images, labels = torch.randn(count, 1, 8, 8, dtype=torch.float64), torch.arange(count) % 5
        shared, alone = copy.deepcopy(net), copy.deepcopy(net)
        torch.manual_seed(2)
        nn.functional.cross_entropy(alone(images), labels).backward()
        after = torch.get_rng_state()
        torch.manual_seed(2)
        nn.functional.cross_entropy(answered(group, shared, images), labels).backward()
        if group.shares(len(images)):
            group.add_gradients(shared.parameters())
        assert torch.equal(after, torch.get_rng_state())
        for own, other in zip(shared.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(own.grad, other.grad, rtol=1e-9, atol=1e-12)
        for own, other in zip(shared.buffers(), alone.buffers(), strict=True):
            torch.testing.assert_close(own, other, rtol=1e-9, atol=1e-12)
"""

# In each process: an optimizer for a group, as a training makes one, and what runs when the group is gone.
THREADS = """
from pathlib import Path
import torch
from edgecnn.train import processes

with processes.joined(processes.launched(), torch.device("cpu")) as group:
    weight = torch.nn.Parameter(torch.ones(3))
    torch.optim.SGD([weight], lr=0.1)
    group.add_up(weight.detach())
left = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
assert not [name for name in left if "gloo" in name], left
"""


def torchrun(count: int, *arguments: object, restarts: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command += ["--max-restarts", str(restarts), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def train(count: int, run: Path, root: Path, *more: object, restarts: int = 0) -> subprocess.Popen[str]:
    told = ("-m", "edgecnn_cli", "train", "digits-compact", "-o", run, "--data-root", root, *TRAIN, *more)
    return torchrun(count, *told, restarts=restarts)


def workers_of(launcher: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def apart(first: Path, second: Path) -> float:
    """Return the distance of the weights of two runs, as a share of their size."""
    one, other = (
        torch.cat([w.double().flatten() for w in checkpoint.read(run / LAST).weights.values()])
        for run in (first, second)
    )
    return float((one - other).norm() / one.norm())


@pytest.mark.parametrize(("count", "images"), [(2, (8, 7)), (3, (2,))], ids=["even, uneven", "fewer than processes"])
def test_gradients_norms_and_draws_are_those_of_the_whole_batch(
    tmp_path: Path, count: int, images: tuple[int, ...]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(GRADIENTS)
    with torchrun(count, program, *images) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_thread_of_a_group_outlives_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(THREADS)
    with torchrun(2, program) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said


SGD = ("--set", "optimizer.name=sgd", "--learning-rate", 0.01, "--epochs", 5, "--set", "network.parameters.dropout=0.2")


@pytest.fixture(scope="module")
def alone(once, data_root: Path) -> Path:
    """A training without torchrun."""

    def build(run: Path) -> None:
        told = ("train", "digits-compact", "-o", run, "--data-root", data_root, *TRAIN, *SGD)
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-m", "edgecnn_cli", *map(str, told)], check=True, env=environment)

    return once("trained-alone", build)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_weights_agree_with_those_without_torchrun_and_the_first_alone_prints(
    tmp_path: Path, alone: Path, data_root: Path, count: int
) -> None:
    """One process of torchrun trains to the same bits; three cannot divide a batch evenly."""
    with train(count, tmp_path / "run", data_root, *SGD, "--json") as process:
        out, said = process.communicate()
    assert process.returncode == 0, said
    assert json.loads(out)["processes"] == count
    distance = apart(alone, tmp_path / "run")
    assert distance == 0 if count == 1 else 0 < distance < FAR


def test_a_process_that_is_none_of_those_there_are_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProviderError, match=r"number 2 \(RANK\) of 2"):
        processes.launched()
    monkeypatch.setenv("MASTER_PORT", "")
    assert processes.launched() == processes.Place()


@pytest.mark.parametrize("given", ["compile=true", "quantization=int8"])
def test_what_rewrites_a_network_is_for_one_process(tmp_path: Path, data_root: Path, given: str) -> None:
    with train(2, tmp_path / "run", data_root, "--set", given, "--set", "start_from=other") as process:
        _, said = process.communicate()
    assert said.count(f"{given.partition('=')[0]} is for one process, and this training has 2.") == 1
    assert said.count("the first process of this training did not begin, and says why") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_in_the_way_is_refused_once_and_not_taken_up_by_a_restart(
    tmp_path: Path, run: Path, data_root: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    before = (tmp_path / "run" / LAST).read_bytes()
    with train(2, tmp_path / "run", data_root, "--epochs", 1, restarts=1) as process:
        _, said = process.communicate()
    assert process.returncode == 1  # torchrun's own
    assert said.count("holds a run already. Continue it with --resume") == 2  # once each time it was started
    assert not any(place in said for place in ("edgecnn_cli/", "edgecnn/train"))  # no traceback of ours
    assert (tmp_path / "run" / LAST).read_bytes() == before


@pytest.fixture(scope="module")
def whole(once, data_root: Path) -> Path:
    """A training of two processes that nothing disturbed."""

    def build(run: Path) -> None:
        with train(2, run, data_root, "--epochs", 6) as process:
            _, said = process.communicate()
        assert process.returncode == 0, said

    return once("whole-of-two", build)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers in /proc")
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_changes_no_weights(tmp_path: Path, whole: Path, data_root: Path, victim: int) -> None:
    run = tmp_path / "run"
    with train(2, run, data_root, "--epochs", 6, restarts=1) as process:
        wait_for(run / LAST, process)
        os.kill(workers_of(process.pid)[victim], 9)
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert "another process of this training is gone" in said or victim == 1
    assert apart(whole, run) == 0


# The second process is killed when the run is finished.
LATE = """
import os, pathlib, sys, time
import edgecnn

run = pathlib.Path(sys.argv[1])
edgecnn.train("digits-compact", run, root=sys.argv[2], overrides={
    "epochs": 1, "precision": "fp32", "data.subset": 400, "network.parameters.filters": [8],
})
if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    while not (run / "outcome.json").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
"""


def test_a_worker_that_is_killed_when_all_is_done_loses_nothing_and_another_call_is_refused(
    tmp_path: Path, data_root: Path
) -> None:
    (tmp_path / "late.py").write_text(LATE)
    with torchrun(2, tmp_path / "late.py", tmp_path / "run", data_root, restarts=1) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    before = (tmp_path / "run" / LAST).read_bytes()
    with torchrun(2, tmp_path / "late.py", tmp_path / "run", data_root, restarts=1) as process:
        _, said = process.communicate()
    assert process.returncode == 1
    assert "holds a run already" in said
    assert (tmp_path / "run" / LAST).read_bytes() == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Ctrl-C is another thing on Windows")
def test_stopped_by_the_user_it_is_saved_and_goes_on(tmp_path: Path, whole: Path, data_root: Path) -> None:
    run = tmp_path / "run"
    with train(2, run, data_root, "--epochs", 6) as process:
        wait_for(run / LAST, process)
        process.send_signal(2)
        _, said = process.communicate()
    assert "everything is saved" in said
    assert said.count("Continue with:") == 1
    assert not (run / "outcome.json").exists()
    shutil.copytree(run, tmp_path / "alone")
    with train(2, run, data_root, "--epochs", 6, "--resume") as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert apart(whole, run) == 0
    with train(1, tmp_path / "alone", data_root, "--epochs", 6, "--resume") as process:  # on another number of them
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert json.loads((tmp_path / "alone" / "outcome.json").read_text())["processes"] == 1
