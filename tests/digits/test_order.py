"""Reading order: a row of digits is a number, wherever it lies, however large, and a little turned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.digits.order import reading_order, text_of

Box = tuple[int, int, int, int]


def read(boxes: list[Box] | np.ndarray, labels: str | list[str]) -> str:
    boxes_n4 = np.array(boxes, np.float32).reshape(-1, 4)
    return text_of(list(labels), boxes_n4, reading_order(boxes_n4))


def page(lines: list[str], *, degrees: float = 0.0, pitch: tuple[int, int] = (26, 56)) -> tuple[np.ndarray, list[str]]:
    """Lay lines of digits 20x30 out on a page that is turned, a blank being a digit's place left out."""
    places = [(column, row) for row, line in enumerate(lines) for column, label in enumerate(line) if label != " "]
    labels = [label for line in lines for label in line if label != " "]
    turn = np.deg2rad(degrees)
    centers = np.array(places) * pitch @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    return np.concatenate([centers - (10, 15), np.tile((20, 30), (len(places), 1))], axis=1).astype(np.float32), labels


def test_nothing_reads_as_nothing() -> None:
    assert read([], "") == ""


def test_one_digit_reads_as_itself() -> None:
    assert read([(5, 5, 20, 30)], "7") == "7"


def test_a_row_reads_from_left_to_right() -> None:
    assert read([(60, 0, 20, 30), (0, 3, 20, 30), (30, -3, 20, 30)], "312") == "123"


def test_lines_read_from_top_to_bottom() -> None:
    assert read([(0, 50, 20, 30), (30, 50, 20, 30), (0, 0, 20, 30), (30, 0, 20, 30)], "3412") == "12\n34"


def test_a_gap_wider_than_one_and_a_half_digits_is_a_space() -> None:
    assert read([(0, 0, 20, 30), (49, 0, 20, 30), (101, 0, 20, 30)], "123") == "12 3"


def test_ones_are_no_words_for_being_narrow() -> None:
    assert read([(0, 0, 6, 30), (26, 0, 6, 30), (52, 0, 6, 30)], "111") == "111"


def test_digits_of_different_heights_stay_on_their_line() -> None:
    assert read([(0, 0, 20, 40), (30, 12, 20, 24), (60, 6, 20, 36)], "123") == "123"


@pytest.mark.parametrize("degrees", [-15, -8, -3, 3, 8, 15])
def test_a_turned_page_reads_as_a_straight_one(degrees: float) -> None:
    assert read(*page(["0123456789", "24680", "13579"], degrees=degrees)) == "0123456789\n24680\n13579"


def test_a_digit_below_and_to_the_right_is_no_sloping_line() -> None:
    assert read([(0, 0, 20, 30), (80, 25, 20, 30)], "78") == "7\n8"


@pytest.mark.parametrize("degrees", [-6, 6])
def test_words_on_a_turned_page_keep_their_spaces(degrees: float) -> None:
    assert read(*page(["12   34", "5   678"], degrees=degrees)) == "12 34\n5 678"


BOXES = st.lists(
    st.tuples(st.integers(0, 600), st.integers(0, 440), st.integers(4, 60), st.integers(8, 80)),
    min_size=1, max_size=30, unique=True,
)  # fmt: skip


@given(BOXES)
def test_every_box_is_read_once(boxes: list[Box]) -> None:
    lines = reading_order(np.array(boxes, np.float32))
    assert sorted(index for line in lines for index in line) == list(range(len(boxes)))


@given(BOXES, st.randoms(use_true_random=False))
def test_the_order_of_detections_does_not_matter(boxes: list[Box], random) -> None:
    shuffled = random.sample(list(enumerate(boxes)), len(boxes))
    assert read(boxes, [chr(65 + index) for index in range(len(boxes))]) == read(
        [box for _, box in shuffled], [chr(65 + index) for index, _ in shuffled]
    )


@given(BOXES, st.integers(-2000, 2000), st.integers(-2000, 2000))
def test_where_a_page_lies_does_not_matter(boxes: list[Box], right: int, down: int) -> None:
    labels = [chr(65 + index) for index in range(len(boxes))]
    moved: list[Box] = [(x + right, y + down, width, height) for x, y, width, height in boxes]
    assert read(moved, labels) == read(boxes, labels)


@given(BOXES, st.sampled_from([0.25, 0.5, 2, 4]))
def test_how_large_a_page_is_does_not_matter(boxes: list[Box], scale: float) -> None:
    labels = [chr(65 + index) for index in range(len(boxes))]
    assert read(np.array(boxes) * scale, labels) == read(boxes, labels)


@given(
    st.lists(st.text("0123456789", min_size=1, max_size=9), min_size=1, max_size=6),
    st.floats(-12, 12),
    st.randoms(use_true_random=False),
)
def test_any_page_of_digits_reads_as_it_was_written(lines: list[str], degrees: float, random) -> None:
    boxes_n4, labels = page(lines, degrees=degrees)
    shuffled = random.sample(range(len(labels)), len(labels))
    assert read(boxes_n4[shuffled], [labels[index] for index in shuffled]) == "\n".join(lines)
