"""A table of Markdown, for the pages that programs write."""

from collections.abc import Iterable, Sequence


def table(names: Sequence[str], rows: Iterable[Sequence[object]], align: str) -> str:
    """Return a table of Markdown; ``align`` has l or r for each column."""
    lines = [
        f"| {' | '.join(names)} |",
        "|" + "|".join("--:" if side == "r" else "---" for side in align[: len(names)]) + "|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])
