"""What a transform of torchvision or timm does to a picture, as the numbers that go into a file.

A transform for inference brings a picture to a size, makes numbers of it, and normalizes these. The numbers and the
normalization are carried over, and held to the transform itself on pictures of the right size; how a picture comes to
that size is the application's, and is told. Steps are known by their names, so that both versions of torchvision and
timm are read alike without importing either. Anything else is an error that names the step.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgecnn.errors import EdgecnnError
from edgecnn.text import shortened

TOLERANCE = 1e-5  # of a normalized pixel
SIZING = ("Resize", "CenterCrop", "ResizeKeepRatio", "CenterCropOrPad", "Pad", "Grayscale")
SCALING = ("ToTensor", "MaybeToTensor")  # whole numbers become 0..1
COPYING = ("PILToTensor", "ToImage", "MaybePILToTensor", "ToPureTensor", "Identity")
CONVERTING = ("ConvertImageDtype", "ToDtype")


@dataclass(frozen=True)
class Read:
    """``scale``, ``mean`` and ``std`` as Said has them; ``size`` (height, width) where the transform brings pictures to
    one. ``inside`` are the steps that the file computes, ``outside`` those that are the application's."""

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int] | None
    inside: tuple[str, ...]
    outside: tuple[str, ...]
    steps: tuple[Any, ...]

    @property
    def remarks(self) -> list[str]:
        """Say what is in the file and what is not."""
        found = [f"in the file: {', '.join(self.inside) or 'nothing of the transform'}."]
        if self.outside:
            found.append(
                f"not in the file: {', '.join(self.outside)}. It takes pictures of its size; edgecnn brings them to it "
                "by cropping the middle and averaging. Do these steps before it for the same answers as with them."
            )
        return found

    def check(self, pictures_nhwc: NDArray[np.uint8], fed_nchw: NDArray[np.generic]) -> None:
        """Raise EdgecnnError unless the transform makes of pictures of the right size what the file makes of them."""
        for picture_hwc, expected_chw in zip(pictures_nhwc, np.asarray(fed_nchw, np.float32), strict=True):
            found: Any = Image.fromarray(picture_hwc.squeeze())
            for step in self.steps:
                found = step(found)
            found_chw = np.asarray(found, dtype=np.float32)
            if found_chw.shape != expected_chw.shape or np.abs(found_chw - expected_chw).max() > TOLERANCE:
                raise EdgecnnError(
                    f"the transform makes {_of(found_chw)} of a picture, and {', '.join(self.inside)} as they were "
                    f"read {_of(expected_chw)}. Say numbers in its place: scale, mean, std."
                )


def read(transform: Any) -> Read:
    """Read a transform. Raises EdgecnnError for a step that cannot be carried over."""
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    size: tuple[int, int] | None = None
    inside: list[str] = []
    outside: list[str] = []
    kept: list[Any] = []
    for step in _steps(transform):
        name = type(step).__name__
        if name in SIZING and not inside:
            outside.append(_told(step))
            size = _size(name, step) or size
            continue
        kept.append(step)
        inside.append(_told(step))
        if name in SCALING or (name in CONVERTING and _scales(name, step)):
            scale = 1 / 255
        elif name == "Normalize":
            mean, std = (tuple(float(one) for one in np.ravel(values)) for values in (step.mean, step.std))
        elif name not in (*COPYING, *CONVERTING):
            raise EdgecnnError(_refused(name, step))
    return Read(scale, mean, std, size, tuple(inside), tuple(outside), tuple(kept))


def _steps(transform: Any) -> Iterable[Any]:
    """Yield the steps of a transform, those of a preset of torchvision's weights as what it does."""
    if type(transform).__name__ == "ImageClassification":
        yield from _preset(transform)
        return
    inner = getattr(transform, "transforms", None)
    if isinstance(inner, (list, tuple)) or type(inner).__name__ == "ModuleList":
        for step in inner:  # type: ignore[union-attr]
            yield from _steps(step)
    elif isinstance(transform, (list, tuple)):
        for step in transform:
            yield from _steps(step)
    else:
        yield transform


def _preset(preset: Any) -> Iterable[Any]:
    import torch
    from torchvision import transforms

    yield transforms.Resize(preset.resize_size, interpolation=preset.interpolation, antialias=preset.antialias)
    yield transforms.CenterCrop(preset.crop_size)
    yield transforms.PILToTensor()
    yield transforms.ConvertImageDtype(torch.float)
    yield transforms.Normalize(mean=preset.mean, std=preset.std)


def _size(name: str, step: Any) -> tuple[int, int] | None:
    """Return the size that a step brings every picture to; a single side of Resize is the shorter one."""
    found = getattr(step, "size", None)
    sides = [int(side) for side in np.ravel(found)] if found is not None else []
    if len(sides) == 2:
        return sides[0], sides[1]
    return (sides[0], sides[0]) if len(sides) == 1 and name.startswith("CenterCrop") else None


def _scales(name: str, step: Any) -> bool:
    return name == "ConvertImageDtype" or bool(getattr(step, "scale", False))


def _told(step: Any) -> str:
    text = " ".join(str(step).split())
    if "tensor(" in text and type(step).__name__ == "Normalize":  # timm's, whose row of numbers would be cut
        mean, std = ([float(f"{one:.6g}") for one in np.ravel(values)] for values in (step.mean, step.std))
        text = f"Normalize(mean={mean}, std={std})"
    return shortened(text if text.startswith(type(step).__name__) else type(step).__name__)


def _refused(name: str, step: Any) -> str:
    if name.startswith(("Random", "Auto", "Aug", "TrivialAugment", "ColorJitter", "MixUp", "CutMix")):
        return f"the transform has {_told(step)}, which is for training. Give the one that you use for inference."
    known = ", ".join((*SIZING, *SCALING, *COPYING, *CONVERTING, "Normalize"))
    return (
        f"the transform has {_told(step)}, which cannot be carried over exactly. Known are {known}. Say numbers in its "
        "place, scale, mean and std, or put the step into the module."
    )


def _of(values: NDArray[np.float32]) -> str:
    return f"{values.shape} from {values.min():.6g} to {values.max():.6g}"
