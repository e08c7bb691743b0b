"""Labels as a user says them: names, a range of numbers, or a file."""

import json
import re
from pathlib import Path

from edgecnn.errors import EdgecnnError
from edgecnn.text import excerpt

SUFFIXES = (".txt", ".json", ".names", ".csv")
MOST_BYTES, MOST = 4_000_000, 100_000


def labels_of(text: str) -> tuple[str, ...]:
    """Return labels in their order. Raises EdgecnnError for a file that has none.

    >>> labels_of("8..11"), labels_of("cat, dog")
    (('8', '9', '10', '11'), ('cat', 'dog'))
    """
    span = re.fullmatch(r"(\d{1,6})\.\.(\d{1,6})", text)
    if span and int(span[1]) <= int(span[2]):
        return tuple(map(str, range(int(span[1]), int(span[2]) + 1)))
    path = Path(text)
    if path.suffix in SUFFIXES:
        return _of_file(path)
    return tuple(part.strip() for part in text.split(","))


def _of_file(path: Path) -> tuple[str, ...]:
    try:
        content = path.read_bytes()[:MOST_BYTES].decode("utf-8-sig")
    except OSError as error:
        raise EdgecnnError(f"{path}: cannot be read ({error.strerror}). Expected labels, one a line.") from error
    except UnicodeDecodeError as error:
        raise EdgecnnError(f"{path}: is no text in UTF-8 ({error.reason}). Expected labels, one a line.") from error
    labels = _of_json(path, content) if path.suffix == ".json" else by_line(content)
    if not 1 < len(labels) <= MOST:
        raise EdgecnnError(f"{path}: has {len(labels)} labels; expected 2 to {MOST:,}, one a line.")
    return labels


def by_line(content: str) -> tuple[str, ...]:
    """Return one label a line; the numbers that Teachable Machine puts before them are left out.

    >>> by_line("0 cat\\n1 dog\\n"), by_line("1\\n0\\n")
    (('cat', 'dog'), ('1', '0'))
    """
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    numbered = [re.fullmatch(rf"{index}[ :,]\s*(.+)", line) for index, line in enumerate(lines)]
    return tuple(match[1] for match in numbered if match) if all(numbered) else tuple(lines)


def by_place(found: object) -> tuple[str, ...] | None:
    """Return labels in the order of their places, of a list or of a mapping from numbers; None for what are none.

    >>> by_place({"1": "dog", "0": "cat"}), by_place({"cat": 0})
    (('cat', 'dog'), None)
    """
    if isinstance(found, list | tuple):
        return tuple(map(str, found)) or None
    if not isinstance(found, dict) or not all(str(place).isdecimal() for place in found):
        return None
    places = {int(place): str(label) for place, label in found.items()}
    return tuple(places[place] for place in range(len(places))) if set(places) == set(range(len(places))) else None


def _of_json(path: Path, content: str) -> tuple[str, ...]:
    try:
        labels = by_place(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise EdgecnnError(f"{path}: is no JSON ({excerpt(str(error))}).") from error
    if labels is None:
        raise EdgecnnError(f'{path}: expected a list of labels, or a mapping {{"0": label, …}}.')
    return labels
