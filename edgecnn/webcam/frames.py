"""What a source gives, and what is used of OpenCV to get it."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame, uint8 (H, W, 3) in BGR. ``number`` counts what the source gave, from 0."""

    number: int
    pixels_bgr: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Source:
    """An open source. Close ``frames`` when done; None among them says that nothing new came within 50 ms."""

    name: str
    kind: Literal["still", "file", "live"]
    fps: float
    frames: Generator[Frame | None, None, None]


class Capture(Protocol):
    """What is used of ``cv2.VideoCapture``."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name

    def read(self) -> tuple[bool, Any]: ...

    def release(self) -> None: ...
