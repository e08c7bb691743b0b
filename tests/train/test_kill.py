"""A run killed at any moment, again and again, ends in the same weights as one that was left alone."""

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from edgecnn import checkpoint
from edgecnn.checkpoint import BEST, LAST
from edgecnn.train.run_folder import LOCK

STEPS = 15 * 4  # epochs, batches an epoch
KNOWN = {BEST, LAST, "metrics.jsonl", "recipe.toml", "state.pt", "outcome.json"}
PARTIAL = re.compile(r"\.(best|last|metrics|outcome|recipe|state)-[0-9a-f]{12}\.(safetensors|jsonl|json|toml|pt)")
# Saves after every batch, so that the state of the middle of an epoch is taken up too; prints one line per batch.
TRAIN = """
import sys
from pathlib import Path
from edgecnn.recipes.read import read
from edgecnn.train import loop, train

loop.SAVE_SECONDS = 0.0
recipe = read("digits-compact", {
    "epochs": 15, "batch_size": 32, "precision": "fp32", "data.subset": 140, "data.validation": 20,
    "network.parameters": {"filters": [4], "dropout": 0.5},
})
run, root = Path(sys.argv[1]), Path(sys.argv[2])
train(recipe, run, root=root, resume=(run / "recipe.toml").exists(), should_stop=lambda: print("batch", flush=True))
"""


def start(run: Path, root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", TRAIN, str(run), str(root)], stdout=subprocess.PIPE, text=True)


def finish(run: Path, root: Path) -> None:
    with start(run, root) as process:
        process.communicate()
    assert process.returncode == 0


def kill(run: Path, root: Path, *, batches: int, seconds: float) -> None:
    """Start or resume, wait for so many batches and a moment more, and kill without warning."""
    with start(run, root) as process:
        assert process.stdout is not None
        for _ in range(batches):
            assert process.stdout.readline() == "batch\n"
        time.sleep(seconds)
        process.kill()
    assert process.returncode == -9


def same_weights(first: Path, second: Path) -> bool:
    one, other = checkpoint.read(first).weights, checkpoint.read(second).weights
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the exit status of a killed process is another one there")
def test_killed_three_times_ends_in_the_same_weights(tmp_path: Path, data_root: Path) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    finish(whole, data_root)
    moments = random.Random(20240607)
    for _ in range(3):  # each some way into what is left of the run; a batch with its save takes some milliseconds
        kill(run, data_root, batches=moments.randint(2, STEPS // 4), seconds=moments.uniform(0, 0.01))
        assert not (run / BEST).exists() or checkpoint.read(run)
    left = {path.name for path in run.iterdir()} - KNOWN - {LOCK}
    assert {name for name in left if not PARTIAL.fullmatch(name)} == set()
    (run / f".state-{'0' * 12}.pt").write_bytes(b"half a file of a kill")
    finish(run, data_root)
    assert same_weights(run / BEST, whole / BEST)
    assert same_weights(run / LAST, whole / LAST)
    assert {path.name for path in run.iterdir()} == {path.name for path in whole.iterdir()} == KNOWN
