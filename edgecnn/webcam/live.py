"""The newest frame of a camera or a stream: a thread reads all of them, so that a slow reader sees the present.

A camera that stops giving frames is reported, opened again with growing pauses, and given up after the last.
"""

import threading
from collections.abc import Callable, Generator, Sequence

import numpy as np

from edgecnn.errors import SourceError
from edgecnn.webcam.cameras import describe_cameras
from edgecnn.webcam.frames import Capture, Frame, Tell
from edgecnn.webcam.opencv import Pixels, cv2

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
WAIT_S = 0.05  # how long a reader waits before it is told that nothing is new
JOIN_S = 1.0  # a read that hangs is left to the end of the process


def live_frames(
    capture: Capture, reopen: Callable[[], Capture], name: str, *, tell: Tell, pauses_s: Sequence[float] = PAUSES_S
) -> Generator[Frame | None, None, None]:
    """Yield the newest frame each time, or None where nothing new came within 50 ms.

    Raises SourceError when the camera has not come back after as many tries as there are ``pauses_s``.
    """
    reader = _Reader(capture, reopen, name, tell, pauses_s)
    thread = threading.Thread(target=reader.run, name=name, daemon=True)
    thread.start()
    try:
        while True:
            yield reader.newest()
    finally:
        reader.stopped.set()
        thread.join(JOIN_S)


class _Reader:
    """The thread's side: one frame is kept, the newest."""

    def __init__(
        self, capture: Capture, reopen: Callable[[], Capture], name: str, tell: Tell, pauses_s: Sequence[float]
    ) -> None:
        self._capture, self._reopen, self._name, self._tell, self._pauses_s = capture, reopen, name, tell, pauses_s
        self._arrived = threading.Condition()
        self._newest: Frame | None = None
        self._given_up = False
        self.stopped = threading.Event()

    def newest(self) -> Frame | None:
        """Take the newest frame, waiting for it a moment."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._newest is not None or self._given_up, timeout=WAIT_S)
            frame, self._newest = self._newest, None
            given_up = self._given_up
        if frame is None and given_up:
            raise SourceError(
                f"{self._name}: gave no frame, and {len(self._pauses_s)} tries to open it again did not help. "
                f"{describe_cameras()}"
            )
        return frame

    def run(self) -> None:
        """Read until stopped or given up."""
        number = failures = 0
        try:
            while not self.stopped.is_set():
                pixels_bgr = self._read()
                if pixels_bgr is None:
                    if failures == len(self._pauses_s):
                        break
                    self._try_again(failures)
                    failures += 1
                    continue
                if failures:
                    self._tell(f"{self._name}: is back.")
                self._publish(Frame(number, pixels_bgr))
                number, failures = number + 1, 0
        finally:
            self._capture.release()
            with self._arrived:
                self._given_up = True
                self._arrived.notify_all()

    def _read(self) -> Pixels | None:
        try:
            read, pixels_bgr = self._capture.read()
        except cv2.error:  # a damaged frame, of some backends
            return None
        return np.asarray(pixels_bgr, np.uint8) if read else None

    def _publish(self, frame: Frame) -> None:
        with self._arrived:
            self._newest = frame
            self._arrived.notify_all()

    def _try_again(self, failures: int) -> None:
        pause_s = self._pauses_s[failures]
        self._tell(
            f"{self._name}: gives no frames; is it unplugged? Opening it again in {pause_s:g} s "
            f"(try {failures + 1} of {len(self._pauses_s)})."
        )
        self._capture.release()
        if not self.stopped.wait(pause_s):
            self._capture = self._reopen()
