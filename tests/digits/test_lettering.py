"""Which digits are letters of words: by what stands beside them, in every size, polarity and slope."""

import numpy as np
import pytest
from digits.lettered import WORDS, lettered

from edgecnn.digits.lettering import in_words
from edgecnn.digits.order import reading_order


def _letters(text: str, read: str, **how: float) -> str:
    """Return which of the characters that were read as digits are called letters, as a mask."""
    gray_hw, boxes_n4, labels = lettered(text, read, **how)
    found = in_words(gray_hw, boxes_n4, labels, reading_order(boxes_n4))
    mask = [" "] * len(text)
    chosen = [place for place, sign in enumerate(read) if sign == "x"]
    for place, is_letter in zip(chosen, found, strict=True):
        mask[place] = "x" if is_letter else " "
    return "".join(mask)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("height", [14.0, 30.0, 90.0])
@pytest.mark.parametrize(("text", "read", "letters"), WORDS)
def test_letters_that_look_like_digits_are_told_by_their_neighbors(
    text: str, read: str, letters: str, height: float, dark: bool
) -> None:
    assert _letters(text, read, height=height, dark=dark) == letters


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_a_line_may_lean_where_digits_tell_its_slope(slope: float) -> None:
    assert _letters("TOTALSUM 48 60", " x       xx xx", slope=slope) == " x            "


@pytest.mark.parametrize(("text", "read"), [(text, read) for text, read, _ in WORDS])
def test_runs_of_digits_are_read_together_as_each_by_itself(text: str, read: str) -> None:
    gray_hw, boxes_n4, labels = lettered(text, read)
    lines = [[place] for place in range(len(labels))]
    together = in_words(gray_hw, boxes_n4, labels, lines)
    assert (together == np.any([in_words(gray_hw, boxes_n4, labels, [line]) for line in lines], axis=0)).all()


def test_borders_between_cells_are_no_letters() -> None:
    assert _letters("8 3 5", "x x x", border=True) == "     "


def test_nothing_is_beyond_the_frame() -> None:
    gray = np.full((30, 20), 200, np.uint8)
    gray[5:25, 8:12] = 20
    gray[:, 0] = gray[:, -1] = 20
    assert not in_words(gray, np.float32([[8, 5, 4, 20]]), ["1"], [[0]]).any()


def test_a_frame_without_digits_has_no_words() -> None:
    assert in_words(np.zeros((9, 9), np.uint8), np.zeros((0, 4), np.float32), [], []).shape == (0,)
