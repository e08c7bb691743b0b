"""MNIST and what shares its file format: four gzipped IDX files under ``<CLASS>/raw``."""

from pathlib import Path

import numpy as np

from edgecnn.data.download import scratch, torchvision_datasets
from edgecnn.data.npz import Arrays


def fetch(root: Path, class_name: str, name: str, label_names: tuple[str, ...]) -> dict[str, Arrays]:
    """Return both splits of torchvision's data set ``class_name``."""
    dataset = getattr(torchvision_datasets(), class_name)
    archives = {f"{class_name}/raw/{archive}": md5 for archive, md5 in dataset.resources}
    with scratch(root, archives, name) as folder:
        splits = {"train": dataset(folder, train=True, download=True), "test": dataset(folder, train=False)}
        return {
            split: {
                "images": found.data.numpy(),
                "labels": found.targets.numpy().astype(np.uint8),
                "label_names": np.array(label_names),
            }
            for split, found in splits.items()
        }
