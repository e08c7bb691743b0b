"""Tables as lines of text, in which no name and no number is folded, however narrow the terminal is.

What does not fit as it is has its prose folded at words; then what all rows share is said once, above; then the first
column has lines of its own, over the rows that it names; then columns that can be spared are left out, which is said;
then each row is a list of its values.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

Row = Sequence[str]

GAP, INDENT = 2, 2
PROSE = 20  # what a column of words may be folded to, and no further
NUMBER = re.compile(r"[-+]?\d[\d.,:e+-]*( ?(%|[a-zA-Zµ]{1,5}))?|-")


@dataclass(frozen=True)
class Line:
    """A line to print; column titles and names over rows are bold."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class _Table:
    """A table's head, and the lines of each row."""

    head: list[Line]
    rows: list[list[Line]]

    def lines(self) -> list[Line]:
        return [*self.head, *(line for row in self.rows for line in row)]


def lines(
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    left: int = 1,
    width: int | None = None,
    spare: Sequence[str] = (),
) -> list[Line]:
    """Lay a table out; the first ``left`` columns are text, and of the others those that are not all numbers.

    Columns of ``spare`` may be left out, the first one first.

    >>> [line.text for line in lines(("model", "p50 ms"), [("a", "1.25"), ("b", "10.50")])]
    ['model  p50 ms', 'a        1.25', 'b       10.50']
    >>> [line.text for line in lines(("model", "p50 ms"), [("mnist", "1.25")], width=10)]
    ['mnist', '  p50 ms', '    1.25']
    """
    for layout in (_plain, _without_shared, _under_names):
        for count in range(len(spare) + 1):
            kept = [index for index, column in enumerate(columns) if column not in spare[:count]]
            found = layout(_picked(columns, kept), [_picked(row, kept) for row in rows], left, width)
            if found:
                dropped = ", ".join(column for column in columns if column in spare[:count])
                return [*found, Line(f"too narrow for {dropped}; --json has all")] if dropped else found
    return list(_records(columns, rows, width or 0))


def _plain(columns: Sequence[str], rows: Sequence[Row], left: int, width: int | None) -> list[Line] | None:
    found = _table(columns, rows, left, width)
    return found.lines() if found else None


def folded(text: str, width: int) -> list[str]:
    """Fold at spaces alone.

    >>> folded("quantize mnist-c1.onnx again", 16)
    ['quantize', 'mnist-c1.onnx', 'again']
    """
    first, *words = text.split(" ")
    found = [first]
    for word in words:
        longer = f"{found[-1]} {word}"
        if found[-1].strip() and cell_len(longer) > width:
            found.append(word)
        else:
            found[-1] = longer
    return found


def _table(columns: Sequence[str], rows: Sequence[Row], left: int, width: int | None) -> _Table | None:
    """Return one line a row, or more where prose is folded; None where that does not fit."""
    right = [index >= left and _are_numbers(row[index] for row in rows) for index in range(len(columns))]
    widths = _widths([columns, *rows], right, width)
    if widths is None:
        return None
    head = [Line(text, bold=True) for text in _cells(columns, widths, right)] if any(columns) else []
    return _Table(head, [[Line(text) for text in _cells(row, widths, right)] for row in rows])


def _are_numbers(cells: Iterator[str]) -> bool:
    return all(not cell or NUMBER.fullmatch(cell) or ".." in cell for cell in cells)


def _widths(rows: Sequence[Row], right: Sequence[bool], width: int | None) -> list[int] | None:
    """Return how wide each column is: as its longest cell, or, where that is too much, less for prose."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, cells)) for cells in columns]
    if width is None:
        return widths
    least = [
        full if number else max(min(full, PROSE), *(cell_len(word) for cell in cells for word in cell.split(" ")))
        for cells, full, number in zip(columns, widths, right, strict=True)
    ]
    room = width - GAP * (len(widths) - 1)
    while sum(widths) > room:
        spare, index = max((widths[i] if widths[i] > least[i] else 0, i) for i in range(len(widths)))
        if not spare:
            return None
        widths[index] -= 1
    return widths


def _cells(row: Row, widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    """Yield a row's lines."""
    folds = [folded(cell, width) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, folds))):
        parts = [fold[number] if number < len(fold) else "" for fold in folds]
        padded = [
            " " * (width - cell_len(part)) + part if is_right else part + " " * (width - cell_len(part))
            for part, width, is_right in zip(parts, widths, right, strict=True)
        ]
        yield (" " * GAP).join(padded).rstrip()


def _without_shared(columns: Sequence[str], rows: Sequence[Row], left: int, width: int | None) -> list[Line] | None:
    """Say what all rows have alike in a line above; None where nothing is, or that is not enough."""
    shared = [i for i in range(1, len(columns)) if len(rows) > 1 and rows[0][i] and len({row[i] for row in rows}) == 1]
    kept = [i for i in range(len(columns)) if i not in shared]
    if not shared or len(kept) < 2:
        return None
    found = _table(_picked(columns, kept), [_picked(row, kept) for row in rows], sum(i < left for i in kept), width)
    said = ", ".join(f"{columns[i]} {rows[0][i]}" for i in shared)
    return [*(Line(part) for part in folded(f"in every row: {said}", width or 0)), *found.lines()] if found else None


def _picked(row: Row, kept: Sequence[int]) -> list[str]:
    return [row[index] for index in kept]


def _under_names(columns: Sequence[str], rows: Sequence[Row], left: int, width: int | None) -> list[Line] | None:
    """Put the first column's names above their rows; None where the rest is too wide as well."""
    if len(columns) < 2:
        return None
    inner = _table(columns[1:], [row[1:] for row in rows], left - 1, (width or 0) - INDENT)
    if inner is None:
        return None
    found, head, above = [], inner.head, None
    for name, row in zip(_names(rows), inner.rows, strict=True):
        if name != above:
            found += [*_headed(name, width), *_indented(head)]
            head, above = [], name
        found += _indented(row)
    return found


def _headed(name: str, width: int | None) -> list[Line]:
    return [Line(part, bold=True) for part in folded(name, width or 0)]


def _indented(found: Sequence[Line]) -> list[Line]:
    return [Line(f"{' ' * INDENT}{line.text}", line.bold) for line in found]


def _names(rows: Sequence[Row]) -> list[str]:
    """Return each row's name; an empty one is the one above."""
    found: list[str] = []
    for row in rows:
        found.append(row[0] or (found[-1] if found else ""))
    return found


def _records(columns: Sequence[str], rows: Sequence[Row], width: int) -> Iterator[Line]:
    """Yield each row's name, and its values one below the other."""
    titles = max(map(cell_len, columns[1:]), default=0)
    before = INDENT + titles + GAP if titles else INDENT
    for row in rows:
        yield from _headed(row[0], width)
        for title, value in zip(columns[1:], row[1:], strict=True):
            for number, part in enumerate(folded(value, max(width - before, PROSE)) if value else ()):
                said = "" if number else title
                yield Line(f"{' ' * INDENT}{said}{' ' * (before - INDENT - cell_len(said))}{part}")
