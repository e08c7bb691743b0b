"""Photographs of ten kinds of things, 50,000 + 10,000, 32x32 RGB (Krizhevsky 2009)."""

from pathlib import Path

from edgecnn.data import cifar
from edgecnn.data.npz import Arrays

LICENSE = "none stated; cite Krizhevsky 2009"
FOLDER = "cifar10"
LABELS_KEY = "labels"
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def fetch(root: Path, split: str) -> dict[str, Arrays]:
    """Download through torchvision, or read the original ``cifar-10-python.tar.gz``."""
    return cifar.fetch(root, "CIFAR10", FOLDER)
