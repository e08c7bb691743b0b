"""Articles of clothing, 60,000 + 10,000, 28x28 gray (Xiao et al. 2017, Zalando, MIT license)."""

from pathlib import Path

from edgecnn.data import idx
from edgecnn.data.npz import Arrays

LICENSE = "MIT, Zalando SE; cite Xiao et al. 2017"
FOLDER = "fashion-mnist"
LABELS_KEY = "labels"
NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def fetch(root: Path, split: str) -> dict[str, Arrays]:
    """Download through torchvision, or read the originals from ``FashionMNIST/raw``."""
    return idx.fetch(root, "FashionMNIST", FOLDER, NAMES)
