"""The photographs of cifar100 under their twenty coarse labels, 50,000 + 10,000, 32x32 RGB (Krizhevsky 2009)."""

from edgecnn.data.named.cifar100 import COARSE_NAMES, FOLDER, LICENSE, fetch

LABELS_KEY = "coarse_labels"
NAMES = COARSE_NAMES

__all__ = ["FOLDER", "LABELS_KEY", "LICENSE", "NAMES", "fetch"]
