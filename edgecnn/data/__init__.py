"""Data sets as uint8 arrays: named ones, folders of pictures, and .npz files of the user's own."""

from edgecnn.data.held import drawn_record
from edgecnn.data.read import (
    brought_to,
    describe,
    is_here,
    is_named,
    license_of,
    public_name,
    read_other,
    read_split,
    read_whole,
)
from edgecnn.data.root import data_root
from edgecnn.data.split import Split, divided, group, partition, relabeled, restricted, stratified, subset

__all__ = [
    "Split",
    "brought_to",
    "data_root",
    "describe",
    "divided",
    "drawn_record",
    "group",
    "is_here",
    "is_named",
    "license_of",
    "partition",
    "public_name",
    "read_other",
    "read_split",
    "read_whole",
    "relabeled",
    "restricted",
    "stratified",
    "subset",
]
