"""The classifier alone, at the threshold that accepts 97 % of the digits of test crops: what else it accepts there."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from camera import rendered
from edgecnn.data import Split, read_split
from edgecnn.digits.pages.crops import crop, squares
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.metrics import Bin, expected_calibration_error, reliability
from edgecnn.runtime.classifier import Classifier

ACCEPTED = 0.97
SIZES = (rendered.SMALL, rendered.CAMERA)
BATCH = 256


@dataclass(frozen=True)
class Rejection:
    """The share accepted of letters and clutter of the rendered pages, and of the crops of "none", a third of which are
    digits cut wrongly. ``bins`` are images, confidence and accuracy of the reliability diagram."""

    threshold: float
    accepted_clutter: float
    clutter: int
    accepted_none: float
    digits: int
    nones: int
    accuracy: float
    calibration_error: float
    bins: list[list[float]]

    def record(self) -> dict[str, object]:
        """Return it as a record has it."""
        return asdict(self)


def measured(root: Path, material: Material, classifier: Classifier, pages: int) -> Rejection:
    """Measure on the test crops of a data root and on rendered pages."""
    return of_crops(read_split("digit-crops", "test", root=root), clutter_crops(material, pages), classifier)


def of_crops(split: Split, clutter_mhwc: NDArray[np.uint8], classifier: Classifier) -> Rejection:
    """Measure on crops that are here."""
    none = split.names.index("none")
    probabilities_nk = _probabilities(classifier, split.images_nhwc)
    digit_n, clutter_m = (
        np.delete(found_nk, none, axis=1).max(axis=1)
        for found_nk in (probabilities_nk, _probabilities(classifier, clutter_mhwc))
    )
    is_none = split.labels_n == none
    threshold = float(np.quantile(digit_n[~is_none], 1 - ACCEPTED))
    return Rejection(
        threshold=threshold,
        accepted_clutter=float((clutter_m >= threshold).mean()),
        clutter=len(clutter_m),
        accepted_none=float((digit_n[is_none] >= threshold).mean()),
        digits=int((~is_none).sum()),
        nones=int(is_none.sum()),
        accuracy=float((probabilities_nk.argmax(axis=1) == split.labels_n).mean()),
        calibration_error=expected_calibration_error(probabilities_nk, split.labels_n),
        bins=[[own.images, own.confidence, own.accuracy] for own in reliability(probabilities_nk, split.labels_n)],
    )


def clutter_crops(material: Material, count: int) -> NDArray[np.uint8]:
    """Cut letters, words, signs and shapes out of rendered pages, as the detector would hand them over."""
    found = list(_clutter(material, count))
    return np.concatenate(found)[..., None]


def _clutter(material: Material, count: int) -> Iterator[NDArray[np.uint8]]:
    for page, _ in rendered.drawn(material, count, SIZES):
        clutter = (page.labels_k == CLUTTER) & ~page.ignored_k
        if clutter.any():
            yield np.array([crop(page.image_hw, square) for square in squares(page.boxes_k4[clutter])])


def _probabilities(classifier: Classifier, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    batches = (images_nhwc[first : first + BATCH] for first in range(0, len(images_nhwc), BATCH))
    return np.concatenate([classifier.probabilities(batch) for batch in batches])


def draw_reliability(bins: Sequence[Sequence[float]], path: Path) -> None:
    """Draw accuracy against confidence; the dots grow with the images behind them."""
    found = [Bin(*own) for own in bins]
    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    sizes = [12 + 300 * own.images / sum(each.images for each in found) for own in found]
    axes.scatter([own.confidence for own in found], [own.accuracy for own in found], s=sizes)
    figure.savefig(path, dpi=120)
