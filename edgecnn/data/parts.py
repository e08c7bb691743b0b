"""What the parts of a data set are called by those who make them: folders, files, words in a column."""

from collections.abc import Iterable, Sequence
from typing import Literal

from edgecnn.data.listed import Entry, Listed
from edgecnn.data.stores import Location, parts_below
from edgecnn.data.whole import HELD_OUT, Left, Sources
from edgecnn.errors import DataError

TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation")
TEST = ("test", "testing")

Part = Literal["train", "validation", "test"]


def part_of(word: str) -> Part | None:
    """Return what a word stands for, or None.

    >>> part_of("Valid"), part_of("testing"), part_of("other")
    ('validation', 'test', None)
    """
    known: tuple[tuple[Part, Sequence[str]], ...] = (("train", TRAIN), ("validation", VALIDATION), ("test", TEST))
    return next((part for part, words in known if word.strip().lower() in words), None)


def part_of_file(file: Location, top: Location) -> Part | None:
    """Return the split that a file is of by its folder or its name, as in train-00000-of-00003.parquet; None for a file
    that was named alone."""
    if file == top:
        return None
    words = (*parts_below(file, top)[:-1], file.stem.partition("-")[0].partition(".")[0])
    return next((part for word in reversed(words) if (part := part_of(word)) is not None), None)


def divided(dataset: str, names: tuple[str, ...], entries: Iterable[tuple[Part | None, Entry]], all_of: str) -> Listed:
    """Return entries by their parts: all of none, or each of one. Beside train alone, validation is the test split.

    ``all_of`` is what the data set is made of. Raises DataError.
    """
    found: dict[Part | None, list[Entry]] = {}
    for part, entry in entries:
        found.setdefault(part, []).append(entry)
    parts = {part: tuple(own) for part, own in found.items()}
    if set(parts) in ({None}, {"train"}):
        return Listed(dataset, names, next(iter(parts.values())), None, None, Sources(all_of, None, HELD_OUT), Left())
    if "train" not in parts or len(parts) < 2:
        there = " and ".join(str(part) for part in parts if part)
        raise DataError(
            f"{dataset}: has a split {there} and none called train; expected train, and test or val beside it."
        )
    if "test" not in parts:
        parts["test"] = parts.pop("validation")
    own = "validation" if "validation" in parts else None
    return Listed(
        dataset, names, parts["train"], parts.get("validation"), parts["test"], Sources("train", own, "test"), Left()
    )
