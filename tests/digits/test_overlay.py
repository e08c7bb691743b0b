"""Labels beside digits: in one size, in the picture, over no digit and no other label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn.digits import Digit
from edgecnn.digits.overlay import HALO, LABEL, overlay

SIDES = st.floats(4, 60)
DIGITS = st.lists(
    st.builds(
        lambda label, probability, x, y, width, height: Digit(str(label), probability, (x, y, width, height)),
        *(st.integers(0, 9), st.floats(0.5, 1)),
        *(st.floats(0, 260), st.floats(0, 180), SIDES, SIDES),
    ),
    max_size=8,
)


@given(DIGITS)
@settings(max_examples=40)
def test_no_digit_is_covered(digits: list[Digit]) -> None:
    page = np.full((240, 320, 1), 77, np.uint8)
    image = np.asarray(overlay(page, digits))
    assert image.shape == (240, 320, 3)
    for digit in digits:
        x, y, width, height = digit.box
        inner = image[int(np.ceil(y)) + 1 : int(y + height) - 1, int(np.ceil(x)) + 1 : int(x + width) - 1]
        others = [other for other in digits if other is not digit]
        if not any(_near(digit, other) for other in others):
            assert (inner == 77).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("probability", "percent"), [(0.95, False), (0.85, True)])
def test_a_percentage_stands_beside_what_is_not_sure(channels: int, probability: float, percent: bool) -> None:
    page = np.full((200, 400, channels), 200, np.uint8)
    image = np.asarray(overlay(page, [Digit("7", probability, (100.0, 100.0, 30.0, 60.0))]))
    written = ((image == LABEL).all(axis=2) | (image == HALO).all(axis=2))[:97]
    columns = np.flatnonzero(written.any(axis=0))
    assert (np.ptp(columns) > 40) == percent


def test_without_digits_it_is_the_picture() -> None:
    page = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(np.asarray(overlay(page, [])), page)


def _near(digit: Digit, other: Digit, around: float = 12) -> bool:
    """Whether the lines around two digits may meet."""
    (x, y, width, height), (left, top, wide, tall) = digit.box, other.box
    apart = max(left - x - width, x - left - wide), max(top - y - height, y - top - tall)
    return max(apart) < around
