"""Help as plain text: lines of whole words, so that a name with dashes can be copied, at any width."""

import textwrap
from collections.abc import Sequence
from typing import Any

import typer

GAP = 2
_Formatter: Any = typer.Context.formatter_class


class _Help(_Formatter):  # type: ignore[misc]
    """Typer's formatter, which would fold at dashes: mnist-c1, --max-drop-pp."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; lines of one are joined."""
        paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
        indent = " " * self.current_indent
        self.write("\n\n".join(textwrap.indent("\n".join(_folded(p, self.width)), indent) for p in paragraphs) + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = GAP) -> None:
        """Write names and what they mean; a long name has a line of its own."""
        longest = max(len(name) for name, _ in rows)
        column = min(longest, col_max, self.width // 3) + col_spacing
        indent = " " * self.current_indent
        for name, meaning in rows:
            lines = _folded(meaning, self.width - column - self.current_indent)
            if len(name) + col_spacing > column:
                self.write(f"{indent}{name}\n")
                name = ""
            for number, line in enumerate(lines or [""]):
                self.write(f"{indent}{'' if number else name:{column}}{line}".rstrip() + "\n")


class Context(typer.Context):
    """What a command is called in, with this help."""

    formatter_class = _Help


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 20), break_on_hyphens=False, break_long_words=False)
