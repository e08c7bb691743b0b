"""Which images an epoch learns from."""

import pytest
import torch

from edgecnn.train.order import order

LABELS = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)


def test_all_takes_each_image_once() -> None:
    assert sorted(order(LABELS, "all", 3).tolist()) == list(range(len(LABELS)))


def test_balanced_takes_as_many_images_and_every_class_about_as_often() -> None:
    drawn = order(LABELS, "balanced", 3)
    counts = torch.bincount(LABELS[drawn])
    assert len(drawn) == len(LABELS)
    assert all(250 < count < 420 for count in counts)  # 333 in the mean, with a deviation of 15


@pytest.mark.parametrize("sampling", ["all", "balanced"])
def test_the_order_follows_from_the_seed(sampling: str) -> None:
    first, again, other = (order(LABELS, sampling, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_classes_without_an_image_are_no_obstacle() -> None:
    assert set(order(torch.tensor([0, 0, 2]), "balanced", 1).tolist()) <= {0, 1, 2}
