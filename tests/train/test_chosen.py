"""The recipe that is chosen for a data set: the rules, each on what it is for."""

from dataclasses import replace

import pytest

from edgecnn.data.facts import Facts
from edgecnn.data.inspected.headers import Sizes
from edgecnn.train.chosen import GROUPS, Case, choose

FLOWERS = Facts(
    dataset="folder:flowers",
    labels=("daisy", "rose", "tulip"),
    train=(200, 200, 200),
    sizes=Sizes(1, (300, 400), (300, 400), (300, 400), 600),
    side=300,
    colorfulness=60.0,
    own_validation=False,
)
DIGITS = replace(FLOWERS, labels=("1", "2", "3"), side=28, colorfulness=0.0)


def _chosen(facts: Facts, *, backbone: bool = False) -> dict[str, object]:
    return {key: value for choice in choose(Case(facts, backbone)) for key, value in choice.sets.items()}


def _because(facts: Facts, key: str, *, backbone: bool = False) -> str:
    return next(choice.because for choice in choose(Case(facts, backbone)) if key in choice.sets)


def test_photographs_start_from_the_backbone_where_it_is_installed() -> None:
    found = _chosen(FLOWERS, backbone=True)
    assert (found["extends"], found["data.size"], found["data.color"]) == ("photos", 112, "rgb")
    assert found["augment.flip"] == "random"


def test_without_it_they_are_learned_from_scratch_and_the_reason_names_the_extra() -> None:
    found = _chosen(FLOWERS)
    assert (found["extends"], found["data.size"]) == ("cifar10-fast", 64)
    assert "pip install 'edgecnn[backbone]'" in _because(FLOWERS, "extends")


@pytest.mark.parametrize("labels", [("0", "1"), ("a", "B"), ("zero", "Seven")])
def test_gray_digits_and_letters_take_a_small_network_and_are_never_mirrored(labels: tuple[str, ...]) -> None:
    found = _chosen(replace(DIGITS, labels=labels), backbone=True)
    assert (found["extends"], found["data.size"], found["data.color"]) == ("digits-compact", 28, "gray")
    assert found["augment.flip"] == "none"


def test_digits_on_paper_with_hardly_any_color_are_taken_as_gray_and_flowers_are_not() -> None:
    assert _chosen(replace(DIGITS, side=80, colorfulness=20.0))["data.color"] == "gray"
    assert _chosen(replace(FLOWERS, colorfulness=20.0))["data.color"] == "rgb"


def test_photographs_in_folders_that_are_numbered_stay_photographs_and_are_not_mirrored() -> None:
    found = _chosen(replace(FLOWERS, labels=("1", "2", "3")), backbone=True)
    assert (found["extends"], found["augment.flip"]) == ("photos", "none")


@pytest.mark.parametrize(("label", "flip"), [("left", "none"), ("turn_right", "none"), ("bright", "random")])
def test_classes_called_after_a_side_are_not_mirrored(label: str, flip: str) -> None:
    assert _chosen(replace(FLOWERS, labels=("daisy", label)), backbone=True)["augment.flip"] == flip


def test_the_answer_is_not_averaged_with_a_mirror_image_that_would_be_another() -> None:
    assert _chosen(replace(FLOWERS, labels=("left", "up")))["average"] == "none"


@pytest.mark.parametrize(("smallest", "expected"), [(12, 0.1), (10, 0.1), (9, 0.2), (5, 0.2), (4, 3), (1, 3)])
def test_validation_fits_the_smallest_class(smallest: int, expected: float) -> None:
    assert _chosen(replace(FLOWERS, train=(12, 12, smallest)))["data.validation"] == expected


def test_one_small_class_among_large_ones_takes_no_validation_images_from_the_rest() -> None:
    assert _chosen(replace(FLOWERS, train=(200, 200, 1)))["data.validation"] == 0.2


def test_validation_of_their_own_is_left_alone() -> None:
    assert "data.validation" not in _chosen(replace(FLOWERS, own_validation=True))


@pytest.mark.parametrize("images", [2, 31, 33, 65, 97, 1_000, 50_000])
def test_no_batch_is_left_with_few_images(images: int) -> None:
    for facts in (replace(DIGITS, train=(images,), own_validation=True), replace(FLOWERS, train=(images,))):
        case = Case(facts, backbone=False)
        size = _chosen(facts)["batch_size"]
        assert isinstance(size, int)
        last = case.images % size
        assert last == 0 or last > size / 2 or case.images < size


def test_fewer_pictures_are_shown_more_often() -> None:
    few, many = (_chosen(replace(DIGITS, train=(count, count)))["epochs"] for count in (50, 30_000))
    assert (few, many) == (60, 8)


@pytest.mark.parametrize(("largest", "sampling"), [(60, None), (61, "balanced")])
def test_classes_of_very_different_sizes_are_drawn_as_often(largest: int, sampling: str | None) -> None:
    assert _chosen(replace(FLOWERS, train=(20, 30, largest))).get("data.sampling") == sampling


def test_every_group_ends_with_a_rule_for_the_rest() -> None:
    nothing = Case(replace(FLOWERS, side=40), backbone=False)
    assert all(group[-1].holds(nothing) for group in GROUPS)
