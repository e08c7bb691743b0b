"""CIFAR-10 and CIFAR-100: one archive of pickles each, read by torchvision after it has checked them."""

from pathlib import Path

import numpy as np

from edgecnn.data.download import scratch, torchvision_datasets
from edgecnn.data.npz import Arrays


def fetch(root: Path, class_name: str, name: str) -> dict[str, Arrays]:
    """Return images and labels of both splits of torchvision's data set ``class_name``."""
    dataset = getattr(torchvision_datasets(), class_name)
    with scratch(root, {dataset.filename: dataset.tgz_md5}, name) as folder:
        splits = {"train": dataset(folder, train=True, download=True), "test": dataset(folder, train=False)}
        return {
            split: {"images": found.data, "labels": np.array(found.targets, dtype=np.uint8)}
            for split, found in splits.items()
        }
