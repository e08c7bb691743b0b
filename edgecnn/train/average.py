"""An exponential moving average of the weights and of the norms' statistics (Polyak and Juditsky 1992)."""

from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from edgecnn.checkpoint import PixelClassifier


class MovingAverage:
    """The average of a classifier over the steps: ``decay`` of the old, the rest new; early on, less of the old."""

    def __init__(self, classifier: PixelClassifier, decay: float) -> None:
        self.decay = decay
        self._model = AveragedModel(classifier, multi_avg_fn=self._lerp, use_buffers=True)

    @property
    def classifier(self) -> PixelClassifier:
        """The classifier with the averaged weights."""
        found = self._model.module
        assert isinstance(found, PixelClassifier)
        return found

    def update(self, classifier: PixelClassifier) -> None:
        """Take in the weights after a step."""
        self._model.update_parameters(classifier)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resume needs."""
        return self._model.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up ``state_dict``."""
        self._model.load_state_dict(state)

    @torch.no_grad()
    def _lerp(self, averages: Any, currents: Any, steps: Any) -> None:
        share = 1 - min(self.decay, (1 + int(steps)) / (10 + int(steps)))
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point():
                average.lerp_(current, share)
            else:
                average.copy_(current)
