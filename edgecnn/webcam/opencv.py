"""OpenCV, quiet: what it and its FFmpeg would print about a file or a camera becomes a message of ours."""

import os

import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when the first video is opened
os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # of the window, about fonts
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

Pixels = NDArray[np.uint8]

# ITU-R BT.601 as edgecnn.runtime.image rounds it: the small constant takes OpenCV's ties upward.
GRAY_OF_BGR = np.array([[0.114, 0.587, 0.299, 0.0005]], np.float32)

__all__ = ["Pixels", "cv2", "gray_of"]


def gray_of(pixels_bgr: Pixels) -> Pixels:
    """Turn uint8 (H, W, 3), BGR, into uint8 (H, W, 1): the reference's gray to the bit, at a tenth of its time."""
    return np.asarray(cv2.transform(pixels_bgr, GRAY_OF_BGR), np.uint8).reshape(*pixels_bgr.shape[:2], 1)
