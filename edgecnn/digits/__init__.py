"""Digits anywhere in a frame, read as text: the one application that edgecnn brings, with the data it learns from.

``Reader`` reads one frame by itself, ``VideoReader`` one after another, where the last frames vote. Both take NumPy and
ONNX Runtime alone. OpenCV only renders ``pages``, which the detector and the classifier learn from.

>>> from PIL import Image, ImageDraw, ImageFont
>>> from edgecnn.digits import Reader
>>> page = Image.new("RGB", (320, 240), "white")
>>> ImageDraw.Draw(page).text((60, 40), "2 7 5\\n8 1", fill="black", font=ImageFont.load_default(48))
>>> reading = Reader("digit-finder", "digits-webcam").read(page)
>>> reading.text
'275\\n81'
>>> [digit.label for digit in reading.lines[1]]
['8', '1']
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecnn.digits.reading import Digit, Reader, Reading, Seen, VideoReader

__all__ = ["Digit", "Reader", "Reading", "Seen", "VideoReader"]


def __getattr__(name: str) -> Any:
    """Import what reads once it is asked for: pages, and a help text, need no engine."""
    if name not in __all__:
        raise AttributeError(f"module 'edgecnn.digits' has no attribute {name!r}")
    return getattr(importlib.import_module("edgecnn.digits.reading"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
