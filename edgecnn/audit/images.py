"""The images that a file is run on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.contender import open_contender
from edgecnn.errors import DataError
from edgecnn.insight.graph import Network
from edgecnn.quantize.yardstick import yardstick_for

MOST, NOISE = 64, 8


@dataclass(frozen=True)
class Images:
    """Images, and what they are."""

    images_nhwc: NDArray[np.uint8]
    source: str


def images_for(network: Network, reference: Network | None, *, dataset: str | None, root: str | Path | None) -> Images:
    """Return training images of a data set that is named, else the golden images of the card, else noise.

    Raises DataError where a data set is named for a file without a card.
    """
    known = network if network.card is not None else reference
    if known is None or known.card is None:
        if dataset is not None:
            raise DataError(f"{network.name}: has no card, so nothing says how images of {dataset} go into it. Make it "
                            "one of edgecnn's first: edgecnn adopt")  # fmt: skip
        drawn = np.random.default_rng(0).integers(0, 256, (NOISE, *network.input.image_shape), np.uint8)
        return Images(drawn, "noise, as the file has no card")
    if dataset is not None:
        found, _ = yardstick_for(known.path, known.card, dataset=dataset, root=root).calibration()
        return Images(found[:MOST], f"training images of {dataset}")
    return Images(open_contender(known.path).golden_images_nhwc, "golden images")
