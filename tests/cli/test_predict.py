"""What predict says of several pictures together: counts, accuracy, the least sure, and what is unlike the model's."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgecnn as package
from edgecnn import data


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Path:
    """Forty test images in folders by class, one of them deeper."""
    folder, test = tmp_path_factory.mktemp("pictures"), data.read_split("digits", "test", root=data_root)
    for index in range(40):
        path = folder / test.names[test.labels_n[index]] / ("deep" if index == 3 else ".") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.images_nhwc[index, ..., 0]).save(path)
    return folder


def test_a_folder_ends_with_a_summary_and_its_accuracy(edgecnn, model: Path, digits: Path, data_root: Path) -> None:
    test = data.read_split("digits", "test", root=data_root)
    right = int((package.load(model).logits(test.images_nhwc[:40]).argmax(1) == test.labels_n[:40]).sum())
    told = json.loads(edgecnn("predict", model, digits, "--json").out)["summary"]
    assert (told["pictures"], told["failed"], told["right"]) == (40, 0, right)
    assert told["accuracy"] == right / 40
    assert sum(told["labels"].values()) == 40
    shown = edgecnn("predict", model, digits).out.splitlines()[-2:]
    assert shown[0].startswith("40 pictures   ")
    assert shown[1].startswith(f"accuracy {right / 40:.2%}: {right} of 40 have the label")


@pytest.mark.parametrize("folder", [".", "pictures of 7 and 8"])
def test_where_folders_are_no_classes_there_is_no_accuracy(
    edgecnn, model: Path, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir(exist_ok=True)
    for number, path in enumerate(sorted(digits.rglob("*.png"))[:3]):
        Image.open(path).save(tmp_path / folder / f"{number}.png")
    told = json.loads(edgecnn("predict", model, folder, "--json").out)["summary"]
    assert (told["pictures"], told["right"], told["accuracy"]) == (3, None, None)


def test_pictures_that_cannot_be_read_count_neither_way(edgecnn, model: Path, digits: Path, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "broken.png").write_bytes(b"nothing")
    result = edgecnn("predict", model, digits, tmp_path, "--json")
    told = json.loads(result.out)["summary"]
    assert (result.code, told["pictures"], told["failed"]) == (1, 41, 1)
    assert told["accuracy"] == told["right"] / 40


def test_one_picture_needs_no_summary(edgecnn, model: Path, digits: Path) -> None:
    out = edgecnn("predict", model, next(digits.rglob("*.png"))).out
    assert "1 picture" not in out
    assert "accuracy" not in out


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_the_least_sure_come_first_and_alone(edgecnn, model: Path, digits: Path, form: str) -> None:
    everything, few = (edgecnn("predict", model, digits, *more, form).out for more in ((), ("--least-sure", 5)))
    if form == "--csv":
        probabilities, shown = (
            [float(row["probability"]) for row in csv.DictReader(io.StringIO(text))] for text in (everything, few)
        )
    else:
        probabilities, shown = (
            [image["top"][0]["probability"] for image in json.loads(text)["images"]] for text in (everything, few)
        )
        assert json.loads(few)["summary"] == json.loads(everything)["summary"]
    assert shown == sorted(probabilities)[:5]


def test_a_picture_unlike_the_models_is_told_with_what_mends_it(edgecnn, model: Path, tmp_path: Path) -> None:
    page = np.full((200, 200), 220, np.uint8)
    page[60:140, 95:105] = 30
    Image.fromarray(page).save(tmp_path / "pen.png")
    raw, ink = (edgecnn("predict", model, tmp_path / "pen.png", *more) for more in ((), ("--ink",)))
    assert raw.code == ink.code == 0
    assert "pen.png is unlike those that" in raw.err
    assert "the background is light (220 of 255), in the model's images dark (0 of 255)" in raw.err
    assert "try --ink" in raw.err
    assert "edgecnn read, by digits-webcam" in raw.err
    assert "the background" not in ink.err
    rows = list(csv.DictReader(io.StringIO(edgecnn("predict", model, tmp_path / "pen.png", "--csv").out)))
    assert rows[0]["unlike"].startswith("the background is light")


def test_several_are_told_in_one_line(edgecnn, model: Path, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("L", (28, 28), 200 + number).save(tmp_path / f"{number}.png")
    told = edgecnn("predict", model, tmp_path).err.splitlines()
    assert len(told) == 1
    assert "3 of 3 pictures, such as" in told[0]


def test_what_was_assumed_of_pictures_is_told_once(edgecnn, model: Path, tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(np.full((28, 28), 4000 + number, np.uint16)).save(tmp_path / f"{number}.png")
    told = edgecnn("predict", model, tmp_path).err
    assert told.count("values taken for 12 bits") == 1
    assert "3 pictures, such as" in told


def test_ink_of_a_photographs_model_is_refused(edgecnn, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    result = edgecnn("predict", "cifar10-fast", tmp_path / "a.png", "--ink")
    assert (result.code, result.out) == (2, "")
    assert "Leave out --ink" in result.err
