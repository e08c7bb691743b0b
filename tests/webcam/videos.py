"""Videos of drawn frames: written, broken, read."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgecnn.webcam.opencv import open_video, quiet


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], *, fps: float = 25) -> Path:
    """Write frames as Motion JPEG in an .avi, or MPEG-4 in an .mp4."""
    frames = list(frames)
    codec = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    with quiet():  # FFmpeg asks once, at the first video of a process, how much it is to say
        writer = cv2.VideoWriter(str(path), codec, fps, (frames[0].shape[1], frames[0].shape[0]))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def garble(video: Path) -> Path:
    """Replace a sixth of a video by noise, in the middle of its frames."""
    content = bytearray(video.read_bytes())
    start, end = len(content) // 3, len(content) // 2
    content[start:end] = np.random.default_rng(0).bytes(end - start)
    video.write_bytes(content)
    return video


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    """Read a whole video."""
    capture, frames = open_video(str(path)), []
    while True:
        read, frame = capture.read()
        if not read:
            return frames
        frames.append(frame)
