"""What a finder's page says where a classifier's says something else."""

from edgecnn.card import ModelCard
from edgecnn.verify import FinderComparison

LIMITS = (
    "For frames and photographs in which digits are at least about ten pixels high and upright within 15 degrees, in "
    "any light and polarity. It says where something looks like a digit, not which one; letters and signs pass it now "
    "and then, so put a classifier behind it that can reject, such as digits-webcam. It was trained and chosen on "
    "rendered pages: measure it on your own pictures before relying on it."
)


def head(card: ModelCard) -> str:
    """Say what goes in and what comes out."""
    return (
        "Takes gray frames of any size, uint8 as they come, and answers boxes, scores and 28x28 crops of what it "
        f"finds: {', '.join(card.labels)}."
    )


def use(name: str) -> str:
    """Return the lines to copy."""
    return f"""\
```python
import edgecnn, numpy as np

frame = np.zeros((480, 640, 3), np.uint8)  # any size; RGB, gray or RGBA
finds = edgecnn.load_finder("{name}").find(frame)
print(len(finds), finds.boxes_m4, finds.scores_m, finds.crops_mhwc.shape)
```

```console
$ edgecnn webcam digits-webcam --finder {name} --source 0
$ edgecnn selftest {name}
```"""


def figures(verify: FinderComparison) -> str:
    """Say what was measured on the pages."""
    best, (low, high) = verify.candidate, verify.drop_pp_ci95
    verdict = f", {verify.verdict} at the allowed {verify.max_drop_pp:g}"
    return (
        f"F1 of boxes that overlap a digit by half of their union, on {verify.digits:,} digits of "
        f"{verify.pages:,} rendered pages that were not trained on (other handwriting, some other typefaces), by "
        f"which it was chosen: {best.found:,} found, {best.missed:,} missed, {best.false:,} false, precision "
        f"{best.precision:.4f}, recall {best.recall:.4f}. Against the float32 parent F1 drops by "
        f"{verify.drop_pp:.2f} points (95 %: {low:.2f}..{high:.2f}{verdict}). Latency is that of a frame of 640x480."
    )


def data(card: ModelCard) -> str:
    """Say what it learnt from."""
    return (
        f"{card.dataset.name}: {card.dataset.train:,} rendered pages to train and {card.dataset.validation:,} to "
        "validate, with handwriting of MNIST's training split (and EMNIST's letters) and print of free typefaces; no "
        "photograph.\n\nLicence of edgecnn and of this file: MIT."
    )
