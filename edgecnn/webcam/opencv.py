"""OpenCV, quiet: what it and its FFmpeg would print about a file or a camera becomes a message of ours."""

import os

import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when the first video is opened
os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # of the window, about fonts
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

Pixels = NDArray[np.uint8]

__all__ = ["Pixels", "cv2"]
