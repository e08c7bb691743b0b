"""Crops for the classifier: cut as the detector's file cuts them, and labeled by what is in them."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torchvision.ops import roi_align

from edgecnn import data
from edgecnn.boxes import CROP_SIDE, overlaps
from edgecnn.data.named import digit_crops
from edgecnn.digits.pages.crops import around, crop, squares
from edgecnn.digits.pages.page import Page
from edgecnn.digits.pages.page_crops import NONE, sampled

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
# left, top, side: inside, smaller and larger than a crop, across each border, and mostly outside
SQUARES = np.array(
    [
        *([10, 10, 28], [3.3, 7.9, 11.4], [20.5, 4.25, 70.7], [0, 0, 90], [-6.6, 30, 40], [100.2, 50.1, 33.3]),
        *([40, -12.7, 31], [50, 70, 44.4], [-80, -60, 300], [-30, -30, 40], [119.5, 89.5, 20], [60, 60, 1.5]),
    ],
    np.float32,
)


def _regions() -> np.ndarray:
    return np.column_stack([SQUARES[:, :2], SQUARES[:, :2] + SQUARES[:, 2:]])


def _crops() -> np.ndarray:
    return np.stack([crop(IMAGE, square) for square in SQUARES])


def test_crops_are_those_of_torchvision() -> None:
    pixels, regions = torch.from_numpy(IMAGE).float()[None, None], torch.from_numpy(_regions())
    wanted = roi_align(pixels, [regions], CROP_SIDE, sampling_ratio=-1, aligned=True)[:, 0].round().numpy()
    assert np.abs(_crops() - wanted).max() <= 1


def test_crops_are_those_of_onnx() -> None:
    names = ("image", "regions", "batch")
    node = helper.make_node(
        "RoiAlign", names, ["crops"], output_height=CROP_SIDE, output_width=CROP_SIDE, sampling_ratio=0, mode="avg",
        coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names[:2]]
    inputs.append(helper.make_tensor_value_info("batch", TensorProto.INT64, None))
    outputs = [helper.make_tensor_value_info("crops", TensorProto.FLOAT, None)]
    model = helper.make_model(
        helper.make_graph([node], "crops", inputs, outputs), opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {"image": IMAGE[None, None].astype(np.float32), "regions": _regions(), "batch": np.zeros(len(SQUARES), int)}
    assert np.abs(_crops() - np.rint(session.run(None, feeds)[0][:, 0])).max() <= 1


def test_a_square_is_around_the_middle_of_its_box() -> None:
    np.testing.assert_allclose(squares(np.array([[10, 20, 10, 40]], np.float32)), [[-11, 14, 52]])


# --- what is cut from a page


def _page(**ignored: bool) -> Page:
    """Return a page of one gray level where each thing is a brighter one, by its label."""
    boxes = np.array([[20, 20, 20, 30], [90, 20, 20, 30], [20, 100, 20, 30], [90, 100, 20, 30]], np.float32)
    image = np.zeros((160, 160), np.uint8)
    for index, (x, y, width, height) in enumerate(boxes.astype(int)):
        image[y : y + height, x : x + width] = 60 * (index + 1)
    return Page(image, boxes, np.array([3, 5, 8, 10]), np.array([False, ignored.get("second", False), False, False]))


NOTHING = np.empty((0, 4), np.float32)


def _many(page: Page, detected: np.ndarray = NOTHING) -> tuple[np.ndarray, np.ndarray]:
    found = [sampled(page, np.random.default_rng(seed), lambda image_hw: detected) for seed in range(200)]
    return np.concatenate([crops.images for crops in found]), np.concatenate([crops.labels for crops in found])


def test_digits_are_cut_whole_under_their_labels() -> None:
    images, labels = _many(_page())
    for label, level in ((3, 60), (5, 120), (8, 180)):
        shown = images[labels == label]
        assert len(shown) == 200
        assert (shown.max(axis=(1, 2)) == level).all()
        # the box is whole where the crop's rim is paper on both sides of its height
        assert (shown == level).any(2).sum(1).min() >= 28 / 1.6 - 2


def test_ignored_digits_are_not_cut() -> None:
    assert set(_many(_page(second=True))[1].tolist()) == {3, 8, NONE}


def test_mistakes_are_no_find_of_a_digit() -> None:
    images, labels = _many(_page())
    none = images[labels == NONE]
    assert len(none) > 300
    whole = [((image == level).sum() > 0.25 * CROP_SIDE * CROP_SIDE) for image in none for level in (60, 120, 180)]
    assert np.mean(whole) < 0.1


def test_mistakes_show_clutter_and_empty_places() -> None:
    images, labels = _many(_page())
    none = images[labels == NONE]
    assert (none.max(axis=(1, 2)) == 240).sum() > 50
    assert (none.max(axis=(1, 2)) == 0).sum() > 5


def test_beside_a_narrow_digit_the_squares_overlap_though_the_boxes_do_not() -> None:
    one, beside = np.array([[20, 20, 4, 40]], np.float32), np.array([[26, 20, 4, 40]], np.float32)
    assert overlaps(one, beside)[0, 0] == 0
    assert overlaps(around(one), around(beside))[0, 0] > 0.7


def test_a_page_without_anything_gives_mistakes_alone() -> None:
    bare = Page(np.zeros((80, 80), np.uint8), np.empty((0, 4), np.float32), np.empty(0, np.int64), np.empty(0, bool))
    assert set(_many(bare)[1].tolist()) == {NONE}


# --- what a detector found


def test_half_of_the_digits_are_cut_where_they_were_detected() -> None:
    page, box = _page(), np.array([[18, 19, 25, 29]], np.float32)
    images, labels = _many(page, box)
    shown = crop(page.image_hw, squares(box)[0])
    as_found = (images[labels == 3] == shown).all((1, 2))
    assert 0.35 < as_found.mean() < 0.65
    assert not (images[labels != 3] == shown).all((1, 2)).any()


def test_a_detection_between_two_digits_is_of_the_nearer() -> None:
    boxes = np.array([[20, 20, 4, 40], [26, 20, 4, 40]], np.float32)
    page = Page(_page().image_hw, boxes, np.array([1, 7]), np.zeros(2, bool))
    images, labels = _many(page, boxes[:1])
    of_seven = images[labels == 7]
    assert not (of_seven == crop(page.image_hw, squares(boxes[:1])[0])).all((1, 2)).any()


@pytest.mark.parametrize(
    ("detected", "is_mistake"),
    [
        pytest.param([90, 100, 20, 30], True, id="a letter"),
        pytest.param([60, 60, 12, 18], True, id="nothing"),
        pytest.param([20, 36, 9, 12], True, id="a piece of a digit"),
        pytest.param([24, 26, 20, 30], False, id="a digit, hardly"),
        pytest.param([90, 22, 20, 26], False, id="what is ignored"),
        pytest.param([94, 106, 6, 10], False, id="something within a word"),
    ],
)
def test_what_was_detected_and_is_none_is_learned_as_none(detected: list[int], is_mistake: bool) -> None:
    page, box = _page(second=True), np.array([detected], np.float32)
    images, labels = _many(page, box)
    shown = (images == crop(page.image_hw, squares(box)[0])).all((1, 2))
    assert (shown & (labels == NONE)).any() == is_mistake


# --- the set


@pytest.fixture(scope="module")
def root(tmp_path_factory, data_root: Path) -> Path:
    """A data root whose MNIST is made of the embedded digits."""
    path = tmp_path_factory.mktemp("crops")
    split = data.read_split("digits", "train", root=data_root)
    (path / "mnist").mkdir()
    for part in ("train", "test"):
        np.savez(path / "mnist" / f"{part}.npz", images=split.images_nhwc, labels=split.labels_n)
    return path


@pytest.mark.slow
def test_the_set_is_rendered_and_read(root: Path, monkeypatch) -> None:
    monkeypatch.setattr(digit_crops, "PAGES", {"train": 40, "test": 30})
    train, test = (data.read_split("digit-crops", part, root=root) for part in ("train", "test"))
    assert train.images_nhwc.shape[1:] == (28, 28, 1)
    assert train.names == (*"0123456789", "none")
    assert set(train.labels_n.tolist()) == set(range(11))
    assert len(train) > len(test) > 30
    assert data.is_here("digit-crops", root)
