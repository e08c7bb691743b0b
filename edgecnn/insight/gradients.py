"""Grad-CAM (Selvaraju et al. 2017): where the maps of the last convolution speak for a class, by the gradients of its
logit. A model file has no gradients, so this takes the checkpoint, and PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgecnn.checkpoint import Checkpoint
from edgecnn.errors import CheckpointError


@dataclass(frozen=True, eq=False)
class GradCam:
    """``map_hw`` is 0..1, of the size of the image; ``layer`` is the module whose maps were weighed."""

    class_id: int
    layer: str
    map_hw: NDArray[np.float32]


def grad_cam(checkpoint: Checkpoint, image_hwc: NDArray[np.uint8], class_id: int) -> GradCam:
    """Weigh the maps of the last convolution that are larger than one pixel by the mean gradients of a class's logit.

    Of a network that also looks at the mirror image the view as it is counts. Raises CheckpointError where no
    convolution has such maps.
    """
    network = checkpoint.build()
    maps = _Maps(network)
    with torch.enable_grad():
        logits_nk = network(torch.from_numpy(image_hwc[None].copy()))
        name, map_nchw = maps.last()
        (gradient_nchw,) = torch.autograd.grad(logits_nk[0, class_id], map_nchw)
    weights_c11 = gradient_nchw[0].mean(dim=(1, 2), keepdim=True)
    raw_hw = torch.relu((weights_c11 * map_nchw[0].detach()).sum(dim=0))
    scaled_hw = nn.functional.interpolate(
        raw_hw[None, None], size=image_hwc.shape[:2], mode="bilinear", align_corners=False
    )[0, 0]
    found_hw = scaled_hw / scaled_hw.max().clamp(min=torch.finfo(torch.float32).tiny)
    return GradCam(class_id, name, found_hw.numpy())


class _Maps:
    """What the convolutions of a network give, in order of computation."""

    def __init__(self, network: nn.Module) -> None:
        self.found: list[tuple[str, Tensor]] = []
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(self._keeper(name))

    def _keeper(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def keep(module: nn.Module, taken: tuple[Tensor, ...], given: Tensor) -> None:
            self.found.append((name, given))

        return keep

    def last(self) -> tuple[str, Tensor]:
        for name, map_nchw in reversed(self.found):
            if map_nchw.shape[2] * map_nchw.shape[3] > 1:
                return name, map_nchw
        raise CheckpointError(
            "no convolution of this network has maps larger than one pixel, so there is no place to show. Expected a "
            "convolutional network."
        )
