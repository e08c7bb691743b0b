"""What pictures of a user's own lie in: each prefix, and what lists them. Shards may lie in a store of objects."""

from collections.abc import Callable
from pathlib import Path

from edgecnn.data import csv_file, folder, shards, tables
from edgecnn.data.listed import Listed
from edgecnn.data.stores import Location, is_address, location
from edgecnn.errors import DataError

FOLDER = "folder:"
HERE: dict[str, Callable[[Path], Listed]] = {  # what is read from this machine's file system alone
    FOLDER: folder.listed,
    "csv:": csv_file.listed,
    "hf:": tables.saved,
}
ANYWHERE: dict[str, Callable[[Location], Listed]] = {"parquet:": tables.parquet, "tar:": shards.listed}
LISTED = (*HERE, *ANYWHERE)


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
    """Return where a data set of the user's own lies on this machine. Raises DataError for one that lies elsewhere."""
    prefix, rest = _divided(dataset)
    if is_address(rest):
        raise DataError(
            f"{dataset}: {prefix} reads what lies on this machine; expected a path. From a store of objects "
            f"{' and '.join(ANYWHERE)} are read, and edgecnn data SOURCE --shards N makes archives for tar:."
        )
    return Path(rest)


def location_of(dataset: str) -> Location:
    """Return where a data set of the user's own lies. Raises DataError where nothing of its kind is read there."""
    prefix, rest = _divided(dataset)
    return location(rest) if prefix in ANYWHERE else path_of(dataset)


def base_name(dataset: str) -> str:
    """Return the last part of where a data set of the user's own lies.

    >>> base_name("tar:s3://bucket/flowers/"), base_name("folder:/home/ada/flowers")
    ('flowers', 'flowers')
    """
    _, rest = _divided(dataset)
    return rest.rstrip("/").rpartition("/")[2] if is_address(rest) else path_of(dataset).resolve().name


def listed_of(dataset: str) -> Listed | None:
    """List the pictures of a data set; None for one that comes as arrays. Raises DataError."""
    prefix, _ = _divided(dataset)
    if prefix in ANYWHERE:
        return ANYWHERE[prefix](location_of(dataset))
    return HERE[prefix](path_of(dataset)) if prefix else None


def _divided(dataset: str) -> tuple[str, str]:
    prefix = prefix_of(dataset)
    return prefix, dataset.removeprefix(prefix)
