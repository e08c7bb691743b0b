"""A teacher's answers that are computed once: images are varied in a fixed number of ways, epoch by epoch in turn.

Each way is a view: its order of images and its draws follow from its number and the batch's alone, so that an answer
belongs to an image of a view. One file a view lies in the run; what a kill loses of it is computed again, in the same
batch, to the same bits.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgecnn import files
from edgecnn.train.teacher import Answer

FILE = "teacher-{:03d}.npy"
KIND = torch.float16  # three digits of a logit, before it is softened


class Answers:
    """The answers to the view that is learned from now; NaN where there is none yet."""

    def __init__(
        self, answer: Answer, run: Path, images: int, classes: int, agree: Callable[[bool], bool] = bool
    ) -> None:
        self.answer, self.run, self.shape, self.agree = answer, run, (images, classes), agree
        self.view: int | None = None
        self.logits_nk = torch.empty(0)
        self.is_new = False

    def to(self, view: int, chosen: Tensor, images_nhwc: Tensor) -> Tensor:
        """Return logits_nk to the chosen images, given as this view shows them."""
        if view != self.view:
            self.view, self.logits_nk = view, self._read(view)
        rows = chosen.cpu()
        known = self.logits_nk[rows]
        if self.agree(bool(known.isnan().any())):  # one process of many that lacks it needs the others for it
            known = self.answer(images_nhwc).to("cpu", KIND)
            self.logits_nk[rows] = known
            self.is_new = True
        return known.to(chosen.device, torch.float32)

    def save(self) -> None:
        """Write what is new of this view."""
        if self.is_new and self.view is not None:
            with files.replacing(self.run / FILE.format(self.view)) as partial, partial.open("wb") as file:
                np.save(file, self.logits_nk.numpy())
            self.is_new = False

    def _read(self, view: int) -> Tensor:
        none = torch.full(self.shape, torch.nan, dtype=KIND)
        try:
            found = torch.from_numpy(np.load(self.run / FILE.format(view), allow_pickle=False))
        except (OSError, ValueError, EOFError):  # not there yet, or broken
            return none
        return found if (found.shape, found.dtype) == (none.shape, KIND) else none
