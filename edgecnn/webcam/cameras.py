"""Which cameras this machine has."""

import sys
from pathlib import Path

from edgecnn.webcam.opencv import open_video

DEVICES = Path("/dev")
PROBED = 5  # camera indices that are tried where the system does not list its cameras


def cameras() -> list[int]:
    """Return the indices of the cameras of this machine, as far as the system tells."""
    if sys.platform == "linux":
        numbers = (path.name.removeprefix("video") for path in DEVICES.glob("video*"))
        return sorted(int(number) for number in numbers if number.isdecimal())
    return [index for index in range(PROBED) if _opens(index)]


def describe_cameras() -> str:
    """Say which sources there are, for a message."""
    found = [f"{index} ({DEVICES}/video{index})" if sys.platform == "linux" else str(index) for index in cameras()]
    if not found:
        return "This machine shows no camera; a picture, a video, a pattern such as img_%03d.png or a URL will do."
    return f"Cameras here: {', '.join(found)}."


def _opens(index: int) -> bool:
    capture = open_video(index)
    opened = bool(capture.isOpened())
    capture.release()
    return opened
