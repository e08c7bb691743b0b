"""The ink of a crop, for classifiers of light digits on black."""

import numpy as np
import pytest

import edgecnn
from edgecnn.digits.ink import LEAST_CONTRAST, ink_alone, wants_ink


def test_a_classifier_of_white_digits_on_black_wants_ink(classifier: edgecnn.Classifier) -> None:
    assert wants_ink(classifier)


@pytest.mark.parametrize(("paper", "pen"), [(230, 40), (30, 220), (150, 100)])
def test_ink_is_white_on_black_whatever_the_paper(paper: int, pen: int) -> None:
    crop = np.full((1, 28, 28, 1), paper, np.uint8)
    crop[0, 8:20, 12:16] = pen
    wanted = np.where(crop == pen, 255, 0)
    np.testing.assert_array_equal(ink_alone(crop), wanted)


def test_an_empty_crop_has_no_ink() -> None:
    noise = np.random.default_rng(0).integers(118, 123, (4, 28, 28, 1)).astype(np.uint8)
    assert LEAST_CONTRAST > 5
    assert ink_alone(noise).max() == 0
