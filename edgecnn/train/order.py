"""Which images an epoch learns from, and in which order."""

import torch
from torch import Tensor


def order(targets: Tensor, sampling: str, seed: int) -> Tensor:
    """Return the places of as many images as there are: each once, or drawn so that every class is as likely."""
    generator = torch.Generator().manual_seed(seed)
    if sampling == "all":
        return torch.randperm(len(targets), generator=generator)
    labels_n = targets.cpu()
    weights_n = 1 / torch.bincount(labels_n)[labels_n].double()
    return torch.multinomial(weights_n, len(labels_n), replacement=True, generator=generator)
