"""The window, and what its keys do: space or p pauses, s saves the frame, d shows the crops, q or Esc quits."""

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edgecnn.errors import SourceError
from edgecnn.files import write_bytes
from edgecnn.webcam.frames import Tell
from edgecnn.webcam.opencv import Pixels, cv2

TITLE = "edgecnn webcam"
NO_WINDOW = "Use --no-display: one JSON object per frame on standard output, and a video with --output."
ESCAPE = 27
LARGEST = 1280  # pixels of a new window


class Controls:
    """What the keys have switched: ``paused``, ``crops``, ``quit``."""

    def __init__(self, *, crops: bool, tell: Tell, folder: Path = Path()) -> None:
        self.paused = False
        self.crops = crops
        self.quit = False
        self._tell, self._folder = tell, folder

    def press(self, key: int, frame_bgr: Pixels) -> None:
        """Do what a key is for, any other key nothing; ``frame_bgr`` is what s saves, as the source gave it."""
        actions: dict[int, Callable[[], None]] = {
            ord(" "): self._pause, ord("p"): self._pause, ord("d"): self._show_crops, ord("q"): self._quit,
            ESCAPE: self._quit, ord("s"): lambda: self._save(frame_bgr),
        }  # fmt: skip
        actions.get(key, lambda: None)()

    def _pause(self) -> None:
        self.paused = not self.paused

    def _show_crops(self) -> None:
        self.crops = not self.crops

    def _quit(self) -> None:
        self.quit = True

    def _save(self, frame_bgr: Pixels) -> None:
        path = self._folder / f"edgecnn-{datetime.now():%Y%m%d-%H%M%S-%f}.png"
        try:
            write_bytes(path, cv2.imencode(".png", frame_bgr)[1].tobytes())
        except OSError as error:
            self._tell(f"{path.absolute()}: cannot be written ({error.strerror}).")
        else:
            self._tell(f"saved {path.absolute()}")


class Window:
    """A window on the screen. Raises SourceError where there is no screen, or an OpenCV without windows."""

    def __init__(self) -> None:
        self._sized = False
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise SourceError(f"no display to open a window on (DISPLAY is not set). {NO_WINDOW}")
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise SourceError(
                f"this OpenCV opens no windows (opencv-python-headless). {NO_WINDOW} For a window: "
                "pip uninstall -y opencv-python-headless, then pip install 'edgecnn[webcam]'."
            ) from error

    def show(self, image_bgr: Pixels) -> None:
        """Show a frame; it appears with the next wait for a key. The first one sets the size of the window."""
        if not self._sized:
            height, width = image_bgr.shape[:2]
            scale = min(1.0, LARGEST / max(height, width))
            cv2.resizeWindow(TITLE, round(width * scale), round(height * scale))
            self._sized = True
        cv2.imshow(TITLE, image_bgr)

    def key(self, wait_ms: int) -> int:
        """Wait for a key, and return its code; closing the window counts as q, and no key as -1."""
        pressed = cv2.waitKey(max(1, wait_ms))
        return pressed & 0xFF if pressed >= 0 else -1 if _is_open() else ord("q")


def _is_open() -> bool:
    try:
        return bool(cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1)
    except cv2.error:  # what Qt has to say once its only window is closed
        return False
