"""An annotated video, written beside its name and renamed when it is whole."""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from edgecnn.errors import SourceError
from edgecnn.files import refuse_full_disk, replacing
from edgecnn.webcam.opencv import Pixels, cv2, quiet

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


class Recorder:
    """A video file in the making; use it in a ``with``. Nothing is written where no frame came; ``wrote`` tells.

    Raises SourceError for another suffix, a place that cannot be written to, and frames that change their size.
    """

    def __init__(self, target: Path, fps: float) -> None:
        if target.suffix.lower() not in CODECS:
            raise SourceError(f"{target}: cannot write such a video. Expected a name ending in {' or '.join(CODECS)}.")
        if target.is_dir():
            raise SourceError(f"{target}: a folder. Expected the name of a new video.")
        self._target, self._fps = target, fps
        self._stack = contextlib.ExitStack()
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._frames = 0
        self.wrote = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()  # before the file gets its name
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:  # what is raised in here keeps the file from its name
            if self._writer is not None:
                refuse_full_disk(self._target)  # OpenCV says nothing of frames that found no room
        self.wrote = self._writer is not None

    def write(self, image_bgr: Pixels, *, at_s: float | None = None) -> None:
        """Add a frame; ``at_s`` is when a live one was taken, and it is repeated or left out to keep that time."""
        if self._writer is None:
            self._writer = self._open(image_bgr)
        size = (image_bgr.shape[1], image_bgr.shape[0])
        if size != self._size:
            raise SourceError(
                f"{self._target}: a frame of {size[0]}x{size[1]} pixels after frames of {self._size[0]}x"
                f"{self._size[1]}. A video has one size; leave out --output, or bring the pictures to one size."
            )
        copies = 1 if at_s is None else round(at_s * self._fps) + 1 - self._frames
        for _ in range(min(copies, round(self._fps))):
            self._writer.write(image_bgr)
        self._frames += max(copies, 0)

    def _open(self, image_bgr: Pixels) -> cv2.VideoWriter:
        self._size = (image_bgr.shape[1], image_bgr.shape[0])
        codec = cv2.VideoWriter.fourcc(*CODECS[self._target.suffix.lower()])
        with contextlib.ExitStack() as stack:
            try:
                partial = stack.enter_context(replacing(self._target))
            except OSError as error:
                raise SourceError(f"{self._target}: cannot be written ({error.strerror}).") from error
            with quiet():
                writer = cv2.VideoWriter(str(partial), codec, self._fps, self._size)
            if not writer.isOpened():
                raise SourceError(f"{self._target}: cannot be written. Expected a folder that takes new files.")
            self._stack = stack.pop_all()
        return writer
