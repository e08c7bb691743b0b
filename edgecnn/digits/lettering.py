"""Digits that are letters: the O of TOTAL, the l of a word. What stands beside a digit tells, not its own shape.

Along each line of digits a strip is sampled in units of their height, as ink between 0, the paper, and 1, their own
ink. It falls into characters at columns without ink; those that are no digits and about as high are letters, and what
reaches from top to bottom of the strip is a border. A word goes on over narrow gaps. A 0 or 1 inside a word that has
more letters than digits, where others count twice, is one of them; so is a single one at either end of three letters,
and another digit inside a word of few digits and more letters. A number with a unit stays a number.

The page does the same (web/src/lettering.js).
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.gaps import median
from edgecnn.digits.signs.gray import Gray, parts, reduced
from edgecnn.digits.signs.sample import FINE, LEAST_CONTRAST, Floats, Places, levels_of, scale_of, side_by_side

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


@dataclass(frozen=True, slots=True)
class _Character:
    """How many letters it is, and which digits."""

    letters: int
    digits: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Strips:
    """Strips along runs of digits, column by column, side by side: ink, whose each column is, and where in its strip.

    ``height_n`` is how high the digits of each are, ``start_n`` where it begins, in pixels.
    """

    inked_cr: NDArray[np.bool_]
    run_c: Places
    column_c: Places
    height_n: Floats
    start_n: Floats
    run_d: Places  # of each digit


def in_words(
    gray_hw: NDArray[np.uint8], boxes_n4: NDArray[np.float32], labels: Sequence[str], lines: Sequence[Sequence[int]]
) -> NDArray[np.bool_]:
    """Tell which digits, with boxes (x, y, width, height) in pixels and in lines, are letters of words."""
    found, boxes = np.zeros(len(boxes_n4), np.bool_), boxes_n4.astype(np.float64)
    sides, by_scale = boxes.tolist(), dict[int, list[list[int]]]()
    for run in (run for line in lines for run in _runs(sides, line)):
        by_scale.setdefault(scale_of(median([sides[index][3] for index in run])), []).append(run)
    for scale, runs in by_scale.items():
        for word in _words_along(reduced(gray_hw, scale), boxes, runs):
            found[_letters_of(word, labels)] = True
    return found


def _runs(boxes: Sequence[Sequence[float]], line: Sequence[int]) -> list[list[int]]:
    """Cut a line of digits where they are far apart, or of other sizes."""
    runs: list[list[int]] = []
    for index in line:
        x, _, _, height = boxes[index]
        if runs:
            left, _, width, high = boxes[runs[-1][-1]]
            if x - left - width <= SAME_RUN * height and max(high, height) <= ALIKE * min(high, height):
                runs[-1].append(index)
                continue
        runs.append([index])
    return runs


def _words_along(gray: Gray, boxes_n4: Floats, runs: list[list[int]]) -> list[list[_Character]]:
    """Return the words along runs of digits in which there are both letters and digits."""
    levels = levels_of(gray, boxes_n4[list(itertools.chain.from_iterable(runs))])
    ends = np.cumsum([len(run) for run in runs])
    levels_of_runs = np.split(levels, ends[:-1])
    clear = [place for place, levels_d2 in enumerate(levels_of_runs) if _is_of_one_ink(levels_d2[:, 1].tolist())]
    runs, levels_of_runs = [runs[place] for place in clear], [levels_of_runs[place] for place in clear]
    if not runs:
        return []
    strips = _strips(gray, [boxes_n4[run] for run in runs], levels_of_runs)
    digits = np.array(list(itertools.chain.from_iterable(runs)))
    return _words(_characters(strips, boxes_n4[digits]), digits)


def _is_of_one_ink(contrasts: Sequence[float]) -> bool:
    return min(map(abs, contrasts)) >= LEAST_CONTRAST and (min(contrasts) > 0 or max(contrasts) < 0)


def _strips(gray: Gray, boxes: Sequence[Floats], levels: Sequence[Floats]) -> _Strips:
    """Sample along runs of digits, as ink or none; what is inked nearly from end to end is a line and none."""
    first_n4, last_n4 = np.array([boxes_d4[0] for boxes_d4 in boxes]), np.array([boxes_d4[-1] for boxes_d4 in boxes])
    height_n = np.array([median(boxes_d4[:, 3].tolist()) for boxes_d4 in boxes])
    start_n = first_n4[:, 0] - REACH * height_n
    end_n = last_n4[:, 0] + last_n4[:, 2] + REACH * height_n
    count_n = ((end_n - start_n) / height_n * FINE).astype(np.int64)
    run_c, column_c = side_by_side(count_n)
    x_c = start_n[run_c] + (column_c + 0.5) * (height_n / FINE)[run_c]
    paper_c, contrast_c, middle_c = _between(x_c, count_n, boxes, levels)
    rows = int(2 * BAND * FINE)
    down_r, inked_cr = (np.arange(rows) + 0.5) / FINE - BAND, np.empty((len(x_c), rows), np.bool_)
    high, wide = (side * gray.scale for side in gray.levels_hw.shape)
    for part in parts(len(x_c), rows):
        y_cr = middle_c[part, None] + down_r * height_n[run_c[part], None]
        levels_cr = gray.interpolated(x_c[part, None], y_cr)
        inked_cr[part] = (levels_cr - paper_c[part, None]) / contrast_c[part, None] > INK
        inked_cr[part] &= (y_cr >= 0) & (y_cr < high)
    inked_cr[(x_c < 0) | (x_c >= wide)] = False
    is_line_nr = (
        np.add.reduceat(inked_cr, np.cumsum(count_n) - count_n, axis=0, dtype=np.int64) / count_n[:, None] > RULED
    )
    if is_line_nr.any():
        inked_cr &= ~is_line_nr[run_c]
    run_d = np.repeat(np.arange(len(boxes)), [len(boxes_d4) for boxes_d4 in boxes])
    return _Strips(inked_cr, run_c, column_c, height_n, start_n, run_d)


def _between(
    x_c: Floats, count_n: Places, boxes: Sequence[Floats], levels: Sequence[Floats]
) -> tuple[Floats, Floats, Floats]:
    """Return for columns of runs the paper, the contrast, and where the middle of the line is, through the digits."""
    found = np.empty((3, len(x_c)))
    ends = np.cumsum(count_n).tolist()
    for first, after, boxes_d4, levels_d2 in zip([0, *ends], ends, boxes, levels, strict=False):
        middle_d, center_d = boxes_d4[:, 0] + boxes_d4[:, 2] / 2, boxes_d4[:, 1] + boxes_d4[:, 3] / 2
        part_c = x_c[first:after]
        found[0, first:after] = np.interp(part_c, middle_d, levels_d2[:, 0])
        found[1, first:after] = np.interp(part_c, middle_d, levels_d2[:, 1])
        found[2, first:after] = _along(part_c, middle_d, center_d)
    return found[0], found[1], found[2]


def _along(x_c: Floats, middle_d: Floats, center_d: Floats) -> Floats:
    """Return where the middle of the line is at ``x_c``: through the digits, and on as it was."""
    if len(middle_d) < 2:
        return np.full(len(x_c), center_d[0])
    slope = (center_d[-1] - center_d[0]) / max(middle_d[-1] - middle_d[0], 1e-6)
    before, after = np.minimum(x_c - middle_d[0], 0), np.maximum(x_c - middle_d[-1], 0)
    found: Floats = np.interp(x_c, middle_d, center_d) + slope * (before + after)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Characters:
    """What lies between columns without ink: whose run, where it begins and ends, in heights, how many letters it is,
    whether it is a border, and of pairs of a character and a digit that is of it, both."""

    run_k: Places
    begin_k: Floats
    end_k: Floats
    letters_k: Places
    is_border_k: NDArray[np.bool_]
    pairs_2: tuple[Places, Places]


def _characters(strips: _Strips, boxes_d4: Floats) -> _Characters:
    """Cut strips into characters where columns have no ink."""
    inked_c: NDArray[np.bool_] = np.any(strips.inked_cr, axis=1)
    is_first_c = strips.column_c == 0
    is_after_ink_c = np.concatenate([[False], inked_c[:-1]]) & ~is_first_c
    is_before_ink_c = np.concatenate([inked_c[1:] & ~is_first_c[1:], [False]])
    first, last = np.flatnonzero(inked_c & ~is_after_ink_c), np.flatnonzero(inked_c & ~is_before_ink_c)
    run_k, begin_k, end_k = strips.run_c[first], strips.column_c[first] / FINE, (strips.column_c[last] + 1) / FINE
    own_k, own_d, shared = _own(strips, boxes_d4, run_k, begin_k, end_k)
    beside_k = end_k - begin_k - np.bincount(own_k, shared, len(first))
    has_digits_k = np.bincount(own_k, minlength=len(first)) > 0
    inked_kr = np.logical_or.reduceat(strips.inked_cr, first, axis=0)
    top_k, low_k = inked_kr.argmax(axis=1), inked_kr.shape[1] - inked_kr[:, ::-1].argmax(axis=1)
    is_letter_k = (low_k - top_k >= LOW * FINE) & (end_k - begin_k >= NARROW)
    is_border_k = ~has_digits_k & (top_k == 0) & (low_k == inked_kr.shape[1])
    count_k = np.where(has_digits_k, np.rint(beside_k / LETTER), np.maximum(np.rint(beside_k / LETTER), 1))
    kept_k = has_digits_k | is_border_k | is_letter_k
    place_k = np.cumsum(kept_k) - 1
    letters_k = np.where(is_border_k, 0, count_k).astype(np.int64)
    return _Characters(
        run_k[kept_k], begin_k[kept_k], end_k[kept_k], letters_k[kept_k], is_border_k[kept_k], (place_k[own_k], own_d)
    )


def _own(
    strips: _Strips, boxes_d4: Floats, run_k: Places, begin_k: Floats, end_k: Floats
) -> tuple[Places, Places, Floats]:
    """Return pairs of a character and a digit that is of it, and the width that both share."""
    start_d, height_d = strips.start_n[strips.run_d], strips.height_n[strips.run_d]
    left_d, right_d = (boxes_d4[:, 0] - start_d) / height_d, (boxes_d4[:, 0] + boxes_d4[:, 2] - start_d) / height_d
    first_d, count_d = np.searchsorted(run_k, strips.run_d), np.bincount(run_k, minlength=len(strips.height_n))
    digit, place = side_by_side(count_d[strips.run_d])
    character = first_d[digit] + place
    shared = np.minimum(right_d[digit], end_k[character]) - np.maximum(left_d[digit], begin_k[character])
    least = OWN * np.minimum((right_d - left_d)[digit], (end_k - begin_k)[character])
    own = np.flatnonzero(shared > least)
    own = own[np.argsort(character[own], kind="stable")]
    return character[own], digit[own], shared[own]


def _words(characters: _Characters, digits: Places) -> list[list[_Character]]:
    """Join characters over narrow gaps, and return those words in which there are letters and digits."""
    is_first_k = np.ones(len(characters.run_k), np.bool_)
    is_first_k[1:] = characters.begin_k[1:] - characters.end_k[:-1] > GAP
    is_first_k[1:] |= (characters.run_k[1:] != characters.run_k[:-1]) | characters.is_border_k[:-1]
    word_k = np.cumsum(is_first_k | characters.is_border_k) - 1
    own_k, own_d = characters.pairs_2
    has_letters_w = np.bincount(word_k, characters.letters_k != 0) > 0
    has_digits_w = np.bincount(word_k[own_k], minlength=len(has_letters_w)) > 0
    by_character: dict[int, tuple[int, ...]] = {}
    for character, digit in zip(own_k.tolist(), digits[own_d].tolist(), strict=True):
        by_character[character] = (*by_character.get(character, ()), digit)
    words: dict[int, list[_Character]] = {}
    for place in np.flatnonzero((has_letters_w & has_digits_w)[word_k] & ~characters.is_border_k).tolist():
        character = _Character(int(characters.letters_k[place]), by_character.get(place, ()))
        words.setdefault(int(word_k[place]), []).append(character)
    return list(words.values())


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
