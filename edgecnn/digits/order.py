"""Reading order: boxes into lines from top to bottom, each from left to right, and the text that they make.

A page may be turned by some degrees. Of slopes up to 19 degrees the one is taken that gives few lines with little
spread, where a line more weighs as much as a slope of 0.2, or as digits that are off their lines by one height in all.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs import BLANK, Sign
from edgecnn.digits.signs.gaps import median

SLOPES = np.array(sorted(np.linspace(-0.35, 0.35, 29), key=abs))  # the flattest first, so that it wins a tie
SLOPE_COST = 5.0  # in lines, of a slope of 1
LINE_GAP = 0.5  # in typical heights, between the centers of neighboring lines at least
WORD_GAP = 1.5  # in typical widths
APART = 2.0  # how much nearer to the digit after it a sign is that does not join it to the one before
NARROWEST = 0.6  # of the height: a row of ones is no row of words


def reading_order(boxes_n4: NDArray[np.float32]) -> list[list[int]]:
    """Return the lines from top to bottom, each the rows of ``boxes_n4`` (x, y, width, height) from left to right."""
    if not len(boxes_n4):
        return []
    boxes = boxes_n4.astype(np.float64)
    centers = boxes[:, :2] + boxes[:, 2:] / 2
    x_n, y_n = (centers - centers.min(axis=0)).T
    height = median(boxes[:, 3].tolist())
    y_sn = y_n - SLOPES[:, None] * x_n
    line_sn, lines_s = _lines(y_sn, LINE_GAP * height)
    best = int(np.argmin(_spread(y_sn, line_sn) / max(height, 1e-6) + lines_s + SLOPE_COST * np.abs(SLOPES)))
    along_n = x_n + SLOPES[best] * y_n
    order = np.lexsort((y_n, along_n, line_sn[best]))
    ends = np.flatnonzero(np.diff(line_sn[best][order])) + 1
    return [[int(index) for index in line] for line in np.split(order, ends)]


def text_of(
    labels: list[str], boxes_n4: NDArray[np.float32], lines: list[list[int]], signs: Sequence[Sign] = ()
) -> str:
    """Join labels as they are read: a newline between lines, a space where a gap is wider than 1.5 digits or blank.

    Signs stand before the digits that they name, and bridge a gap unless they are twice as near to its end.
    """
    by_digit = {sign.before: sign for sign in signs}
    return "\n".join(_line_text(labels, boxes_n4, line, by_digit) for line in lines)


def _line_text(labels: list[str], boxes_n4: NDArray[np.float32], line: list[int], signs: Mapping[int, Sign]) -> str:
    boxes = boxes_n4[line]
    ordered = np.sort(boxes[:, 2:], axis=0)
    width, height = (ordered[(len(line) - 1) // 2] + ordered[len(line) // 2]) / 2
    gaps = boxes[1:, 0] - boxes[:-1, 0] - boxes[:-1, 2]
    wide = [False, *(gaps > WORD_GAP * max(width, NARROWEST * height))]
    text = ""
    for place, index in enumerate(line):
        sign = signs.get(index)
        is_blank = sign is not None and sign.label == BLANK
        space = wide[place] and (sign is None or _is_apart(sign, boxes[place - 1], boxes[place]))
        text += (" " if space or is_blank else "") + ("" if sign is None or is_blank else sign.label) + labels[index]
    return text


def _is_apart(sign: Sign, left_4: NDArray[np.float32], right_4: NDArray[np.float32]) -> bool:
    """Tell whether a sign belongs to the digit after it and not to the one before."""
    x, _, width, _ = sign.box
    return bool(x - left_4[0] - left_4[2] > APART * (right_4[0] - x - width))


def _lines(y_sn: NDArray[np.float64], gap: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut each row of heights where sorted neighbors are ``gap`` apart: the line of each, and how many there are."""
    order_sn = np.argsort(y_sn, axis=1, kind="stable")
    steps = np.diff(np.take_along_axis(y_sn, order_sn, axis=1), axis=1) > gap
    sorted_sn = np.concatenate([np.zeros((len(y_sn), 1), np.int64), np.cumsum(steps, axis=1)], axis=1)
    line_sn = np.empty_like(sorted_sn)
    np.put_along_axis(line_sn, order_sn, sorted_sn, axis=1)
    return line_sn, sorted_sn[:, -1] + 1


def _spread(y_sn: NDArray[np.float64], line_sn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each row how far all are from the mean of their line, summed."""
    key = (line_sn + np.arange(len(y_sn))[:, None] * y_sn.shape[1]).ravel()
    counts, sums = np.bincount(key), np.bincount(key, y_sn.ravel())
    mean = (sums / np.maximum(counts, 1))[key].reshape(y_sn.shape)
    result: NDArray[np.float64] = np.abs(y_sn - mean).sum(axis=1)
    return result
