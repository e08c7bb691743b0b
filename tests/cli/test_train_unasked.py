"""edgecnn train --data folder:PATH, without a recipe."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from discs import write_coco, write_yolo
from edgecnn_cli import survey as shown
from PIL import Image
from safetensors.numpy import load_file

import edgecnn as package
from edgecnn.data.facts import facts
from edgecnn.train.prepare import learning_task
from edgecnn.train.unasked import recipe_for

BRIEF = ("--epochs", 2, "--set", "precision=fp32")


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_root: Path) -> Path:
    """Three classes of gray digits, 12 of each, saved as JPEG in color, in a folder that the work is done in."""
    split = package.data.read_split("digits", "train", root=data_root)  # type: ignore[attr-defined]
    for label in (0, 1, 2):
        (tmp_path / "scans" / str(label)).mkdir(parents=True)
        for number, place in enumerate(np.flatnonzero(split.labels_n == label)[:12]):
            picture = Image.fromarray(split.images_nhwc[place, ..., 0]).resize((30, 30 + number)).convert("RGB")
            picture.save(tmp_path / "scans" / str(label) / f"{number}.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "scans"


def test_says_what_it_found_what_it_chose_and_why_and_trains(edgecnn, digits: Path) -> None:
    (digits / "0" / "broken.jpg").write_bytes(b"not a picture")
    result = edgecnn("train", "--data", "folder:scans", *BRIEF)
    assert result.code == 0, result.err
    said = " ".join(result.out.split())
    assert "folder:scans: 3 classes, 30 pictures to learn from, 30x30 to 41x30, 12 different ones" in said
    assert ", gray " in said
    assert "extends digits-compact gray pictures of classes that are called like digits or letters" in said
    assert "augment.flip none classes are called like digits or letters" in said
    assert "data.validation 0.1 the smallest class has 10 pictures" in said
    assert "written: runs/scans/recipe.toml" in said
    assert "test: a fifth, held out" in said
    assert "broken.jpg: not a picture" in result.err
    assert "epochs" not in said.partition("class train")[0]  # what someone said is not said to be chosen


def test_in_python_too_and_the_recipe_that_is_written_gives_the_same_weights(edgecnn, digits: Path) -> None:
    outcome = package.train(data="folder:scans", overrides={"epochs": 1, "precision": "fp32"})
    written = outcome.run / "recipe.toml"
    assert outcome.run == Path("runs/scans")
    assert "# Chosen by edgecnn. Like digits-compact" in written.read_text()
    assert "# classes are called like digits or letters" in written.read_text()
    assert edgecnn("train", written, "-o", "again", "--json").code == 0
    first, again = (load_file(run / "last.safetensors") for run in (written.parent, Path("again")))
    assert all(np.array_equal(first[key], again[key]) for key in first)


def test_one_picture_a_class_for_each_purpose_is_enough(digits: Path) -> None:
    for label in "012":
        for picture in sorted((digits / label).iterdir())[3:]:
            picture.unlink()
    recipe = recipe_for("folder:scans").recipe
    assert recipe.data.validation == 3
    assert len(learning_task(recipe).prepare(recipe, None).train) == 3


@pytest.mark.parametrize(
    "write", [lambda path: write_coco(path, {"train": 6, "val": 2}), lambda path: write_yolo(path, 9)]
)
def test_for_boxes_a_detector_is_chosen(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    found = recipe_for(f"folder:{write(tmp_path / 'discs')}")
    assert "Like digit-finder: the folder has boxes (COCO or YOLO)" in found.comments[""]
    assert learning_task(found.recipe).prepare(found.recipe, None).train.labels == ("disc",)


def test_json_beside_pictures_is_not_taken_for_boxes(digits: Path) -> None:
    (digits / "notes.json").write_text('{"images": "made in May"}')
    assert recipe_for("folder:scans").recipe.network.name == "compact"


def test_arrays_have_facts_too(tmp_path: Path) -> None:
    images = np.zeros((40, 20, 24), np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(40) % 2)
    found = facts(str(tmp_path / "mine.npz"))
    assert (found.side, found.colorfulness, found.train) == (20, 0.0, (16, 16))
    assert "2 classes, 32 pictures to learn from, 20x24, all, gray" in shown.found(found)


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        ("mnist", "mnist has recipes by name: mnist-1k"),
        ("scans", "there is such a folder: name it folder:scans"),
        ("nothing", "no data set 'nothing'"),
        ("folder:one", "folder:one: only one class (cat); a classifier needs at least two"),
        ("folder:few", "2 pictures of 2 classes are left to learn from and to validate by; expected at least 4"),
        ("folder:nothing", "no such folder; expected one subfolder of pictures a class"),
    ],
)
def test_what_cannot_be_trained_alone_is_a_message(edgecnn, digits: Path, dataset: str, told: str) -> None:
    for place in ("one/cat", "few/cat", "few/dog"):
        (digits.parent / place).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (80, 80)).save(digits.parent / place / f"{number}.png")
    result = edgecnn("train", "--data", dataset)
    assert (result.code, told in result.err) == (2, True), result.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("given", ["folder:scans", "scans", "csv:labels.csv"])
def test_a_data_set_where_a_recipe_belongs_is_told(edgecnn, digits: Path, given: str) -> None:
    result = edgecnn("train", given)
    named = "folder:scans" if given == "scans" else given
    assert (result.code, f"edgecnn train --data {named}" in " ".join(result.err.split())) == (2, True), result.err
