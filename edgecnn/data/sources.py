"""What pictures of a user's own lie in: each prefix, and what lists them."""

from collections.abc import Callable
from pathlib import Path

from edgecnn.data import csv_file, folder, shards, tables
from edgecnn.data.listed import Listed

FOLDER = "folder:"
LISTED: dict[str, Callable[[Path], Listed]] = {
    FOLDER: folder.listed,
    "csv:": csv_file.listed,
    "parquet:": tables.parquet,
    "hf:": tables.saved,
    "tar:": shards.listed,
}


def prefix_of(dataset: str) -> str:
    """Return the prefix of a data set of pictures, else an empty string.

    >>> prefix_of("csv:labels.csv"), prefix_of("mnist")
    ('csv:', '')
    """
    return next((prefix for prefix in LISTED if dataset.startswith(prefix)), "")


def meant(dataset: str) -> str:
    """Return how the pictures or the table at a path without a prefix are named; "" where there are none."""
    path = Path(dataset)
    prefix = FOLDER if path.is_dir() else f"{path.suffix[1:]}:" if path.is_file() else ""
    return f"{prefix}{dataset}" if prefix in LISTED else ""


def path_of(dataset: str) -> Path:
    """Return where a data set of the user's own lies."""
    return Path(dataset.removeprefix(prefix_of(dataset)))


def listed_of(dataset: str) -> Listed | None:
    """List the pictures of a data set; None for one that comes as arrays. Raises DataError."""
    prefix = prefix_of(dataset)
    return LISTED[prefix](path_of(dataset)) if prefix else None
