"""Points, commas, colons, minuses and spaces between digits, by a rule: what ink lies in the gap, where, of what shape.

A detector finds digits; what stands between two of them is looked at here. The gap is sampled in units of the digits'
height, along their line, as ink between 0, the paper around them, and 1, their own ink: so polarity, contrast, size and
slope are out of it. At several thresholds it falls into pieces. One that reaches a border of the gap is a line, a frame
or belongs to a digit; a piece within is a sign where its place and its shape are those of one, and nothing else.

The page does the same (web/src/signs.js). Thresholds were chosen by ``tools/digit_signs.py``, on its part ``train``.
"""

from edgecnn.digits.signs.gaps import Gap, gaps_of, placed
from edgecnn.digits.signs.mark import BLANK, SIGNS, Mark, Memory, Sign
from edgecnn.digits.signs.reading import read_signs

__all__ = ["BLANK", "SIGNS", "Gap", "Mark", "Memory", "Sign", "gaps_of", "placed", "read_signs"]
