"""Which sign stands in a gap, by the place and the shape of its pieces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.gaps import TOP, Gap
from edgecnn.digits.signs.mark import BLANK, Mark
from edgecnn.digits.signs.pieces import LEVELS, Piece, Pieces, pieces_of
from edgecnn.digits.signs.sample import FINE, Sample, Strip, noise, sampled

LEAST_PEAK = 0.39  # of a piece's darkest sample
NOISE = 4.0  # deviations of the noise, of the same
FAINT, SPECK = 0.5, 0.25  # of the darkest peak, and of the largest area then: what has less counts for nothing
AT_LEAST, AT_MOST, AT_MOST_INSIDE = 0.28, 0.4, 0.6  # a threshold by a piece's peak, where it shows the shape
TELLING = 0.55  # where it shows that best
LEFT, RIGHT = -0.14, 0.08  # how far beyond the digits' boxes the middle of a sign lies, if less than 0 within the left
INSIDE_LEFT, INSIDE_RIGHT = -0.03, 0.02  # and when it is clear of them
EMPTY_TOP, EMPTY_LOW = -0.1, 1.25  # where nothing is in the middle of a space, half as wide as that
STRANGE = 0.4  # what is higher and no sign: something else stands there

AWAY = 0.75  # from the middle of a sign in front of a number to its first digit, at most
ALONE, ALONE_BELOW = 0.35, 0.42  # nothing is so near to the left of it that is so dark
ALONE_TOP, ALONE_LOW = 0.15, 0.95

FLAT, FLAT_HIGHEST = 1.5, 0.4  # a minus: width by height, and height
FLAT_WIDE, FLAT_MIDDLE = (0.16, 0.74), (0.4, 0.86)
DOT, DOT_ENDS = 0.36, 1.2  # the largest point, and the lowest
BEGINS, STANDS = (0.58, 1.06), (0.86, 1.44)  # where a point or a comma begins, and ends
ROUND = 3.0  # their width by their height at most
COMMA_WIDEST, COMMA_HIGHEST, COMMA_ENDS = 0.65, 1.0, 1.0  # at least there: the bar of a display ends above
TAIL, BELOW = 0.12, 0.7  # what makes a comma of a point: higher than wide, leaning, and below the line
APART, BESIDE = (0.24, 0.85), 0.25  # of a colon's points: one above the other, aside
COLON_TOP, COLON_LOW = 0.04, (0.55, 1.2)
ALIKE = 0.39  # the smaller one's area by the larger one's
POINT_FLAT, POINT_HIGH = 1.7, 1.9  # of one: width by height, height by width


def read_signs(gray_hw: NDArray[np.uint8], gaps: Sequence[Gap]) -> list[Mark]:
    """Return the signs that lie in gaps of a gray frame, and ``BLANK`` for what is wide and empty."""
    if not gaps:
        return []
    strip = sampled(gray_hw, gaps)
    pieces = _between(pieces_of(strip), strip)
    wide = [index for index, gap in enumerate(strip.gaps) if gap.wide]
    marks = (_mark(strip.sample(index), pieces.get(index, [[] for _ in LEVELS])) for index in sorted({*pieces, *wide}))
    return [mark for mark in marks if mark is not None]


def _between(pieces: Pieces, strip: Strip) -> dict[int, list[list[Piece]]]:
    """Return for each gap the pieces at each threshold that are where signs are, and dark enough for any."""
    from_left_p, from_right_p = pieces.figures["from_left"], pieces.figures["from_right"]
    is_open_p = np.array([gap.open for gap in strip.gaps], np.bool_)[pieces.gap_p]
    after_p = np.where(is_open_p, from_right_p >= -AWAY, from_left_p >= LEFT)
    return pieces.of(after_p & (from_right_p <= RIGHT) & (pieces.figures["peak"] >= LEAST_PEAK))


def _mark(sample: Sample, levels: Sequence[Sequence[Piece]]) -> Mark | None:
    least = max(LEAST_PEAK, NOISE * noise(sample.ink_rc))
    return _sign(sample, levels, least) or (_blank(sample, least) if sample.gap.wide else None)


def _sign(sample: Sample, levels: Sequence[Sequence[Piece]], least: float) -> Mark | None:
    """Return what stands in a gap, of ``least`` ink; of thresholds that show a sign, the one nearest to half of its
    peak counts."""
    best, nearest = None, np.inf
    for level, pieces in zip(LEVELS, levels, strict=True):
        there = _substantial([piece for piece in pieces if piece.peak >= least]) if pieces else []
        if not there or not all(_is_told(piece, level, sample.gap) for piece in there):
            continue
        label = _label(there)
        if label is None and max(piece.high for piece in there) > STRANGE:
            return None
        off = abs(level / max(piece.peak for piece in there) - TELLING)
        if label is not None and off < nearest and (not sample.gap.open or _is_alone(sample, there)):
            best, nearest = Mark(label, sample.box(_around(there)), sample.gap.height), off
    return best


def _blank(sample: Sample, least: float) -> Mark | None:
    """Return a space where nothing is in the middle of a gap."""
    left, right = sample.gap.left, sample.gap.right
    begin, end = ((x - sample.start) / sample.step for x in (left[0] + left[2], right[0]))
    quarter = (end - begin) / 4
    x0, x1 = int(np.floor(begin + quarter)), int(np.ceil(end - quarter))
    y0, y1 = (round((y - TOP) * FINE) for y in (EMPTY_TOP, EMPTY_LOW))
    if (sample.ink_rc[y0:y1, x0:x1] >= least).any():
        return None
    return Mark(BLANK, sample.box((x0, y0, x1, y1)), sample.gap.height)


def _substantial(pieces: Sequence[Piece]) -> list[Piece]:
    """Leave out specks beside larger pieces, and faint ones beside dark ones."""
    peak = max((piece.peak for piece in pieces), default=0.0)
    dark = [piece for piece in pieces if piece.peak >= FAINT * peak]
    area = max((piece.area for piece in dark), default=0.0)
    return [piece for piece in dark if piece.area >= SPECK * area]


def _is_told(piece: Piece, level: float, gap: Gap) -> bool:
    """Tell whether a threshold shows the shape of a piece; near to digits it may be a part of them at higher ones."""
    inside = (gap.open or piece.from_left >= INSIDE_LEFT) and piece.from_right <= INSIDE_RIGHT
    return AT_LEAST * piece.peak <= level <= (AT_MOST_INSIDE if inside else AT_MOST) * piece.peak


def _label(pieces: Sequence[Piece]) -> str | None:
    if len(pieces) == 1:
        return _of_one(pieces[0])
    return ":" if len(pieces) == 2 and _is_colon(*sorted(pieces, key=lambda piece: piece.top)) else None


def _of_one(piece: Piece) -> str | None:
    middle = (piece.top + piece.bottom) / 2
    is_flat = piece.high <= FLAT_HIGHEST and piece.wide >= FLAT * piece.high
    if is_flat and FLAT_WIDE[0] <= piece.wide <= FLAT_WIDE[1] and FLAT_MIDDLE[0] <= middle <= FLAT_MIDDLE[1]:
        return "-"
    if (
        not BEGINS[0] <= piece.top <= BEGINS[1]
        or not STANDS[0] <= piece.bottom <= STANDS[1]
        or piece.wide > ROUND * piece.high
    ):
        return None
    if piece.high - piece.wide + piece.leans + BELOW * (piece.bottom - 1) < TAIL:
        return "." if max(piece.wide, piece.high) <= DOT and piece.bottom <= DOT_ENDS else None
    small = piece.wide <= COMMA_WIDEST and piece.high <= COMMA_HIGHEST
    return "," if small and piece.bottom >= COMMA_ENDS else None


def _is_colon(upper: Piece, lower: Piece) -> bool:
    apart = (lower.top + lower.bottom - upper.top - upper.bottom) / 2
    above = APART[0] <= apart <= APART[1] and abs(upper.middle - lower.middle) <= BESIDE
    stands = upper.top >= COLON_TOP and COLON_LOW[0] <= lower.bottom <= COLON_LOW[1]
    alike = min(upper.area, lower.area) >= ALIKE * max(upper.area, lower.area)
    return above and stands and alike and _is_point(upper) and _is_point(lower)


def _is_point(piece: Piece) -> bool:
    small = max(piece.wide, piece.high) <= DOT
    return small and piece.wide <= POINT_FLAT * piece.high and piece.high <= POINT_HIGH * piece.wide


def _is_alone(sample: Sample, pieces: Sequence[Piece]) -> bool:
    """Tell whether nothing is near to the left of a sign, at the height of digits."""
    first = _around(pieces)[0]
    rows = slice(round((ALONE_TOP - TOP) * FINE), round((ALONE_LOW - TOP) * FINE))
    near_rc = sample.ink_rc[rows, max(first - round(ALONE * FINE), 0) : first]
    return first >= round(ALONE * FINE) and not (near_rc >= ALONE_BELOW).any()


def _around(pieces: Sequence[Piece]) -> tuple[int, int, int, int]:
    edges = np.array([piece.edges for piece in pieces])
    x0, y0, x1, y1 = (int(value) for value in (*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0)))
    return x0, y0, x1, y1
