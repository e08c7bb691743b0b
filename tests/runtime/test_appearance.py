"""What the images look like that a model was made for: measured, noticed where a picture differs, and mended."""

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import edgecnn
from edgecnn import Classifier, data
from edgecnn.card import Appearance, ImageInput, ModelCard, Spread
from edgecnn.errors import EdgecnnError, ImageError
from edgecnn.export.appearance import of_training_images
from edgecnn.runtime import appearance
from edgecnn.runtime.files import predict_files
from edgecnn.runtime.image import resize, to_input

LINES = 60  # pixels between the lines of squared paper


def _expected(classifier: Classifier) -> Appearance:
    found = appearance.known(classifier.card)
    assert found is not None
    return found


def _on_paper(image_hwc: NDArray[np.uint8], *, side: int = 160, frame: int = 400) -> NDArray[np.uint8]:
    """Write a digit with a pen on squared paper that is darker at one end, as uint8 (frame, frame, 3)."""
    ink_hw = resize(image_hwc, side, side)[..., 0] / 255
    paper_hw = np.full((frame, frame), 200.0) - np.linspace(0, 40, frame)
    lines = np.arange(frame) % LINES == LINES // 2
    paper_hw[lines[:, None] | lines] -= 30
    top, left = frame // 5, frame // 3
    paper_hw[top : top + side, left : left + side] *= 1 - 0.85 * ink_hw
    return np.repeat(paper_hw.astype(np.uint8)[..., None], 3, axis=2)


def _printed(digit: str) -> Image.Image:
    picture = Image.new("L", (400, 400), 185)
    ImageDraw.Draw(picture).text((120, 90), digit, fill=40, font=ImageFont.load_default(150))
    return picture


def test_the_card_says_what_the_training_images_look_like(classifier: Classifier) -> None:
    found = classifier.card.appearance
    assert found is not None
    assert found.images == classifier.card.dataset.train
    assert found.background == Spread(0, 0, 0)
    assert 0.1 < found.share.low < found.share.median < found.share.high < 0.35
    assert found.reach.median == pytest.approx(20 / 28, abs=1e-3)


def test_it_is_measured_again_from_the_file_and_the_data_alone(classifier: Classifier, data_root: Path) -> None:
    card = classifier.card
    assert of_training_images(card.dataset, card.input, root=data_root) == card.appearance


def test_without_the_training_images_the_card_does_not_say(classifier: Classifier, tmp_path: Path) -> None:
    moved = replace(classifier.card.dataset, name=f"folder:{tmp_path / 'gone'}")
    assert of_training_images(moved, classifier.card.input, root=tmp_path) is None


def test_nothing_is_fetched_for_it(classifier: Classifier, tmp_path: Path) -> None:
    record = classifier.card.dataset
    for name in ("digits", "digit-crops"):
        assert of_training_images(replace(record, name=name), classifier.card.input, root=tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_card_that_does_not_say_has_golden_images_that_show_it(classifier: Classifier) -> None:
    before = replace(classifier.card, appearance=None)
    assert "appearance" not in before.to_json()
    again = ModelCard.from_json(before.to_json(), source="card")
    found = appearance.known(again)
    assert found is not None
    assert found.images == len(again.golden.images_nhwc)
    assert found.background == Spread(0, 0, 0)


@pytest.mark.parametrize("says", [True, False])
def test_the_models_own_test_images_are_alike(classifier: Classifier, digits: data.Split, says: bool) -> None:
    card = classifier.card if says else replace(classifier.card, appearance=None)
    expected = appearance.known(card)
    assert expected is not None
    assert not [found for image in digits.images_nhwc if (found := appearance.difference(image, expected))]


def test_pen_on_paper_is_noticed(classifier: Classifier, digits: data.Split) -> None:
    pages = [to_input(_on_paper(image), classifier.card.input) for image in digits.images_nhwc[:50]]
    told = [appearance.difference(page, _expected(classifier)) for page in pages]
    assert all(text and "the background is" in text for text in told)


def test_the_ink_alone_is_what_the_model_knows(classifier: Classifier, digits: data.Split) -> None:
    expected, wanted = _expected(classifier), classifier.card.input
    pages = [_on_paper(image) for image in digits.images_nhwc[:100]]
    mended = np.stack([appearance.ink_alone(page, wanted, expected) for page in pages])
    assert not [text for image in mended if (text := appearance.difference(image, expected))]


@pytest.mark.parametrize("name", ["mnist-c1", "mnist-compact", "mnist-best"])
def test_digits_on_paper_are_read_by_their_ink(name: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{digit}.png" for digit in range(10)]
    for file in files:
        _printed(file.stem).save(file)
    raw, ink = (list(predict_files(edgecnn.load(name), files, ink=alone)) for alone in (False, True))
    assert all(answer.unlike for answer in raw)
    assert sum(answer.top[0].label == answer.path.stem for answer in raw) <= 2
    assert not [answer.unlike for answer in ink if answer.unlike]
    assert sum(answer.top[0].label == answer.path.stem for answer in ink) >= 9  # its 1 has the flag of a 7


def test_a_model_of_dark_on_light_gets_dark_on_light(digits: data.Split) -> None:
    expected = appearance.measured(255 - digits.images_nhwc)
    light_on_dark = resize(digits.images_nhwc[0], 200, 200)
    mended = appearance.ink_alone(light_on_dark, ImageInput(28, 28, 3), expected)
    assert mended.shape == (28, 28, 3)
    assert appearance.difference(to_input(light_on_dark, ImageInput(28, 28, 1)), expected)
    assert appearance.difference(mended, expected) is None


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (np.zeros((28, 28, 1), np.uint8), "is nothing"),
        (np.pad(np.full((3, 3, 1), 255, np.uint8), ((12, 13), (12, 13), (0, 0))), "reaches over 11%"),
        (np.pad(np.full((6, 28, 1), 255, np.uint8), ((11, 11), (0, 0), (0, 0))), "reaches over 100%"),
    ],
    ids=["blank", "small", "to the border"],
)
def test_another_framing_is_noticed(classifier: Classifier, pixels: NDArray[np.uint8], told: str) -> None:
    found = appearance.difference(pixels, _expected(classifier))
    assert found is not None
    assert told in found


def one_by_one(image_hwc: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return an image's background, share and reach, pixel by pixel."""
    height, width = image_hwc.shape[:2]
    gray = to_input(image_hwc, ImageInput(height, width, 1))[..., 0].tolist()
    places = [(y, x) for y in range(height) for x in range(width)]
    background = statistics.median(gray[y][x] for y, x in places if y in (0, height - 1) or x in (0, width - 1))
    on_it = [place for place in places if abs(gray[place[0]][place[1]] - background) >= appearance.STANDS_OUT]
    reached = [{place[axis] for place in on_it} or {0} for axis in (0, 1)]
    reach = max((max(side) - min(side) + 1) / whole for side, whole in zip(reached, (height, width), strict=True))
    return background, len(on_it) / len(places), reach if on_it else 0.0


def test_many_images_are_looked_at_as_each_alone() -> None:
    draws = np.random.default_rng(0)
    for channels in (1, 3):
        specks = draws.integers(80, 256, (70, 9, 14, channels), np.uint8) * (draws.random((70, 9, 14, 1)) < 0.1)
        full = np.zeros_like(specks[:1])
        full[:, 1:-1, 1:-1] = 255
        images_nhwc = np.concatenate([specks, np.zeros_like(full), full, specks[:3] + np.uint8(90)])
        for image_hwc in images_nhwc:
            found = appearance.measured(image_hwc[None])
            figures = [spread.median for spread in (found.background, found.share, found.reach)]
            assert figures == pytest.approx(one_by_one(image_hwc), abs=5e-5)
        expected = appearance.measured(np.tile(specks, (2, 1, 1, 1)))
        told = appearance.differences(images_nhwc, expected)
        assert told == [appearance.difference(image_hwc, expected) for image_hwc in images_nhwc]
        assert None in told
        assert len(set(told)) > 3


def test_photographs_are_not_watched() -> None:
    photographs = np.random.default_rng(0).integers(0, 256, (200, 1, 1, 3), dtype=np.uint8).repeat(32, 1).repeat(32, 2)
    found = appearance.measured(photographs)
    assert found.background.high - found.background.low > appearance.ONE_BACKGROUND


def test_a_blank_page_has_no_ink(classifier: Classifier) -> None:
    with pytest.raises(ImageError, match="no ink"):
        appearance.ink_alone(np.full((300, 200), 190, np.uint8), classifier.card.input, _expected(classifier))


def test_files_say_what_they_are_unlike(classifier: Classifier, digits: data.Split, tmp_path: Path) -> None:
    for name, pixels in (("own", digits.images_nhwc[0][..., 0]), ("paper", _on_paper(digits.images_nhwc[0]))):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    own, paper = predict_files(classifier, [tmp_path / "own.png", tmp_path / "paper.png"])
    assert own.unlike is None
    assert paper.unlike is not None
    [mended] = predict_files(classifier, [tmp_path / "paper.png"], ink=True)
    assert mended.unlike is None


def test_ink_of_photographs_is_refused(model: Path) -> None:
    classifier = edgecnn.load(model)
    of_all_kinds = Appearance(500, Spread(0, 125, 255), Spread(0, 0.2, 0.9), Spread(0, 1, 1))
    classifier.card = replace(classifier.card, appearance=of_all_kinds)
    with pytest.raises(EdgecnnError, match="Leave out --ink"):
        next(predict_files(classifier, [], ink=True))


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "most"), [("mnist", 5), ("fashion-mnist", 20)])
def test_false_alarms_are_rare_on_real_test_images(dataset: str, most: int, real_data_root: Path) -> None:
    expected = appearance.measured(data.read_split(dataset, "train", root=real_data_root).images_nhwc)
    images = data.read_split(dataset, "test", root=real_data_root).images_nhwc
    assert sum(appearance.difference(image, expected) is not None for image in images) <= most


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["mnist-c1", "mnist-small", "mnist-compact", "mnist-best"])
def test_pen_on_squared_paper_is_read_by_its_ink(name: str, real_data_root: Path) -> None:
    classifier = edgecnn.load(name)
    pens = [real_data_root / "digit-photos" / "pen-on-squared-paper" / f"{digit}.jpg" for digit in range(10)]
    raw, ink = (list(predict_files(classifier, pens, ink=alone)) for alone in (False, True))
    assert all(answer.unlike for answer in raw)
    assert [answer.top[0].label for answer in ink] == list("0123456789")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["cifar10-fast", "cifar10-finetuned-128", "cifar100-finetuned", "digits-webcam"])
def test_models_of_all_backgrounds_are_not_watched(name: str, real_data_root: Path) -> None:
    assert appearance.known(edgecnn.load(name).card) is None
    if name.startswith("cifar"):
        found = appearance.measured(data.read_split(name.partition("-")[0], "train", root=real_data_root).images_nhwc)
        assert found.background.high - found.background.low > 200
