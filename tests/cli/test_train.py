"""edgecnn train"""

import json
import shlex
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from interrupting import interrupted
from PIL import Image
from safetensors.numpy import load_file

TINY = ("--epochs", 2, "--set", "data.subset=400", "--set", "network.parameters.filters=[4,8]")


def test_writes_a_run(edgecnn, tmp_path: Path, data_root: Path) -> None:
    result = edgecnn("train", "digits-compact", "-o", tmp_path / "run", "--data-root", data_root, *TINY)
    assert result.code == 0
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        *("best.safetensors", "last.safetensors", "state.pt", "metrics.jsonl", "recipe.toml", "outcome.json"),
        "curves.png",
    }
    assert f"next: edgecnn export {tmp_path / 'run'}" in result.out


def test_tells_a_script_the_figures(edgecnn, tmp_path: Path, data_root: Path) -> None:
    result = edgecnn("train", "digits-compact", "-o", tmp_path / "run", "--data-root", data_root, *TINY, "--json")
    told = json.loads(result.out)
    assert told["last"]["epoch"] == 2
    assert 0 <= told["best"]["validation"]["accuracy"] <= 1


def test_is_quiet_where_nobody_looks(edgecnn, tmp_path: Path, data_root: Path) -> None:
    assert edgecnn("train", "digits-compact", "-o", tmp_path / "run", "--data-root", data_root, *TINY).err == ""


def test_a_run_alone_is_resumed_and_trained_for_longer(edgecnn, tmp_path: Path, data_root: Path) -> None:
    run, root = tmp_path / "run", ("--data-root", data_root)
    assert edgecnn("train", "digits-compact", "-o", run, *root, *TINY, "--seed", 3).code == 0
    again = json.loads(edgecnn("train", "--resume", run, *root, "--json").out)
    assert (again["last"]["epoch"], again["run"]) == (2, str(run))
    longer = edgecnn("train", run, "--resume", *root, "--epochs", 3, "--json")
    assert longer.code == 0, longer.err
    assert json.loads(longer.out)["last"]["epoch"] == 3
    assert "was to train 2 epochs, now 3" in longer.err
    assert json.loads((run / "outcome.json").read_text())["last"]["epoch"] == 3
    recipe = tomllib.loads((run / "recipe.toml").read_text())
    assert (recipe["epochs"], recipe["seed"]) == (3, 3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--resume"], "missing; name one of edgecnn list recipes"),
        ([], "missing; name one of edgecnn list recipes"),
        (["--resume", "nothing"], "nothing: no run to resume (there is no such folder), and no recipe"),
        (["--resume", "."], "no run to resume"),
    ],
)
def test_what_is_to_be_trained_has_to_be_said(edgecnn, tmp_path: Path, monkeypatch, arguments, told: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = edgecnn("train", *arguments)
    assert result.code == 2
    assert told in result.err
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_folder_that_holds_a_run(edgecnn, run: Path, data_root: Path) -> None:
    result = edgecnn("train", "digits-compact", "-o", run, "--data-root", data_root)
    assert result.code == 2
    assert "--resume" in result.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_control_c_saves_and_prints_the_command_that_continues(process, tmp_path: Path, data_root: Path) -> None:
    options = ["digits-compact", "--data-root", str(data_root), "--set", "network.parameters.filters=[8,16]"]
    options += ["--set", "precision=fp32"]  # two trials of a busy machine may say different things
    whole = process("train", *options, "--epochs", 6, "-o", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    begun = (tmp_path / "stopped" / "metrics.jsonl").exists
    said = interrupted("train", *options, "--epochs", "6", "-o", "stopped", cwd=tmp_path, begun=begun)
    continued = said.strip().splitlines()[-1].removeprefix("Continue with: edgecnn ")
    assert shlex.split(continued) == ["train", "stopped", "--resume", "--data-root", str(data_root)]
    assert process(*shlex.split(continued), cwd=tmp_path).returncode == 0
    expected, found = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "stopped"))
    assert all((expected[key] == found[key]).all() for key in expected)


def test_names_the_pictures_that_were_left_out(edgecnn, tmp_path: Path) -> None:
    from PIL import Image

    for label, shade in (("dark", 40), ("light", 210)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(12):
            picture = Image.new("L", (40 + number, 30), shade + number)
            picture.save(tmp_path / "photos" / label / f"{number}.png")
    (tmp_path / "photos" / "dark" / "broken.png").write_bytes(b"not a picture")
    result = edgecnn(
        "train", "digits-compact", "-o", tmp_path / "run", "--data", f"folder:{tmp_path / 'photos'}",
        "--epochs", 1, "--set", "data.validation=0.2",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert "broken.png: not a picture" in result.err
    assert "Left out 1 picture that could not be read." in result.out
    table = result.out.partition("parameters")[0].split("\n")
    assert table[0] == (
        "2 classes; train: all folders; validation: 20% of the training images, held out; test: a fifth, held out"
    )
    assert [line.split() for line in table[1:5]] == [
        ["class", "train", "validation", "test"],
        ["dark", "7", "2", "3"],
        ["light", "8", "2", "2"],
        ["all", "15", "4", "5"],
    ]


def test_json_has_what_the_data_set_has(edgecnn, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28)).astype(np.uint8)
    images[1] = images[0]
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(40) % 2)
    result = edgecnn(
        "train", "digits-compact", "-o", tmp_path / "run", "--data", tmp_path / "mine.npz", "--epochs", 1,
        "--set", "data.validation=0.2", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    found = json.loads(result.out)["data"]
    assert [one["train"] + one["validation"] + one["test"] for one in found["classes"]] == [20, 20]
    assert found["conflicting"] == 1
    assert found["conflicts"][0]["labels"] in (["0", "1"], ["1", "0"])


def test_says_what_was_assumed_of_pictures(edgecnn, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for label, most in (("dark", 1_000), ("light", 4_000)):
        (tmp_path / "deep" / label).mkdir(parents=True)
        for number in range(12):
            deep = draw.integers(0, most, (32, 32)).astype(np.uint16)
            Image.fromarray(deep).save(tmp_path / "deep" / label / f"{number}.png")
    result = edgecnn(
        "train", "digits-compact", "-o", tmp_path / "run", "--data", f"folder:{tmp_path / 'deep'}",
        "--epochs", 1, "--set", "data.validation=0.2", "--set", "network.parameters.filters=[4]",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert "12 pictures: values taken for 12 bits" in result.err
    assert "may differ in brightness by that alone" in result.err
