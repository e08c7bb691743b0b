"""OpenCV's part in the pixels: its gray is the reference's."""

import numpy as np
import pytest

from edgecnn.card import ImageInput
from edgecnn.runtime.image import to_input
from edgecnn.webcam.opencv import gray_of


@pytest.mark.parametrize("blue", range(0, 256, 15))
def test_gray_is_the_references_for_every_red_and_green(blue: int) -> None:
    levels = np.arange(256, dtype=np.uint8)
    frame_bgr = np.stack(np.meshgrid([np.uint8(blue)], levels, levels, indexing="ij"), axis=-1)[0]
    np.testing.assert_array_equal(gray_of(frame_bgr), to_input(frame_bgr, ImageInput(256, 256, 1), bgr=True))


def test_gray_has_the_shape_that_a_finder_takes() -> None:
    assert gray_of(np.zeros((48, 64, 3), np.uint8)).shape == (48, 64, 1)
