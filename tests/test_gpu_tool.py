"""The tool for a GPU that is there for minutes, tried on the processor: real trainings, a real provider, an archive."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import tomli_w

TOOL = Path(__file__).resolve().parents[1] / "tools" / "gpu"
SMALL = {"epochs": 1, "batch_size": 50, "precision": "fp32", "data.subset": 200, "data.validation": 20}
RUNS = {
    "run": [
        {"recipe": "digits-compact", "why": "Teaches", "set": SMALL},
        {
            "recipe": "digits-compact",
            "label": "taught",
            "why": "Learns from it",
            "set": SMALL | {"teacher.models": "digits-compact-seed0", "network.parameters": {"filters": [4, 4, 4]}},
            "needs": ["digits-compact-seed0"],
        },
    ]
}
ENDLESS = {"run": [{"recipe": "digits-compact", "label": "long", "why": "Is out of time", "set": {"epochs": 9_999}}]}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the tool gives each run its cores, as Linux has it"),
]


def run(*words: object) -> str:
    """Run the tool and return what it prints."""
    command = [sys.executable, str(TOOL), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


def test_runs_are_trained_in_turn_and_brought_and_what_is_out_of_time_is_saved(tmp_path: Path) -> None:
    runs, folder = tmp_path / "runs.toml", tmp_path / "out"
    for listed, minutes in ((RUNS, 5), (ENDLESS, 0.3)):
        runs.write_text(tomli_w.dumps(listed))
        where = ("--runs", runs, "--folder", folder, "--data-root", tmp_path)
        run("train", *where, "--device", "cpu", "--minutes", minutes)
    assert json.loads((folder / "runs" / "taught-seed0" / "outcome.json").read_text())["parameters"] < 5_000
    assert (folder / "runs" / "long-seed0" / "state.pt").exists()
    assert not (folder / "runs" / "long-seed0" / "outcome.json").exists()
    with tarfile.open(run("bring", "--folder", folder).strip()) as archive:
        names = archive.getnames()
    assert "out/runs/taught-seed0/best.safetensors" in names
    assert "out/machine.json" in names
    assert not [name for name in names if name.endswith(("state.pt", "last.safetensors"))]


def test_a_provider_is_compared_with_the_cpu(tmp_path: Path) -> None:
    said = run("provider", "mnist-small/fp32", "--provider", "cpu", "--folder", tmp_path)
    found = json.loads((tmp_path / "provider.json").read_text())["mnist-small/fp32"]
    assert found["answers"] | {"largest_logit": 0} == {
        "runs_on": "CPUExecutionProvider",
        "largest_difference": 0.0,
        "largest_logit": 0,
        "other_labels": 0,
        "images": 64,
    }
    assert [row["batch"] for row in found["bench"]["cpu"]["contenders"]] == [1, 64]
    assert "cpu: 1:" in said
