"""Finds within a surer one."""

import numpy as np
import pytest

from edgecnn.webcam.parts import parts

NINE, STEM, LOOP = (10, 10, 20, 30), (24, 12, 5, 28), (12, 10, 14, 15)
BESIDE, AROUND = (32, 10, 20, 30), (0, 0, 80, 60)


@pytest.mark.parametrize(
    ("boxes", "sure", "expected"),
    [
        ([NINE, STEM, LOOP], [0.9, 0.7, 0.6], [False, True, True]),
        ([STEM, NINE], [0.7, 0.9], [True, False]),
        ([NINE, STEM], [0.7, 0.9], [False, False]),
        ([NINE, STEM], [0.0, 0.0], [False, False]),
        ([NINE, BESIDE], [0.9, 0.8], [False, False]),
        ([AROUND, NINE, BESIDE], [0.0, 0.9, 0.8], [False, False, False]),
        ([], [], []),
    ],
    ids=["in a surer one", "order is nothing", "surer than the whole", "no digit", "beside", "in no digit", "nothing"],
)
def test_a_part_is_what_lies_in_a_surer_digit(boxes: list, sure: list[float], expected: list[bool]) -> None:
    found = parts(np.array(boxes, np.float32).reshape(-1, 4), np.array(sure, np.float32))
    assert found.tolist() == expected
