"""Where a training's images come from: all on the device, or batch by batch out of their files."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgecnn.data.streamed import Streamed
from edgecnn.train.examples import Examples
from edgecnn.train.order import order


class Feed(Protocol):
    """What gives the images of a split, uint8 (N, H, W, C) on the device."""

    def order(self, sampling: str, seed: int) -> Tensor:
        """Return the places of the images of an epoch, which then begins."""

    def chosen(self, order: Tensor, start: int, stop: int) -> Tensor:
        """Return the images of a batch: those of ``order`` from ``start`` on, each batch where the one before ended;
        the first may be anywhere."""

    def between(self, start: int, stop: int) -> Tensor:
        """Return images as they stand one after the other."""


def feed(examples: Examples, targets: Tensor, device: torch.device) -> Feed:
    """Return what gives the images of a split; ``targets`` are on the device."""
    if isinstance(examples.images, Streamed):
        return _FromFiles(examples.images, device)
    return _InMemory(torch.from_numpy(examples.images).to(device), targets)


class _InMemory:
    def __init__(self, images_nhwc: Tensor, targets: Tensor) -> None:
        self._images_nhwc, self._targets = images_nhwc, targets

    def order(self, sampling: str, seed: int) -> Tensor:
        return order(self._targets, sampling, seed).to(self._targets.device)

    def chosen(self, order: Tensor, start: int, stop: int) -> Tensor:
        return self._images_nhwc.index_select(0, order[start:stop])

    def between(self, start: int, stop: int) -> Tensor:
        return self._images_nhwc[start:stop]


class _FromFiles:
    """Reads ahead as far as the buffer reaches, and holds what is not learned from yet."""

    def __init__(self, pictures: Streamed, device: torch.device) -> None:
        self._pictures, self._device = pictures, device
        self._coming: list[int] = []
        self._held: dict[int, NDArray[np.uint8]] = {}
        self.most_held = 0

    def order(self, sampling: str, seed: int) -> Tensor:
        coming, drawn = self._pictures.orders(seed)
        self._coming, self._held = coming[::-1].tolist(), {}
        return torch.from_numpy(drawn).to(self._device)

    def chosen(self, order: Tensor, start: int, stop: int) -> Tensor:
        gone = set(order[:start].tolist()) if start and not self._held else set()
        places = order[start:stop].tolist()
        for place in places:
            while place not in self._held:
                coming = self._coming.pop()
                if coming not in gone:
                    self._held[coming] = self._pictures.read_one(coming)
        self.most_held = max(self.most_held, len(self._held))
        return torch.from_numpy(np.stack([self._held.pop(place) for place in places])).to(self._device)

    def between(self, start: int, stop: int) -> Tensor:
        stop = min(stop, len(self._pictures))
        return torch.from_numpy(self._pictures.read(np.arange(start, stop))).to(self._device)
