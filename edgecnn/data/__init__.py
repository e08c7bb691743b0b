"""Data sets as uint8 arrays: named ones, folders of pictures, and .npz files of the user's own."""

from edgecnn.data.read import describe, is_here, is_named, licence, named, public_name, read_split
from edgecnn.data.root import data_root
from edgecnn.data.split import Split, divided, group, partition, restricted, stratified, subset

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
    "read_split",
    "restricted",
    "stratified",
    "subset",
]
