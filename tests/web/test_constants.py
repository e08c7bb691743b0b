"""What the page repeats of Python's numbers is the same."""

import json
import re
from pathlib import Path

import pytest

from edgecnn import boxes
from edgecnn.digits import defaults, ink, lettering, looks, nested, order, reading, tracking
from edgecnn.digits.signs import gaps, pieces, sample
from edgecnn.digits.signs import reading as signs

SOURCES = Path(__file__).parents[2] / "web" / "src"
SEVERAL = re.compile(r"^(?:export )?const \[?([A-Z_, ]+)\]? = (.+?);", re.MULTILINE)
CONSTANT = re.compile(r"^(?:export )?const ([A-Z_]+) = (.+?);", re.MULTILINE)
LETTERING = ("BAND", "REACH", "SAME_RUN", "ALIKE", "INK", "RULED", "OWN", "GAP")
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
        "FAR": looks.FAR,
        "FILLS": looks.FILLS,
    },
    "reading.js": {
        "SLOPE_COST": order.SLOPE_COST,
        "LINE_GAP": order.LINE_GAP,
        "WORD_GAP": order.WORD_GAP,
        "INSIDE": nested.INSIDE,
        "APART": order.APART,
        "NARROWEST": order.NARROWEST,
    },
    "lettering.js": {name: getattr(lettering, name) for name in LETTERING},
    "recognize.js": {
        "MIN_SCORE": defaults.MIN_SCORE,
        "MIN_PROBABILITY": defaults.MIN_PROBABILITY,
        "MIN_CONFIDENCE": defaults.MIN_CONFIDENCE,
        "MIN_CONFIDENCE_ALWAYS_A_DIGIT": defaults.MIN_CONFIDENCE_ALWAYS_A_DIGIT,
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


def test_the_rule_for_signs_has_the_same_numbers() -> None:
    found: dict[str, object] = {}
    for names, value in SEVERAL.findall((SOURCES / "signs.js").read_text(encoding="utf-8")):
        values = json.loads(value)
        found |= dict(zip(names.split(", "), values if ", " in names else [values], strict=True))
    constants = [(name, value) for module in (gaps, sample, pieces, signs) for name, value in vars(module).items()]
    assert found == {name: json.loads(json.dumps(value)) for name, value in constants if name.isupper()}
