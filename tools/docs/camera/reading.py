"""What a picture is read by: the detector with the classifier behind it, as still pictures or filmed, and a peer.

All of them answer alike, so that whatever compares need not know which one it was.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgecnn.digits import Reader
from edgecnn.digits.defaults import DETAIL
from edgecnn.digits.pictures import numbers
from edgecnn.webcam.recorder import Recorder

if TYPE_CHECKING:
    from edgecnn.digits import Reading

FRAMES = 20  # of a video of a photograph
DIGITS = frozenset("0123456789")
PEER = "RapidOCR"

Box = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass(frozen=True)
class Answer:
    """What was read in one picture: digits and where, and numbers, whose text has what signs the reader knows."""

    digits: list[tuple[str, Box]]
    numbers: list[tuple[str, Box]]


Read = Callable[[NDArray[np.uint8]], Answer]


def still(reader: Reader, detail: float = DETAIL) -> Read:
    """Return what ``edgecnn read`` does."""
    return lambda image_hwc: answer_of(reader.read(image_hwc, detail=detail))


def answer_of(reading: "Reading") -> Answer:
    """Return digits and numbers of a reading."""
    digits = [(digit.label, digit.box) for digit in reading.digits]
    return Answer(digits, [(number.text, number.box) for number in numbers(reading)] if digits else [])


def filmed(detector: str, model: str) -> Read:
    """Return what ``edgecnn webcam --source FILE`` says at the end of a video of the picture."""
    command = [sys.executable, "-m", "edgecnn_cli.main", "webcam", model, "--detector", detector, "--json", "--source"]

    def read(image_hwc: NDArray[np.uint8]) -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / "video.avi"
            film(bgr(image_hwc), video)
            told = subprocess.run([*command, str(video)], capture_output=True, text=True, check=True).stdout
        digits = json.loads(told.splitlines()[-1])["digits"]
        return Answer([(digit["label"], tuple(digit["box"])) for digit in digits], [])

    return read


def film(picture_bgr: NDArray[np.uint8], path: Path) -> None:
    """Write a video of a picture in a hand that comes to rest: shift, rotation, zoom, exposure and a sensor's noise."""
    rng = np.random.default_rng(0)
    height, width = picture_bgr.shape[:2]
    with Recorder(path, fps=30) as recorder:
        for unrest in np.linspace(1, 0, FRAMES):
            rotation, zoom = unrest * rng.normal(0, 1.0), 1 + unrest * rng.normal(0, 0.015)
            to_frame = cv2.getRotationMatrix2D((width / 2, height / 2), rotation, zoom)
            to_frame[:, 2] += unrest * rng.normal(0, 0.008, 2) * width
            frame = cv2.warpAffine(picture_bgr, to_frame, (width, height), borderMode=cv2.BORDER_REPLICATE)
            noisy = frame * (1 + unrest * rng.normal(0, 0.05)) + rng.normal(0, 3, frame.shape)
            recorder.write(noisy.clip(0, 255).astype(np.uint8))


def peer(folder: Path | None) -> Read | None:
    """Return RapidOCR on its default settings, by single characters, or None where it is not installed.

    What is in ``folder`` comes after everything else that can be imported, so that it is on the same NumPy, OpenCV and
    ONNX Runtime. Its models lie in its wheel.
    """
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        from rapidocr import RapidOCR
    except ImportError:
        return None
    engine = RapidOCR(params={"Global.log_level": "critical"})

    def read(image_hwc: NDArray[np.uint8]) -> Answer:
        found: Any = engine(bgr(image_hwc), return_word_box=True, return_single_char_box=True)
        characters = [character for line in found.word_results for character in line] if found.txts else []
        return Answer([(label, _upright(corners)) for label, _, corners in characters if label in DIGITS], [])

    return read


def bgr(image_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 1 or 3) as OpenCV has it."""
    return np.repeat(image_hwc, 3, 2) if image_hwc.shape[2] == 1 else np.ascontiguousarray(image_hwc[..., ::-1])


def _upright(quadrangle: list[list[float]]) -> Box:
    points = np.array(quadrangle)
    (x, y), (right, bottom) = points.min(0), points.max(0)
    return float(x), float(y), float(right - x), float(bottom - y)
