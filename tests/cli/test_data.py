"""edgecnn data: what it prints, and its exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PICTURES = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes whose test split has a training picture, compressed anew."""
    for place, pixels in enumerate(PICTURES):
        folder = tmp_path / ("train" if place < 30 else "test") / ("ant" if place % 2 else "bee")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).resize((80, 64), 3).save(folder / f"{place:02}.png")
    Image.open(tmp_path / "train" / "ant" / "01.png").save(tmp_path / "test" / "ant" / "leak.jpg", quality=50)
    return tmp_path


def test_a_leak_is_shown_and_is_exit_code_1(edgecnn, photos: Path, tmp_path: Path) -> None:
    result = edgecnn("data", f"folder:{photos}", "-o", tmp_path / "looked")
    assert result.code == 1
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    for expected in (
        "sizes (height x width): 64x80, all",
        "color modes: RGB 41",
        "doubles, compared at 64x64 pixels",
        "test train 0 1",
        f"{tmp_path / 'looked' / 'doubles.png'}: pairs that are the same or nearly so",
        "FAILED: 1 picture of test or validation is in train too; figures measured on them are too good",
    ):
        assert expected in lines
    assert "leak.jpg (ant)" in result.out
    assert "validation has no image" not in result.err


def test_without_the_leak_it_is_exit_code_0(edgecnn, photos: Path) -> None:
    (photos / "test" / "ant" / "leak.jpg").unlink()
    result = edgecnn("data", f"folder:{photos}")
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("passed: no picture of test or validation was found in train\n")


@pytest.mark.parametrize("name", ["folder:none", "none.npz", "mnits"])
def test_what_is_not_there_is_misuse(edgecnn, name: str) -> None:
    result = edgecnn("data", name)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")


def test_json_is_whole_with_a_leak_too(edgecnn, photos: Path) -> None:
    result = edgecnn("data", f"folder:{photos}", "--json")
    told = json.loads(result.out)
    assert (result.code, told["passed"], told["leaked"]) == (1, False, 1)
    assert told["doubles"]["near"][0]["splits"] == ["train", "test"]


def test_shards_are_written_and_said(edgecnn, photos: Path, tmp_path: Path) -> None:
    (photos / "train" / "ant" / "broken.png").write_bytes(b"nothing")
    result = edgecnn("data", f"folder:{photos}", "--shards", 2, "-o", tmp_path / "shards")
    assert result.code == 0
    assert result.err.count("\n") == 1
    assert "left out, cannot be read: " in result.err
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines[-3:] == ["train 2 30", "test 1 11", f"train on them: edgecnn train --data tar:{tmp_path / 'shards'}"]
    told = json.loads(edgecnn("data", f"tar:{tmp_path / 'shards'}", "--shards", 1, "-o", tmp_path / "2", "--json").out)
    assert [split["split"] for split in told["splits"]] == ["train", "val", "test"]
    assert told["classes"] == ["ant", "bee"]


def test_shards_without_a_folder_or_into_a_full_one_are_misuse(edgecnn, photos: Path) -> None:
    result = edgecnn("data", f"folder:{photos}", "--shards", 2)
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: --shards needs the folder that the archives are written into: -o FOLDER.\n"
    result = edgecnn("data", f"folder:{photos}", "--shards", 2, "-o", photos)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: {photos}: is there and not empty. Choose another folder with -o.\n"
