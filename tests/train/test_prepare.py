"""What a recipe learns from: the held-out validation images, the preprocessing, the golden images."""

from pathlib import Path

import numpy as np
import pytest
import torch

from edgecnn import data
from edgecnn.data import Split
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.tasks._classification.examples import golden_images
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.train.prepare import initial_classifier

DIGITS = 1438
Color_COUNT = 90


def digits(**changes: object) -> Recipe:
    return read("digits-compact", {key.replace("__", "."): value for key, value in changes.items()})


@pytest.fixture
def color(tmp_path: Path) -> Path:
    """Random RGB images of three classes in a .npz; each channel has a range of its own."""
    images = np.random.default_rng(0).integers(0, (50, 150, 255), (Color_COUNT, 8, 8, 3)).astype(np.uint8)
    np.savez(tmp_path / "color.npz", images=images, labels=np.arange(Color_COUNT) % 3)
    return tmp_path / "color.npz"


@pytest.mark.parametrize(
    ("validation", "expected"), [(0.1, 144), (200, 200), (0.5, 719), (0.9, 1294), (1, 1), (719, 719)]
)
def test_validation_is_a_fraction_or_a_count(data_root: Path, validation: float, expected: int) -> None:
    prepared = prepare(digits(data__validation=validation), data_root)
    assert (len(prepared.validation), len(prepared.train)) == (expected, DIGITS - expected)


@pytest.mark.parametrize("validation", [0.0001, 720, 1437, 1438, 5000, 0.99999])
def test_validation_that_leaves_one_side_empty_is_a_message(data_root: Path, validation: float) -> None:
    with pytest.raises(
        RecipeError, match=r"data\.validation is .*holds out [\d,]+ of 1,438 images of digits; expected"
    ):
        prepare(digits(data__validation=validation), data_root)


def test_record_says_what_was_drawn(data_root: Path) -> None:
    record = prepare(digits(data__validation=100, data__split_seed=3, data__subset=400), data_root).record
    assert (record.name, record.train, record.validation) == ("digits", 300, 100)
    assert (record.split_seed, record.subset) == (3, 400)


def test_record_draws_the_same_split_again(data_root: Path) -> None:
    prepared = prepare(digits(data__validation=100, data__subset=400), data_root)
    train, validation = data.partition(data.read_split("digits", "train", root=data_root), prepared.record)
    assert np.array_equal(train.images_nhwc, prepared.train.images_nhwc)
    assert np.array_equal(validation.images_nhwc, prepared.validation.images_nhwc)


def test_split_seed_alone_decides_the_split(data_root: Path) -> None:
    first, same, other = (
        prepare(digits(seed=seed, data__split_seed=split), data_root).validation.images_nhwc
        for seed, split in ((0, 0), (1, 0), (0, 1))
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_subset_is_drawn_in_the_shares_of_the_classes(data_root: Path) -> None:
    prepared = prepare(digits(data__subset=200, data__validation=50), data_root)
    counts = np.bincount(np.concatenate([prepared.train.targets, prepared.validation.targets]))
    assert counts.sum() == 200
    assert counts.min() >= 18
    assert counts.max() <= 22


def test_groups_join_classes_and_leave_others_out(data_root: Path) -> None:
    prepared = prepare(digits(data__groups={"low": ["0", "1"], "high": ["9"]}), data_root)
    labels = data.read_split("digits", "train", root=data_root).labels_n
    expected = [np.isin(labels, (0, 1)).sum(), (labels == 9).sum()]
    assert prepared.train.labels == ("low", "high")
    found = np.bincount(np.concatenate([prepared.train.targets, prepared.validation.targets]))
    assert found.tolist() == expected


def test_group_of_unknown_labels_is_a_message(data_root: Path) -> None:
    with pytest.raises(DataError, match="group 'low' has 'ten', which is no label"):
        prepare(digits(data__groups={"low": ["ten"], "high": ["9"]}), data_root)


@pytest.mark.parametrize(("size", "color", "shape"), [(12, "auto", (12, 12, 1)), (None, "rgb", (28, 28, 3))])
def test_images_are_brought_to_size_and_color(
    data_root: Path, size: int | None, color: str, shape: tuple[int, int, int]
) -> None:
    prepared = prepare(digits(data__size=size, data__color=color, data__subset=40, data__validation=10), data_root)
    assert prepared.shape.shape == shape


def test_standard_is_the_training_images_mean_and_deviation(color: Path) -> None:
    recipe = digits(data__name=str(color), data__validation=20, preprocess__scale="standard")
    prepared = prepare(recipe, None)
    classifier = initial_classifier(recipe, prepared)
    pixels = prepared.train.images_nhwc.astype(np.float64) / 255
    mean, std = pixels.mean(axis=(0, 1, 2)), pixels.std(axis=(0, 1, 2))
    np.testing.assert_allclose(classifier.scale.flatten().numpy(), 1 / (255 * std), rtol=1e-6)
    np.testing.assert_allclose(classifier.shift.flatten().numpy(), -mean / std, rtol=1e-6)


def test_unit_divides_by_255_alone(data_root: Path) -> None:
    recipe = digits()
    classifier = initial_classifier(recipe, prepare(recipe, data_root))
    assert classifier.scale.item() == pytest.approx(1 / 255)
    assert classifier.shift.item() == 0


def test_mean_and_std_can_be_given(color: Path) -> None:
    given = {"preprocess__mean": [0.1, 0.2, 0.3], "preprocess__std": [0.5, 0.25, 0.125]}
    recipe = digits(data__name=str(color), data__validation=20, **given)
    classifier = initial_classifier(recipe, prepare(recipe, None))
    np.testing.assert_allclose(classifier.scale.flatten().numpy() * 255, [2, 4, 8], rtol=1e-6)
    np.testing.assert_allclose(classifier.shift.flatten().numpy(), [-0.2, -0.8, -2.4], rtol=1e-6)


@pytest.mark.parametrize("key", ["mean", "std"])
def test_wrong_number_of_channels_is_a_message(data_root: Path, key: str) -> None:
    recipe = digits(**{f"preprocess__{key}": [0.5, 0.5, 0.5]})
    with pytest.raises(RecipeError, match=f"preprocess.{key} has 3 numbers; the images have 1 channels"):
        initial_classifier(recipe, prepare(recipe, data_root))


def test_images_of_one_gray_do_not_divide_by_zero(tmp_path: Path) -> None:
    np.savez(tmp_path / "flat.npz", images=np.full((40, 8, 8), 51, np.uint8), labels=np.arange(40) % 2)
    recipe = digits(data__name=str(tmp_path / "flat.npz"), data__validation=4, preprocess__scale="standard")
    prepared = prepare(recipe, None)
    classifier = initial_classifier(recipe, prepared)
    with torch.no_grad():
        assert classifier.eval()(torch.from_numpy(prepared.train.images_nhwc)).isfinite().all()


@pytest.mark.parametrize("noise", [0, 1], ids=["constant", "one gray level in one pixel"])
def test_a_channel_that_is_constant_in_training_does_not_drown_the_others(tmp_path: Path, noise: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    images[..., 2] = 30
    images[0, 0, 0, 2] += noise
    np.savez(tmp_path / "flat.npz", images=images, labels=np.arange(40) % 2)
    recipe = digits(data__name=str(tmp_path / "flat.npz"), data__validation=4, preprocess__scale="standard")
    said: list[str] = []
    classifier = initial_classifier(recipe, prepare(recipe, None), said.append)
    assert len(said) == 1
    assert said[0].startswith("channel 2 has nearly one value in all training images")
    later = classifier.normalized(torch.full((1, 8, 8, 3), 255, dtype=torch.uint8))
    assert later.abs().max() < 3


def test_a_deviation_that_is_given_is_taken_at_its_word(tmp_path: Path) -> None:
    np.savez(tmp_path / "flat.npz", images=np.full((40, 8, 8), 51, np.uint8), labels=np.arange(40) % 2)
    given = {"preprocess__scale": "standard", "preprocess__std": [0.001]}
    recipe = digits(data__name=str(tmp_path / "flat.npz"), data__validation=4, **given)
    said: list[str] = []
    scale = initial_classifier(recipe, prepare(recipe, None), said.append).scale.item()
    assert (said, scale) == ([], pytest.approx(1 / 0.255))


def test_initial_weights_follow_from_the_seed(data_root: Path) -> None:
    def weights(seed: int) -> torch.Tensor:
        recipe = digits(seed=seed)
        return initial_classifier(recipe, prepare(recipe, data_root)).state_dict()["network.0.weight"]

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def split_of(labels: list[int], side: int) -> Split:
    """Images whose every pixel is their place in the split."""
    images = np.broadcast_to(np.arange(len(labels), dtype=np.uint8)[:, None, None, None], (len(labels), side, side, 1))
    return Split(images, np.array(labels), tuple(str(label) for label in range(max(labels) + 1)))


def test_golden_images_are_the_first_of_each_class() -> None:
    golden = golden_images(split_of([1, 1, 0, 2, 0, 2], side=8))
    assert golden[:, 0, 0, 0].tolist() == [2, 0, 3]


def test_golden_images_are_ten_at_most() -> None:
    assert len(golden_images(split_of(list(range(25)), side=8))) == 10


def test_golden_images_of_large_pictures_are_two() -> None:
    assert golden_images(split_of(list(range(5)), side=200)).shape == (2, 200, 200, 1)


def test_golden_images_of_digits_show_every_class(data_root: Path) -> None:
    assert len(prepare(digits(), data_root).golden_nhwc) == 10
