"""Digits as they are cropped from frames, and what is none: about 300,000 + 15,000 crops of rendered pages, 28x28 gray.

Rendered from MNIST's training split, from EMNIST's letters where the data root has ``emnist-letters``, and from the
fonts that are installed, half of them cut where ``digit-finder/fp32`` of the zoo finds them; see
``edgecnn.digits.pages``. The test crops share no handwriting with the others.
"""

from pathlib import Path

import numpy as np

from edgecnn.data.npz import Arrays, CachedSplit

LICENSE = "MNIST's and EMNIST's (cite LeCun et al. 1998, Cohen et al. 2017); the fonts' own are OFL, Apache or freer"
FOLDER = "digit-crops"
LABELS_KEY = "labels"
NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "none")
PAGES = {"train": 36_000, "test": 1_800}
SEEDS = {"train": 61, "test": 62}


def fetch(root: Path, split: CachedSplit) -> dict[str, Arrays]:
    """Render a split, which takes minutes for the one to train on."""
    from edgecnn.digits.pages.digit_pages import SIZE, each_page  # OpenCV is needed to render, not to name the set
    from edgecnn.digits.pages.glyph_sources import read_material
    from edgecnn.digits.pages.page_crops import as_detected

    found = list(each_page(SEEDS[split], PAGES[split], SIZE, read_material(split, root), as_detected))
    arrays = {
        "images": np.concatenate([crops.images for crops in found]),
        "labels": np.concatenate([crops.labels for crops in found]),
        "label_names": np.array(NAMES),
    }
    return {split: arrays}
