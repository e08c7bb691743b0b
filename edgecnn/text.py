"""Text that others wrote, on its way to where people read it: labels, names of files and classes, parts of messages.

``printable`` and ``lines`` for terminals, ``message`` for errors, ``markdown`` and ``fenced`` for generated pages,
``csv_text`` for spreadsheets, ``picture_text`` for pictures, ``json_text`` for JSON that a terminal shows.
"""

import re
from collections.abc import Iterable, Sequence

LONGEST_MESSAGE, LONGEST_PATH = 4_000, 1_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Control characters (C0, DEL, C1), marks that turn the direction of writing, line separators, halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NEGATIVE = re.compile(r"-[0-9]*[.,]?[0-9]+")
_MARKDOWN = re.compile(r"[\\`|<>\[\]]")
_BAR = re.compile(r"(?<!\\)\|")  # that is not escaped yet


def printable(text: str) -> str:
    r"""Return ``text`` with what would move a terminal's cursor, or turn its letters around, as escapes.

    >>> print(printable("a\x1b[31mred\n"))
    a\x1b[31mred\x0a
    """
    return _UNPRINTABLE.sub(_escape, text)


def shortened(text: str, longest: int = 80) -> str:
    """Return ``text``, without its middle where it is longer.

    >>> shortened("abcdefghij", 8)
    'abc … ij'
    """
    if len(text) <= longest:
        return text
    tail = (longest - 3) // 2
    return f"{text[: longest - 3 - tail]} … {text[-tail:]}"


def lines(text: str) -> str:
    """Return ``text`` printable, with its own lines."""
    return "\n".join(printable(line) for line in text.split("\n"))


def excerpt(value: object, longest: int = 80) -> str:
    """Return what a message quotes of a value that somebody else wrote: printable, and not at length."""
    return printable(shortened(value if isinstance(value, str) else repr(value), longest))


def message(text: str) -> str:
    """Return a message that may be shown: its lines are kept, each printable, and its length is bounded."""
    return lines(shortened(text, LONGEST_MESSAGE))


def json_text(document: str) -> str:
    r"""Return a JSON document that says the same with escapes in place of what a terminal must not get.

    >>> print(json_text('"\x9b31m"'))
    "\u009b31m"
    """
    return "\n".join(_UNPRINTABLE.sub(_json_escape, line) for line in document.split("\n"))


def markdown(text: str) -> str:
    r"""Return ``text`` as Markdown and HTML show it, on one line.

    >>> markdown("a|b <script>")
    'a\\|b \\<script\\>'
    """
    return _MARKDOWN.sub(r"\\\g<0>", printable(text))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, left: int | None = None) -> str:
    r"""Return a table of Markdown from cells that are Markdown; all but the ``left`` first columns are set right.

    >>> print(table(("run", "seeds"), [("a|b", "3")], left=1))
    | run | seeds |
    | --- | --: |
    | a\|b | 3 |
    """
    rule = ["---" if left is None or index < left else "--:" for index in range(len(columns))]
    escaped = ([_BAR.sub(r"\|", cell) for cell in row] for row in (columns, rule, *rows))
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def fenced(text: str, language: str) -> str:
    r"""Return ``text`` as a block of code of Markdown, which nothing in it can end.

    >>> print(fenced("a = 1", "toml"))
    ```toml
    a = 1
    ```
    """
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{lines(text)}\n{fence}"


def picture_text(text: str) -> str:
    """Return ``text`` as Matplotlib draws it: letters, and no formula between dollars."""
    return printable(text).replace("$", r"\$")


def csv_text(cells: Iterable[object]) -> list[object]:
    """Return a row whose texts no spreadsheet takes for formulas: what begins like one gets an apostrophe in front.

    >>> csv_text(("=1+1", -0.5, "a", "-17,5", "-17-5"))
    ["'=1+1", -0.5, 'a', '-17,5', "'-17-5"]
    """
    return [f"'{cell}" if isinstance(cell, str) and _is_formula(cell) else cell for cell in cells]


def _is_formula(cell: str) -> bool:
    return cell.startswith(FORMULA) and not _NEGATIVE.fullmatch(cell)


def counted(number: int, noun: str) -> str:
    """Return the number and its noun: 1 frame, 1,000 frames."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a time as people say it.

    >>> duration(7.25), duration(75), duration(3700)
    ('7.2 s', '1:15 min', '1:01 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
