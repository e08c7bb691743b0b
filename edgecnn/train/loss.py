"""The training loss: the cross entropy of a batch, in the ways that a recipe may ask for."""

from torch import Tensor
from torch.nn import functional as F

from edgecnn.recipes.schema import Loss
from edgecnn.train.augment import Batch


def mean_loss(logits_nk: Tensor, batch: Batch, wanted: Loss) -> Tensor:
    """Return the mean loss; of mixed images, that of either label by its share."""
    own = cross_entropy(logits_nk, batch.labels_n, wanted, "mean")
    if batch.partners_n is None:
        return own
    return batch.share * own + (1 - batch.share) * cross_entropy(logits_nk, batch.partners_n, wanted, "mean")


def cross_entropy(logits_nk: Tensor, labels_n: Tensor, wanted: Loss, reduction: str) -> Tensor:
    """Return torch's cross entropy of logits; or of probabilities taken for logits, as two reports have it."""
    if wanted.name == "cross-entropy-of-softmax":
        logits_nk = logits_nk.softmax(1)
    return F.cross_entropy(logits_nk, labels_n, label_smoothing=wanted.label_smoothing, reduction=reduction)
