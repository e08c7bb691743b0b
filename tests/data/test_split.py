"""Divisions of a data set: complete, in fair shares, and the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgecnn.card import DatasetRecord
from edgecnn.data import Split, group, partition, stratified, subset
from edgecnn.data.split import checked
from edgecnn.errors import DataError

SEEDS = st.integers(0, 2**32)


def _split(labels: list[int] | NDArray[np.int64], names: tuple[str, ...] = ("a", "b", "c", "d")) -> Split:
    """Make a split whose images carry their own number: pixel value = position."""
    numbers = np.arange(len(labels), dtype=np.uint8)
    return Split(numbers.reshape(-1, 1, 1, 1), np.array(labels, dtype=np.int64), names)


def _numbers(split: Split) -> list[int]:
    return split.images_nhwc[:, 0, 0, 0].tolist()


@st.composite
def _tasks(draw) -> tuple[NDArray[np.int64], int]:
    """Draw labels and how many of them to draw."""
    labels = np.array(draw(st.lists(st.integers(0, 5), min_size=2, max_size=60)))
    return labels, draw(st.integers(1, len(labels) - 1))


# --- stratified


@given(_tasks(), SEEDS)
def test_every_position_is_on_exactly_one_side(task, seed: int) -> None:
    labels, count = task
    rest, drawn = stratified(labels, count, seed)
    assert sorted([*rest, *drawn]) == list(range(len(labels)))


@given(_tasks(), SEEDS)
def test_as_many_are_drawn_as_were_asked_for(task, seed: int) -> None:
    labels, count = task
    assert len(stratified(labels, count, seed)[1]) == count


@given(_tasks(), SEEDS)
def test_every_class_gets_its_share_within_one_image(task, seed: int) -> None:
    labels, count = task
    drawn = stratified(labels, count, seed)[1]
    shares = np.bincount(labels) * count / len(labels)
    assert (np.abs(np.bincount(labels[drawn], minlength=len(shares)) - shares) < 1).all()


@given(_tasks(), SEEDS)
def test_the_same_seed_draws_the_same(task, seed: int) -> None:
    for first, second in zip(stratified(*task, seed), stratified(*task, seed), strict=True):
        np.testing.assert_array_equal(first, second)


@given(_tasks(), SEEDS)
def test_both_sides_are_sorted(task, seed: int) -> None:
    for side in stratified(*task, seed):
        assert side.tolist() == sorted(side)


def test_another_seed_draws_others() -> None:
    labels = np.repeat([0, 1], 50)
    assert stratified(labels, 50, 0)[1].tolist() != stratified(labels, 50, 1)[1].tolist()


def test_images_are_drawn_at_random_within_their_class() -> None:
    drawn = stratified(np.zeros(100, np.int64), 50, 0)[1]
    assert 5 < (drawn < 50).sum() < 45


@given(st.integers(2, 50), st.integers(2, 50), st.data(), SEEDS)
def test_of_two_classes_both_sides_have_both_where_the_count_allows(a: int, b: int, data, seed: int) -> None:
    labels = np.repeat([0, 1], [a, b])
    for side in stratified(labels, data.draw(st.integers(2, a + b - 2)), seed):
        assert set(labels[side]) == {0, 1}


def test_a_rare_class_comes_before_the_second_half_image_of_a_common_one() -> None:
    labels = np.repeat([0, 1, 2], [100, 100, 2])
    assert np.bincount(labels[stratified(labels, 40, 0)[1]]).tolist() == [20, 19, 1]


@pytest.mark.parametrize("count", [-1, 0, 4, 5])
def test_a_count_that_leaves_one_side_empty_is_refused(count: int) -> None:
    with pytest.raises(DataError, match=rf"cannot draw {count} of 4 images; expected 1\.\.3\."):
        stratified(np.array([0, 1, 0, 1]), count, 0)


# --- subset


def test_a_subset_has_as_many_as_were_asked_for() -> None:
    assert len(subset(_split([0, 1] * 20), 10, 0)) == 10


def test_a_subset_keeps_the_shares() -> None:
    assert np.bincount(subset(_split([0] * 30 + [1] * 10), 8, 0).labels_n).tolist() == [6, 2]


def test_a_subset_keeps_images_with_their_labels() -> None:
    split = _split([0, 1, 2, 3] * 5)
    found = subset(split, 8, 0)
    assert split.labels_n[_numbers(found)].tolist() == found.labels_n.tolist()


@pytest.mark.parametrize("count", [4, 5])
def test_a_subset_of_all_or_more_is_all(count: int) -> None:
    split = _split([0, 1, 0, 1])
    assert subset(split, count, 0) is split


# --- group


def test_a_group_joins_its_classes_and_leaves_out_the_others() -> None:
    found = group(_split([0, 1, 2, 3, 0]), {"late": ["d", "c"], "first": ["a"]})
    assert (found.names, _numbers(found), found.labels_n.tolist()) == (("late", "first"), [0, 2, 3, 4], [1, 0, 0, 1])


def test_a_group_keeps_the_names_of_skipped_files() -> None:
    assert group(replace(_split([0, 1]), skipped=("x.png",)), {"all": ["a", "b"]}).skipped == ("x.png",)


def test_a_label_that_is_none_is_named() -> None:
    with pytest.raises(DataError) as caught:
        group(_split([0]), {"round": ["o"]})
    assert str(caught.value) == "group 'round' has 'o', which is no label; there is a, b, c, d."


@pytest.mark.parametrize("groups", [{"x": ["a"], "y": ["b", "a"]}, {"x": ["a", "a"]}])
def test_a_label_in_two_groups_is_named(groups: dict[str, list[str]]) -> None:
    with pytest.raises(DataError, match="'a' is in two groups; put it in one"):
        group(_split([0]), groups)


# --- partition


def _record(**changes) -> DatasetRecord:
    return replace(DatasetRecord("mine", train=0, validation=10, split_seed=7), **changes)


def test_a_partition_is_the_stratified_draw_of_its_seed() -> None:
    split = _split([0, 1] * 20)
    training, validation = partition(split, _record())
    rest, drawn = stratified(split.labels_n, 10, 7)
    assert (_numbers(training), _numbers(validation)) == (rest.tolist(), drawn.tolist())


def test_a_partition_divides_the_subset_alone() -> None:
    split = _split([0, 1] * 20)
    training, validation = partition(split, _record(subset=30))
    assert sorted(_numbers(training) + _numbers(validation)) == _numbers(subset(split, 30, 7))


def test_a_partition_divides_the_groups_alone() -> None:
    split = _split([0, 1, 2, 3] * 10)
    training, validation = partition(split, _record(groups={"x": ["a"], "y": ["b", "c"]}))
    assert (training.names, len(training), len(validation)) == (("x", "y"), 20, 10)


def test_a_subset_is_drawn_before_groups_are_joined() -> None:
    split = _split([0, 1, 2, 3] * 10)
    record = _record(subset=20, groups={"x": ["a"], "y": ["b"]}, validation=4)
    training, validation = partition(split, record)
    expected = group(subset(split, 20, 7), {"x": ["a"], "y": ["b"]})
    assert sorted(_numbers(training) + _numbers(validation)) == _numbers(expected)


@given(st.integers(2, 30), SEEDS)
def test_a_partition_drawn_again_is_the_same(validation: int, seed: int) -> None:
    split, record = _split([0, 1, 2] * 20), _record(subset=50, validation=validation, split_seed=seed)
    for first, again in zip(partition(split, record), partition(split, record), strict=True):
        assert _numbers(first) == _numbers(again)


# --- Split and what can be learned from


@given(st.lists(st.integers(0, 9), max_size=20))
def test_take_keeps_the_order_of_the_positions(positions: list[int]) -> None:
    split = _split([0, 1] * 5)
    taken = split.take(np.array(positions, dtype=np.int64))
    assert _numbers(taken) == positions
    assert taken.labels_n.tolist() == split.labels_n[positions].tolist() if positions else not len(taken)


def test_what_can_be_learned_from_is_returned_as_it_is() -> None:
    split = _split([0, 1])
    assert checked(split, "mine") is split


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images_nhwc": np.zeros((2, 4, 4, 1), np.float32)},
            "mine: images are float32 (2, 4, 4, 1), expected uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) with pixels "
            "0..255.",
        ),
        (
            {"images_nhwc": np.zeros((2, 1, 4, 4), np.uint8)},
            "mine: images are uint8 (2, 1, 4, 4), expected uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) with pixels "
            "0..255.",
        ),
        (
            {"images_nhwc": np.zeros((2, 16), np.uint8)},
            "mine: images are uint8 (2, 16), expected uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3) with pixels "
            "0..255.",
        ),
        ({"labels_n": np.array([0, 1, 2])}, "mine: 2 images but labels of shape (3,); expected one for each image."),
        (
            {"labels_n": np.eye(2, dtype=np.int64)},
            "mine: 2 images but labels of shape (2, 2); expected one for each image.",
        ),
        (
            {"labels_n": np.array([0, 4])},
            "mine: 1 labels out of range, the first 4; expected 0..3 for 4 classes.",
        ),
        (
            {"labels_n": np.array([-1, 0])},
            "mine: 1 labels out of range, the first -1; expected 0..3 for 4 classes.",
        ),
        ({"labels_n": np.array([1, 1])}, "mine: only one class (b); a classifier needs at least two."),
        (
            {"labels_n": np.array([], np.int64), "images_nhwc": np.zeros((0, 4, 4, 1), np.uint8)},
            "mine: only one class (no image); a classifier needs at least two.",
        ),
    ],
    ids=["scaled", "NCHW", "flat", "longer", "one-hot", "above", "below", "one class", "no image"],
)
def test_what_cannot_be_learned_from_says_why(changes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        checked(replace(_split([0, 1]), **changes), "mine")
    assert str(caught.value) == message


def test_a_group_may_write_accents_either_way() -> None:
    split = replace(_split([0, 1, 2]), names=("caf\xe9", "tea", "milk"))
    assert group(split, {"hot": ["cafe\u0301", "tea"], "cold": ["milk"]}).labels_n.tolist() == [0, 0, 1]


def test_a_group_of_a_label_in_another_case_says_so() -> None:
    split = replace(_split([0, 1]), names=("Tea", "milk"))
    with pytest.raises(DataError, match=r"'tea' and 'Tea' differ in case alone\."):
        group(split, {"hot": ["tea"], "cold": ["milk"]})
