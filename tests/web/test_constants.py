"""What the page repeats of Python's numbers is the same."""

import re
from pathlib import Path

import pytest

from edgecnn import boxes
from edgecnn.digits import defaults, ink, looks, nested, order, reading, tracking

SOURCES = Path(__file__).parents[2] / "web" / "src"
CONSTANT = re.compile(r"^(?:export )?const ([A-Z_]+) = (.+?);", re.MULTILINE)
PAIRS = {
    "ink.js": {
        "SIDE": boxes.CROP_SIDE,
        "INK_FROM": f"Math.fround({ink.INK_FROM})",
        "INK_SPAN": f"Math.fround({ink.INK_TO} - {ink.INK_FROM})",
        "LEAST_CONTRAST": ink.LEAST_CONTRAST,
    },
    "classifier.js": {"NONE": f'"{reading.NONE}"'},
    "looks.js": {
        "NATIVE": looks.NATIVE,
        "STEP": looks.STEP,
        "OVERLAP": looks.OVERLAP,
        "ASPECT": looks.ASPECT,
        "CUT": looks.CUT,
        "SAME": looks.SAME,
        "FLAT": looks.FLAT,
        "WELL_SEEN": looks.WELL_SEEN,
    },
    "reading.js": {
        "SLOPE_COST": order.SLOPE_COST,
        "LINE_GAP": order.LINE_GAP,
        "WORD_GAP": order.WORD_GAP,
        "INSIDE": nested.INSIDE,
        "NARROWEST": order.NARROWEST,
    },
    "recognize.js": {
        "MIN_SCORE": defaults.MIN_SCORE,
        "MIN_PROBABILITY": defaults.MIN_PROBABILITY,
        "DETAIL": defaults.DETAIL,
    },
    "tracking.js": {
        "SAME_IOU": tracking.SAME_IOU,
        "VOTES": tracking.VOTES,
        "MEMORY": tracking.MEMORY,
        "SMOOTHING": tracking.SMOOTHING,
    },
}


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in PAIRS.items() for name in names])
def test_constant_of_the_page_is_that_of_python(file: str, name: str) -> None:
    found = dict(CONSTANT.findall((SOURCES / file).read_text(encoding="utf-8")))
    expected = PAIRS[file][name]
    assert found[name] == (expected if isinstance(expected, str) else f"{expected:g}")
