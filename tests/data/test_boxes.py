"""Pictures with boxes: the same boxes from every layout, moved along with their pictures, or a clear error."""

import json
from pathlib import Path

import numpy as np
import pytest
from discs import SIDE, draw, write_coco, write_yolo
from PIL import Image

from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.data.boxes import IGNORED, NOTHING, THING
from edgecnn.data.boxes_folder import Things, read, read_labels, shape_for, things_for, things_of
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.read import read as read_recipe
from edgecnn.tasks._detection.examples import prepared, read_for

DISC = Things("disc", ("disc",))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "coco", {"train": 6, "val": 4, "test": 5})


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    return write_yolo(tmp_path / "yolo", 10)


def changed(file: Path, change) -> None:
    """Rewrite a JSON file."""
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def boxes_of(folder: Path, part: str, shape: ImageInput = ImageInput(SIDE, SIDE, 1)):
    labels = read_labels(folder)
    return read(labels.parts[part], labels, DISC, shape)


def assert_as_drawn(found, index: int, seed: int) -> None:
    drawn = draw(seed)
    assert np.array_equal(found.images_nhwc[index, ..., 0], drawn.pixels_hw)
    assert (found.what_nb[index] == THING).sum() == len(drawn.boxes)
    np.testing.assert_allclose(found.boxes_nb4[index, : len(drawn.boxes)], drawn.boxes, atol=1e-3)


def test_coco_has_the_boxes_that_were_drawn(coco: Path) -> None:
    labels = read_labels(coco)
    assert labels.used == ("disc",)
    assert {part: len(pictures) for part, pictures in labels.parts.items()} == {"train": 6, "validation": 4, "test": 5}
    for number, part in enumerate(("train", "validation", "test")):
        assert_as_drawn(boxes_of(coco, part), 3, 1000 * number + 3)


def test_yolo_has_the_boxes_that_were_drawn_and_a_fifth_is_for_testing(yolo: Path) -> None:
    labels = read_labels(yolo)
    assert labels.used == ("disc",)
    assert {part: len(pictures) for part, pictures in labels.parts.items()} == {"all": 10, "train": 8, "test": 2}
    assert set(labels.parts["train"]) | set(labels.parts["test"]) == set(labels.parts["all"])
    for index in range(10):
        assert_as_drawn(boxes_of(yolo, "all"), index, index)
    assert read_labels(yolo) == labels


def test_other_layouts_are_read_alike(coco: Path, tmp_path: Path) -> None:
    """JSON beside its pictures; YOLO with parts outside, or with texts beside the pictures."""
    for part, own in (("train", "train"), ("val", "valid"), ("test", "test")):
        (coco / part).rename(tmp_path / own)
        (coco / "annotations" / f"instances_{part}.json").rename(tmp_path / own / "_annotations.coco.json")
    assert_as_drawn(boxes_of(tmp_path, "validation"), 2, 1002)
    yolo = write_yolo(tmp_path / "outside", 4)
    for kind in ("images", "labels"):
        (yolo / "train").mkdir(exist_ok=True)
        (yolo / kind).rename(yolo / "train" / kind)
    (yolo / "test" / "images").mkdir(parents=True)
    (yolo / "test" / "labels").mkdir()
    for name in ("images/0003.png", "labels/0003.txt"):
        (yolo / "train" / name).rename(yolo / "test" / name)
    assert {part: len(pictures) for part, pictures in read_labels(yolo).parts.items()} == {"train": 3, "test": 1}
    assert_as_drawn(boxes_of(yolo, "test"), 0, 3)
    beside = write_yolo(tmp_path / "beside", 4)
    for file in (*(beside / "images").iterdir(), *(beside / "labels").iterdir()):
        file.rename(beside / file.name)
    assert_as_drawn(boxes_of(beside, "all"), 1, 1)


def test_beside_train_alone_val_is_the_test_split(tmp_path: Path) -> None:
    labels = read_labels(write_coco(tmp_path / "coco", {"train": 4, "val": 3}))
    assert {part: len(pictures) for part, pictures in labels.parts.items()} == {"train": 4, "test": 3}


def test_boxes_move_along_with_pictures_of_all_sizes(tmp_path: Path) -> None:
    """Wide and tall, larger and smaller than the image: a dark rectangle stays inside its box."""
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for name, (width, height) in {"wide": (200, 100), "tall": (60, 180), "small": (40, 30)}.items():
        pixels = np.full((height, width), 240, np.uint8)
        x, y, wide, high = width // 4, height // 2, width // 2, height // 4
        pixels[y : y + high, x : x + wide] = 20
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
        (tmp_path / "labels" / f"{name}.txt").write_text(
            f"0 {(x + wide / 2) / width} {(y + high / 2) / height} {wide / width} {high / height}\n"
        )
    labels = read_labels(tmp_path)
    assert shape_for(labels.parts["all"], None) == ImageInput(192, 208, 1)
    shape = shape_for(labels.parts["all"], 96)
    assert shape == ImageInput(96, 96, 1)
    found = read(labels.parts["all"], labels, Things("0", ("0",)), shape)
    for image_hwc, boxes_b4 in zip(found.images_nhwc, found.boxes_nb4, strict=True):
        rows, columns = np.nonzero(image_hwc[..., 0] < 90)
        dark = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
        np.testing.assert_allclose(boxes_b4[0], dark, atol=1.1)
    names = [picture.file.stem for picture in labels.parts["all"]]
    assert found.boxes_nb4[names.index("small"), 0].tolist() == [10, 15, 20, 7]  # never enlarged


def test_a_photograph_on_its_side_is_turned_first(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "abc":
        Image.new("L", (64, 32), 200).save(tmp_path / "images" / f"{name}.jpg", exif=exif)
        (tmp_path / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.5 0.5")
    labels = read_labels(tmp_path)
    shape = shape_for(labels.parts["all"], None)
    assert shape == ImageInput(64, 32, 1)
    found = read(labels.parts["all"], labels, Things("0", ("0",)), shape)
    assert found.boxes_nb4[0, 0].tolist() == [8, 16, 16, 32]


def test_a_crowd_is_ignored_and_what_is_in_no_group_is_no_thing(coco: Path) -> None:
    def change(document) -> None:
        document["categories"] += [{"id": 9, "name": "ring"}, {"id": 11, "name": "unused"}]
        document["annotations"][0]["iscrowd"] = 1
        document["annotations"][1]["category_id"] = 9

    changed(coco / "annotations" / "instances_train.json", change)
    labels = read_labels(coco)
    assert labels.used == ("disc", "ring")
    total = sum(len(picture.labels) for picture in labels.parts["train"])
    found = boxes_of(coco, "train")
    assert ((found.what_nb == IGNORED).sum(), found.things) == (1, total - 2)
    both = things_of(labels, {"round": ["disc", "ring"]}, "coco")
    assert (both.name, read(labels.parts["train"], labels, both, ImageInput(SIDE, SIDE, 1)).things) == (
        "round",
        total - 1,
    )
    with pytest.raises(
        DataError, match=r"coco: 2 categories \(disc, ring\).*--set 'data.groups=\{thing = \[\"disc\", …"
    ):
        things_of(labels, None, "coco")
    with pytest.raises(DataError, match=r"coco: 2 groups \(a, b\), and a network of boxes knows one kind of thing"):
        things_of(labels, {"a": ["disc"], "b": ["ring"]}, "coco")
    with pytest.raises(DataError, match=r"group 'a' has 'cube', which is no category; there is disc, ring\."):
        things_of(labels, {"a": ["cube"]}, "coco")
    with pytest.raises(DataError, match=r"coco: has boxes of disc, ring, and the model detects digit\."):
        things_for(labels, "digit", None, "coco")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.5", r'0001\.txt, line 2 is "0 0\.5 0\.5 0\.5", expected class x y width height'),
        ("disc 0.5 0.5 0.1 0.1", 'line 2 is "disc 0.5'),
        ("-1 0.5 0.5 0.1 0.1", 'line 2 is "-1 0.5'),
        ("0 nan 0.5 0.1 0.1", 'line 2 is "0 nan'),
        ("0 0.9 0.5 0.5 0.1", r"0001\.txt, line 2: a box of 32x6\.4 pixels at x 41\.6, y 28\.8 is not on the picture"),
        ("0 0.5 0.5 0 0.1", r"line 2: a box of 0x6\.4 pixels"),
        ("4 0.5 0.5 0.1 0.1", r"data\.yaml: names 1 classes, and a label is of class 4, counted from 0"),
    ],
)
def test_a_wrong_line_of_yolo_is_named(yolo: Path, line: str, message: str) -> None:
    (yolo / "labels" / "0001.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(DataError, match=message):
        boxes_of(yolo, "all")


def test_labels_of_a_picture_that_is_not_there_are_named(yolo: Path) -> None:
    (yolo / "images" / "0004.png").unlink()
    with pytest.raises(
        DataError, match=r"labels/0004\.txt: has labels of a picture that is not there; expected 0004\.jpg"
    ):
        read_labels(yolo)


def test_a_picture_without_a_text_shows_nothing(yolo: Path) -> None:
    (yolo / "labels" / "0004.txt").unlink()
    assert (boxes_of(yolo, "all").what_nb[4] == NOTHING).all()


@pytest.mark.parametrize(
    ("names", "file"),
    [
        ("names: ['disc', 'ring']  # two", "data.yaml"),
        ("train: images\nnames:\n  - disc\n  - 'ring'\nval: images\n", "data.yaml"),
        ("names:\n  0: disc\n  1: ring\n", "my.yml"),
        ("disc\nring\n", "classes.txt"),
    ],
)
def test_classes_have_the_names_that_the_data_set_gives(yolo: Path, names: str, file: str) -> None:
    (yolo / "data.yaml").unlink()
    (yolo / file).write_text(names)
    assert read_labels(yolo).categories == ("disc", "ring")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("images"), r"instances_val\.json: has annotations, categories, expected COCO's lists images"),
        (lambda d: d["annotations"][2].pop("bbox"), r"instances_val\.json: annotations\[2\] lacks bbox"),
        (lambda d: d["annotations"][2].update(bbox=[1, 2, 3]), r"annotations\[2\]\.bbox has 3 values, expected 4"),
        (lambda d: d["annotations"][2].update(bbox=[90, 2, 30, 3]), r"annotations\[2\]: a box of 30x3 pixels at x 90"),
        (
            lambda d: d["annotations"][2].update(bbox=[float("nan"), 2, 30, 3]),
            r"annotations\[2\]: a box of 30x3 pixels",
        ),
        (lambda d: d["annotations"][2].update(image_id=99), r"annotations\[2\] is on image 99, which images does not"),
        (lambda d: d["annotations"][2].update(category_id=1), r"annotations\[2\] is of category 1, which categories"),
        (
            lambda d: d["images"][1].update(file_name="no.png"),
            r"instances_val\.json: names picture no\.png, which is in",
        ),
        (lambda d: d["images"][1].update(width=50), r"0001\.png: is 64x64, and its labels are of a picture of 50x64"),
    ],
)
def test_what_is_wrong_in_coco_is_named(coco: Path, change, message: str) -> None:
    changed(coco / "annotations" / "instances_val.json", change)
    with pytest.raises(DataError, match=message):
        boxes_of(coco, "validation")


def test_broken_json_is_named(coco: Path) -> None:
    (coco / "annotations" / "instances_val.json").write_text('{"images": [')
    with pytest.raises(
        DataError, match=r"instances_val\.json: is not JSON \(Expecting value.* Export the labels again"
    ):
        read_labels(coco)


def test_two_files_for_one_part_are_one_too_many(coco: Path) -> None:
    file = coco / "annotations" / "instances_train.json"
    file.with_name("instances_train2017.json").write_text(file.read_text())
    with pytest.raises(DataError, match="is a second file of annotations for train pictures"):
        read_labels(coco)


def test_no_boxes_say_what_was_expected(coco: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder; expected pictures with COCO JSON or YOLO"):
        read_labels(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    (coco / "train").rename(tmp_path / "bare" / "images")
    with pytest.raises(DataError, match=r"bare: no boxes; expected COCO JSON \(annotations/.*labels/"):
        read_labels(tmp_path / "bare")


def test_a_picture_that_cannot_be_read_is_left_out_and_named(yolo: Path) -> None:
    (yolo / "images" / "0002.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = boxes_of(yolo, "all")
    assert len(found) == 9
    assert len(found.skipped) == 1
    assert "0002.png" in found.skipped[0]


def test_the_same_validation_images_are_drawn_again(yolo: Path) -> None:
    recipe = read_recipe("digit-finder", {"data.name": f"folder:{yolo}", "data.validation": 0.25})
    first = prepared(recipe, None)
    assert first.record == DatasetRecord(f"folder:{yolo}", 6, 2, 0)
    assert first.shape == ImageInput(SIDE, SIDE, 1)

    class Made:
        dataset, input, labels = first.record, first.shape, first.train.labels

    for part, examples in (("train", first.train), ("validation", first.validation)):
        again = read_for(Made(), part, None)
        assert np.array_equal(again.images_nhwc, examples.images_nhwc)
        assert np.array_equal(again.targets_nb5(), examples.targets)
    test = read_for(Made(), "test", None).images_nhwc
    assert len(test) == 2
    assert not {image.tobytes() for image in test} & {image.tobytes() for image in first.train.images_nhwc}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.size": 100}, r"data\.size is 100, .*multiples of 16, as with --set data\.size=96\."),
        ({"data.color": "rgb"}, "a detector takes gray frames"),
        ({"data.validation": 6}, r"holds out 6 of 8 images .* --set data\.validation=1\."),
        ({"augment.noise": 0.1}, r"as they are: nothing of \[augment\]"),
    ],
)
def test_what_a_detector_does_not_learn_from_is_refused(yolo: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        prepared(read_recipe("digit-finder", {"data.name": f"folder:{yolo}", **changes}), None)
