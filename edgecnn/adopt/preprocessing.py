"""From pixels to what a file of others takes: one multiplication and one addition a channel.

``(pixel * scale - mean) / std`` is ``pixel * factor + shift``, and that is what the adopted file computes in float32.
``arrays`` gives the same numbers without ONNX, which the original is fed with when the two are compared.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.said import Said
from edgecnn.errors import EdgecnnError

ELEMENT = {"float": np.float32, "float16": np.float16, "double": np.float64, "uint8": np.uint8}


@dataclass(frozen=True)
class Preprocessing:
    """``mean`` and ``std`` have one number for each channel, in the order in which the file has the channels."""

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False

    @property
    def factor_c(self) -> NDArray[np.float32]:
        """What a pixel is multiplied with."""
        factor_c: NDArray[np.float32] = (self.scale / np.array(self.std)).astype(np.float32)
        return factor_c

    @property
    def shift_c(self) -> NDArray[np.float32]:
        """What is added then."""
        shift_c: NDArray[np.float32] = (-np.array(self.mean) / np.array(self.std)).astype(np.float32)
        return shift_c

    def __str__(self) -> str:
        """Say it in words.

        >>> print(Preprocessing(1 / 255, (0.5,), (0.5,)))
        gray, pixels x 1/255, mean 0.5, std 0.5
        """
        color = "gray" if len(self.mean) == 1 else "BGR" if self.bgr else "RGB"
        scale = f"1/{1 / self.scale:g}" if abs(self.scale) < 1 else f"{self.scale:g}"
        return f"{color}, pixels x {scale}, mean {_row(self.mean)}, std {_row(self.std)}"


def preprocessing(taken: Taken, said: Said, missing: list[str]) -> Preprocessing | None:
    """Return what is done to pixels; a scale that nobody said goes to ``missing``. Raises EdgecnnError."""
    channels = taken.image.channels
    if taken.kind == "uint8":
        if (said.scale or 1, said.mean or (0,), said.std or (1,)) != (1, (0,), (1,)):
            raise EdgecnnError(
                f"the file takes {taken.shape}, pixels as they are; leave out --scale, --mean and --std."
            )
        return Preprocessing(1.0, (0.0,) * channels, (1.0,) * channels, said.bgr or False)
    if said.scale is None:
        missing.append(
            "--scale: what pixels 0..255 are multiplied with before the file: 1/255 for 0..1, 1 for 0..255, 1/127.5 "
            "with --mean 1 for -1..1; --mean and --std as well where they are subtracted and divided by then"
        )
        return None
    mean, std = (
        _each(name, found, channels) for name, found in (("mean", said.mean or (0,)), ("std", said.std or (1,)))
    )
    numbers = np.array([said.scale, *mean, *std])
    if not np.isfinite(numbers).all() or said.scale == 0 or min(std) <= 0:
        raise EdgecnnError(
            f"found scale {said.scale:g}, mean {_row(mean)}, std {_row(std)}; expected numbers, a scale other than 0, "
            "and deviations above 0."
        )
    return Preprocessing(said.scale, mean, std, said.bgr or False)


def arrays(images_nhwc: NDArray[np.uint8], taken: Taken, done: Preprocessing) -> NDArray[np.generic]:
    """Return what the original is fed for images: the numbers that the adopted file computes, in the original's layout
    and type."""
    found_nhwc: NDArray[Any] = images_nhwc[..., ::-1] if done.bgr else images_nhwc
    if taken.kind != "uint8":
        found_nhwc = found_nhwc.astype(np.float32) * done.factor_c + done.shift_c
    laid = found_nhwc.transpose(0, 3, 1, 2) if taken.layout == "nchw" else found_nhwc
    count, (height, width) = len(laid), taken.image.shape[:2]
    shaped = (
        laid if taken.rank == 4 else laid.reshape(count, height, width) if taken.rank == 3 else laid.reshape(count, -1)
    )
    result: NDArray[np.generic] = np.ascontiguousarray(shaped, ELEMENT[taken.kind])
    return result


def _each(name: str, numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(numbers) not in (1, channels):
        raise EdgecnnError(f"--{name} has {len(numbers)} numbers; expected 1, or one for each of {channels} channels.")
    return tuple(float(number) for number in numbers) * (channels // len(numbers))


def _row(numbers: tuple[float, ...]) -> str:
    shown = numbers if len(set(numbers)) > 1 else numbers[:1]
    return " ".join(f"{number:.6g}" for number in shown)
