"""What happened, a line each, added as it happens."""

import datetime
import json
from pathlib import Path
from typing import Any

NAME = "log.jsonl"


def add(folder: Path, what: str, **more: str | None) -> None:
    """Add a line with the time. Lines of less than a page are written whole."""
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    line = {"at": at, "what": what, **{key: value for key, value in more.items() if value is not None}}
    with (folder / NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def lines(folder: Path) -> list[dict[str, Any]]:
    """Read all of it."""
    path = folder / NAME
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def last(folder: Path, what: str, run: str) -> dict[str, Any] | None:
    """Return the last line that says this of a run."""
    return next((line for line in reversed(lines(folder)) if (line["what"], line.get("run")) == (what, run)), None)
