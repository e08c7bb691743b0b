"""Handwritten digits, 60,000 + 10,000, 28x28 gray, bright on dark (LeCun et al. 1998)."""

from pathlib import Path

from edgecnn.data import idx
from edgecnn.data.npz import Arrays

LICENSE = "none stated with the files; usually described as CC BY-SA 3.0; cite LeCun et al. 1998"
FOLDER = "mnist"
LABELS_KEY = "labels"
NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def fetch(root: Path, split: str) -> dict[str, Arrays]:
    """Download through torchvision, or read the originals from ``MNIST/raw``."""
    return idx.fetch(root, "MNIST", FOLDER, NAMES)
