"""What a detector's page in the zoo says."""

from edgecnn import documents
from edgecnn.card import ModelCard
from edgecnn.tasks._detection.comparison import DetectionComparison
from edgecnn.verify import Compared

USE = """\
```python
import edgecnn, numpy as np

frame = np.zeros((480, 640, 3), np.uint8)  # any size; RGB, gray or RGBA
found = edgecnn.load_detector("{name}").detect(frame)
print(len(found), found.boxes_m4, found.scores_m, found.crops_mhwc.shape)
```

```console
$ edgecnn webcam digits-webcam --detector {name} --source 0
$ edgecnn selftest {name}
```"""
LIMITS = (
    "For frames and photographs in which digits are at least about ten pixels high and upright within 15 degrees, in "
    "any light and polarity. It says where something looks like a digit, not which one; letters and signs pass it now "
    "and then, so put a classifier behind it that can reject, such as digits-webcam. It was trained and chosen on "
    "rendered pages: measure it on your own pictures before relying on it."
)


class DetectionPage:
    """See ``report.page.Page``."""

    def purpose(self, card: ModelCard) -> str:
        """Say in a few words what a model tells apart."""
        return f"detects {', '.join(card.labels)}"

    def takes(self, card: ModelCard) -> str:
        """Say in a few words what images it takes."""
        return "any size, gray"

    def head(self, card: ModelCard) -> str:
        """Say in a sentence what goes in and what comes out."""
        return (
            "Takes gray frames of any size, uint8 as they come, and answers boxes, scores and 28x28 crops of what it "
            f"detects: {', '.join(card.labels)}."
        )

    def use(self, name: str, card: ModelCard) -> str:
        """Return the lines to copy."""
        return USE.format(name=name)

    def limits(self, card: ModelCard) -> str:
        """Say what it is for, and what it is not."""
        return LIMITS

    def data(self, card: ModelCard) -> str:
        """Say what it was trained on, and under which license."""
        return (
            f"{card.dataset.name}: {card.dataset.train:,} rendered pages to train and {card.dataset.validation:,} to "
            "validate, with handwriting of MNIST's training split (and EMNIST's letters) and print of free typefaces; "
            "no photograph.\n\nLicense of edgecnn and of this file: MIT."
        )

    def comparison(self, document: bytes) -> DetectionComparison:
        """Read what ``edgecnn verify --json`` printed. Raises DocumentError."""
        return documents.from_json(DetectionComparison, document, "it")

    def figures(self, found: Compared) -> str:
        """Say in words what the comparison has."""
        assert isinstance(found, DetectionComparison)
        best, (low, high) = found.candidate, found.drop_pp_ci95
        verdict = f", {found.verdict} at the allowed {found.max_drop_pp:g}"
        return (
            f"F1 of boxes that overlap a digit by half of their union, on {found.objects:,} digits of "
            f"{found.images:,} rendered pages that were not trained on (other handwriting, some other typefaces), by "
            f"which it was chosen: {best.true_positives:,} detected, {best.false_negatives:,} missed, "
            f"{best.false_positives:,} false positives, precision {best.precision:.4f}, recall {best.recall:.4f}. "
            f"Against the float32 parent F1 drops by {found.drop_pp:.2f} points (95 %: {low:.2f}..{high:.2f}{verdict})"
            ". Latency is that of a frame of 640x480."
        )
