"""Data sets as uint8 arrays: named ones, folders of pictures, and .npz files of the user's own."""

import edgecnn.data.named  # noqa: F401 - now: the function below takes the place that an import gives to the package
from edgecnn.data.read import (
    describe,
    is_here,
    is_named,
    licence,
    named,
    public_name,
    read_other,
    read_split,
    read_whole,
)
from edgecnn.data.root import data_root
from edgecnn.data.split import Split, divided, group, partition, relabelled, restricted, stratified, subset

__all__ = [
    "Split",
    "data_root",
    "describe",
    "divided",
    "group",
    "is_here",
    "is_named",
    "licence",
    "named",
    "partition",
    "public_name",
    "read_other",
    "read_split",
    "read_whole",
    "relabelled",
    "restricted",
    "stratified",
    "subset",
]
