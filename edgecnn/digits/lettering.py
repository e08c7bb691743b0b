"""Digits that are letters: the O of TOTAL, the l of a word. What stands beside a digit tells, not its own shape.

Along each line of digits a strip is sampled in units of their height, as ink between 0, the paper, and 1, their own
ink. It falls into characters at columns without ink; those that are no digits and about as high are letters, and what
reaches from top to bottom of the strip is a border. A word goes on over narrow gaps. A 0 or 1 inside a word that has
more letters than digits, where others count twice, is one of them; so is a single one at either end of three letters,
and another digit inside a word of few digits and more letters. A number with a unit stays a number.

The page does the same (web/src/lettering.js).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.sample import FINE, LEAST_CONTRAST, interpolated, levels_of, reduced, scale_of

BAND = 0.65  # what is looked at above and below the middle of the digits
REACH = 3.5  # and to either side of them
SAME_RUN = 4.0  # heights between digits that are looked at together
ALIKE = 1.6  # at most between their heights
INK = 0.45
RULED = 0.8  # of a strip's columns: a row that is inked in so many is a line beneath
OWN = 0.5  # of a character's width: it is the digit that covers so much of it
LOW, NARROW, LETTER = 0.45, 0.08, 0.75  # the least height and width of a letter, and the width of one
GAP = 0.42  # within a word
LIKE_LETTERS = frozenset("01")
UNLIKE = 2  # for how many of these another digit counts
FEW, MORE = 2, 2  # digits of a word in which such a one is a letter, and letters that it has more
AROUND = 3  # letters beside a single digit

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Character:
    """Where it begins and ends, in heights, how many letters it is, and which digits."""

    begin: float
    end: float
    letters: int
    digits: tuple[int, ...]


def in_words(
    gray_hw: NDArray[np.uint8], boxes_n4: NDArray[np.float32], labels: Sequence[str], lines: Sequence[Sequence[int]]
) -> NDArray[np.bool_]:
    """Tell which digits, with boxes (x, y, width, height) in pixels and in lines, are letters of words."""
    found, pyramid, boxes = np.zeros(len(boxes_n4), np.bool_), {}, boxes_n4.astype(np.float64)
    for run in (run for line in lines for run in _runs(boxes, line)):
        height = float(np.median(boxes[run, 3]))
        scale = scale_of(height)
        if scale not in pyramid:
            pyramid[scale] = reduced(gray_hw, scale)
        for word in _words(_characters(pyramid[scale], scale, boxes, run, height)):
            found[_letters_of(word, labels)] = True
    return found


def _runs(boxes_n4: Boxes, line: Sequence[int]) -> list[list[int]]:
    """Cut a line of digits where they are far apart, or of other sizes."""
    runs: list[list[int]] = []
    for index in line:
        x, _, _, height = boxes_n4[index]
        if runs:
            left, _, width, high = boxes_n4[runs[-1][-1]]
            if x - left - width <= SAME_RUN * height and max(high, height) <= ALIKE * min(high, height):
                runs[-1].append(index)
                continue
        runs.append([index])
    return runs


def _characters(
    image_hw: NDArray[np.float64], scale: int, boxes_n4: Boxes, run: list[int], height: float
) -> list[_Character | None]:
    """Return the characters along a run of digits, from left to right; None is a border between them."""
    boxes = boxes_n4[run]
    start = boxes[0, 0] - REACH * height
    count = int((boxes[-1, 0] + boxes[-1, 2] + REACH * height - start) / height * FINE)
    levels = levels_of(image_hw, scale, boxes)
    if np.abs(levels[:, 1]).min() < LEAST_CONTRAST or (np.sign(levels[:, 1]) != np.sign(levels[0, 1])).any():
        return []
    x_c = start + (np.arange(count) + 0.5) * (height / FINE)
    middle_n, center_n = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    paper_c, contrast_c = (np.interp(x_c, middle_n, levels[:, k]) for k in (0, 1))
    rows = int(2 * BAND * FINE)
    y_rc = _along(x_c, middle_n, center_n) + (((np.arange(rows) + 0.5) / FINE - BAND) * height)[:, None]
    inked_rc = (interpolated(image_hw, scale, x_c, y_rc) - paper_c) / contrast_c > INK
    high, wide = (side * scale for side in image_hw.shape)
    inked_rc &= (x_c >= 0) & (x_c < wide) & (y_rc >= 0) & (y_rc < high)
    inked_rc[inked_rc.mean(axis=1) > RULED] = False
    sides = np.column_stack([boxes[:, 0] - start, boxes[:, 0] + boxes[:, 2] - start]) / height
    return _cut(inked_rc, sides, run)


def _along(
    x_c: NDArray[np.float64], middle_n: NDArray[np.float64], center_n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where the middle of the line is at ``x_c``: through the digits, and on as it was."""
    if len(middle_n) < 2:
        return np.full(len(x_c), center_n[0])
    slope = (center_n[-1] - center_n[0]) / max(middle_n[-1] - middle_n[0], 1e-6)
    before, after = np.minimum(x_c - middle_n[0], 0), np.maximum(x_c - middle_n[-1], 0)
    found: NDArray[np.float64] = np.interp(x_c, middle_n, center_n) + slope * (before + after)
    return found


def _cut(inked_rc: NDArray[np.bool_], sides_n2: NDArray[np.float64], run: list[int]) -> list[_Character | None]:
    """Cut a strip into characters where columns have no ink."""
    found: list[_Character | None] = []
    edges = np.flatnonzero(np.diff(inked_rc.any(axis=0), prepend=False, append=False))
    for first, after in edges.reshape(-1, 2):
        begin, end = first / FINE, after / FINE
        shared_n = np.minimum(sides_n2[:, 1], end) - np.maximum(sides_n2[:, 0], begin)
        own_n = shared_n > OWN * np.minimum(sides_n2[:, 1] - sides_n2[:, 0], end - begin)
        rows = np.flatnonzero(inked_rc[:, first:after].any(axis=1))
        beside = end - begin - float(shared_n[own_n].sum())
        digits = tuple(run[place] for place in np.flatnonzero(own_n))
        if not digits and rows[0] == 0 and rows[-1] == len(inked_rc) - 1:
            found.append(None)
        elif digits:
            found.append(_Character(begin, end, round(beside / LETTER), digits))
        elif rows[-1] + 1 - rows[0] >= LOW * FINE and end - begin >= NARROW:
            found.append(_Character(begin, end, max(1, round((end - begin) / LETTER)), ()))
    return found


def _words(characters: list[_Character | None]) -> list[list[_Character]]:
    """Join characters over narrow gaps."""
    words: list[list[_Character]] = [[]]
    for character in characters:
        if character is None or (words[-1] and character.begin - words[-1][-1].end > GAP):
            words.append([])
        if character is not None:
            words[-1].append(character)
    return words


def _letters_of(word: list[_Character], labels: Sequence[str]) -> list[int]:
    """Return which digits of a word are letters."""
    letters, digits = sum(each.letters for each in word), [index for each in word for index in each.digits]
    alike = {index for index in digits if labels[index] in LIKE_LETTERS}
    likely = letters > len(alike) + UNLIKE * (len(digits) - len(alike))
    others = len(digits) <= FEW and letters >= len(digits) + MORE
    inside = [index for each, before, after in _beside(word) if before and after for index in each.digits]
    found = [index for index in inside if (likely if index in alike else others)]
    rest = [_lettered(each) if set(each.digits) & set(found) else each for each in word]
    beside = [(each.digits, max(before, after)) for each, before, after in _beside(rest) if each.digits]
    if len(beside) == 1 and beside[0][1] >= AROUND and len(beside[0][0]) == 1 and beside[0][0][0] in alike:
        found += beside[0][0]
    return found


def _beside(word: list[_Character]) -> Iterator[tuple[_Character, int, int]]:
    """Yield the characters of a word, with how many letters are before and after each."""
    letters, before = sum(each.letters for each in word), 0
    for each in word:
        yield each, before, letters - before - each.letters
        before += each.letters


def _lettered(character: _Character) -> _Character:
    """Return a character whose digits are letters."""
    return replace(character, letters=character.letters + len(character.digits), digits=())
