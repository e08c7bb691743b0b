"""Photographs of a hundred kinds of things (fine labels), 50,000 + 10,000, 32x32 RGB (Krizhevsky 2009)."""

from pathlib import Path

import numpy as np

from edgecnn.data import cifar
from edgecnn.data.npz import Arrays

LICENSE = "none stated; cite Krizhevsky 2009"
FOLDER = "cifar100"
LABELS_KEY = "labels"
# fmt: off
NAMES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "computer_keyboard", "lamp", "lawn_mower", "leopard",
    "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree",
    "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew",
    "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper",
    "table", "tank", "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe",
    "whale", "willow_tree", "wolf", "woman", "worm",
)
COARSE_NAMES = (
    "aquatic mammals", "fish", "flowers", "food containers", "fruit and vegetables", "household electrical device",
    "household furniture", "insects", "large carnivores", "large man-made outdoor things",
    "large natural outdoor scenes", "large omnivores and herbivores", "medium-sized mammals",
    "non-insect invertebrates", "people", "reptiles", "small mammals", "trees", "vehicles 1", "vehicles 2",
)
COARSE_OF_FINE = (
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1,
    10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12,
    12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0,
    17, 8, 14, 13,
)
# fmt: on


def fetch(root: Path, split: str) -> dict[str, Arrays]:
    """Download through torchvision, or read the original ``cifar-100-python.tar.gz``; both kinds of labels are kept.

    torchvision reads the fine labels alone. A fine class belongs to one coarse class, so these follow from a table.
    """
    names = {"fine_names": np.array(NAMES), "coarse_names": np.array(COARSE_NAMES)}
    coarse_of_fine = np.array(COARSE_OF_FINE, dtype=np.uint8)
    return {
        part: {**arrays, "coarse_labels": coarse_of_fine[arrays["labels"]], **names}
        for part, arrays in cifar.fetch(root, "CIFAR100", FOLDER).items()
    }
