"""OpenCV for the camera. It and its FFmpeg print about files and cameras what becomes a message of ours."""

import contextlib
import os
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

QUIET = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # read when the first video is opened
    "QT_LOGGING_RULES": "*.warning=false",  # of the window, about fonts
}

__all__ = ["Pixels", "cv2", "open_video", "quiet", "silence"]


def silence() -> None:
    """Keep what they would print off the terminal, in this whole process and for good: for one that is ours."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what they would print off the terminal in here; environment and log level are then as they were.

    FFmpeg asks at the first video of a process: one that the host has opened before has decided for it.
    """
    level, ours = cv2.utils.logging.getLogLevel(), QUIET.keys() - os.environ.keys()
    silence()
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
        for name in ours:
            os.environ.pop(name, None)


def open_video(source: int | str, backend: int = cv2.CAP_ANY, settings: Sequence[int] = ()) -> cv2.VideoCapture:
    """Open a camera, a file or a stream; what cannot be opened says so by ``isOpened``."""
    with quiet():
        return cv2.VideoCapture(source, backend, settings)
