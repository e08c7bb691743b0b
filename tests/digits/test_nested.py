"""Detections within a more confident one."""

import numpy as np
import pytest

from edgecnn.digits.nested import parts

NINE, STEM, LOOP = (10, 10, 20, 30), (24, 12, 5, 28), (12, 10, 14, 15)
BESIDE, AROUND = (32, 10, 20, 30), (0, 0, 80, 60)


@pytest.mark.parametrize(
    ("boxes", "sure", "labels", "expected"),
    [
        ([NINE, STEM, LOOP], [0.9, 0.7, 0.6], "910", [False, True, True]),
        ([STEM, NINE], [0.7, 0.9], "19", [True, False]),
        ([NINE, STEM], [0.7, 0.9], "91", [False, False]),
        ([NINE, STEM], [0.7, 0.9], "11", [True, False]),
        ([NINE, STEM], [0.0, 0.0], "11", [False, False]),
        ([NINE, BESIDE], [0.9, 0.8], "99", [False, False]),
        ([AROUND, NINE, BESIDE], [0.0, 0.9, 0.8], "199", [False, False, False]),
        ([], [], "", []),
    ],
    ids=[
        "part",
        "order is nothing",
        "part is more confident",
        "found twice",
        "no digits",
        "beside",
        "in no digit",
        "nothing",
    ],
)
def test_a_part_is_what_lies_in_a_more_confident_digit_or_around_the_same(
    boxes: list, sure: list[float], labels: str, expected: list[bool]
) -> None:
    boxes_m4, scale_m = np.array(boxes, np.float32).reshape(-1, 4), np.ones(len(sure), np.float32)
    found = parts(boxes_m4, np.array(sure, np.float32), np.array([*map(int, labels)]), scale_m)
    assert found.tolist() == expected
