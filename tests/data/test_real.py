"""The real data sets, where they are: sizes, balance, and the figures that are published for them."""

import numpy as np
import pytest

from edgecnn import data
from edgecnn.data.named.cifar100 import COARSE_OF_FINE

pytestmark = pytest.mark.realdata

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
GRAY, Color = (28, 28, 1), (32, 32, 3)

SPLITS = [
    ("mnist", "train", GRAY, MNIST_TRAIN),
    ("mnist", "test", GRAY, MNIST_TEST),
    ("fashion-mnist", "train", GRAY, [6000] * 10),
    ("fashion-mnist", "test", GRAY, [1000] * 10),
    ("cifar10", "train", Color, [5000] * 10),
    ("cifar10", "test", Color, [1000] * 10),
    ("cifar100", "train", Color, [500] * 100),
    ("cifar100", "test", Color, [100] * 100),
    ("cifar100-coarse", "train", Color, [2500] * 20),
    ("cifar100-coarse", "test", Color, [500] * 20),
]

# Mean and standard deviation by channel of the training pixels in 0..1, as they are in common use.
PUBLISHED = [
    ("mnist", [0.1307], [0.3081]),
    ("fashion-mnist", [0.2860], [0.3530]),
    ("cifar10", [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    ("cifar100", [0.5071, 0.4865, 0.4409], [0.2673, 0.2564, 0.2762]),
]

# Labels of the first eight training images.
FIRST = [
    ("mnist", [5, 0, 4, 1, 9, 2, 1, 3]),
    ("fashion-mnist", [9, 0, 0, 3, 0, 2, 7, 2]),
    ("cifar10", [6, 9, 9, 4, 1, 1, 2, 7]),
    ("cifar100", [19, 29, 0, 11, 1, 86, 90, 28]),
]


@pytest.mark.parametrize(("name", "split", "shape", "counts"), SPLITS)
def test_has_its_images_and_labels(real_data_root, name: str, split: str, shape, counts: list[int]) -> None:
    found = data.read_split(name, split, root=real_data_root)
    assert found.images_nhwc.shape == (sum(counts), *shape)
    assert np.bincount(found.labels_n).tolist() == counts


@pytest.mark.parametrize(("name", "mean", "std"), PUBLISHED)
def test_pixels_have_the_published_mean_and_deviation(real_data_root, name: str, mean, std) -> None:
    images = data.read_split(name, "train", root=real_data_root).images_nhwc
    for channel, (mean_c, std_c) in enumerate(zip(mean, std, strict=True)):
        counts = np.bincount(images[..., channel].ravel(), minlength=256)
        levels = np.arange(256) / 255
        found_mean = (counts * levels).sum() / counts.sum()
        found_std = np.sqrt((counts * (levels - found_mean) ** 2).sum() / counts.sum())
        assert (found_mean, found_std) == pytest.approx((mean_c, std_c), abs=1e-4)


@pytest.mark.parametrize(("name", "labels"), FIRST)
def test_images_are_in_the_order_of_the_original(real_data_root, name: str, labels: list[int]) -> None:
    assert data.read_split(name, "train", root=real_data_root).labels_n[:8].tolist() == labels


@pytest.mark.parametrize("split", ["train", "test"])
def test_coarse_labels_are_those_of_the_table(real_data_root, split: str) -> None:
    with np.load(real_data_root / "cifar100" / f"{split}.npz") as arrays:
        np.testing.assert_array_equal(arrays["coarse_labels"], np.array(COARSE_OF_FINE)[arrays["labels"]])


@pytest.mark.parametrize("name", sorted({name for name, *_ in SPLITS}))
def test_train_and_test_share_no_more_than_a_few_images(real_data_root, name: str) -> None:
    train, test = (data.read_split(name, split, root=real_data_root).images_nhwc for split in ("train", "test"))
    seen = {image.tobytes() for image in train}
    assert sum(image.tobytes() in seen for image in test) <= 100


def test_cifar100_and_its_coarse_form_have_the_same_images(real_data_root) -> None:
    fine, coarse = (data.read_split(name, "test", root=real_data_root) for name in ("cifar100", "cifar100-coarse"))
    np.testing.assert_array_equal(fine.images_nhwc, coarse.images_nhwc)
