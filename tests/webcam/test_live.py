"""A camera that is slow, unplugged, back again, or gone. The camera is the one thing here that is not real."""

import threading
import time
from collections.abc import Callable, Generator

import cv2
import numpy as np
import pytest

from edgecnn.errors import SourceError
from edgecnn.webcam.frames import Frame
from edgecnn.webcam.live import live_frames

SHORT_S = (0.01, 0.01, 0.01)


class Camera:
    """A camera that gives so many frames, numbered by their gray, and then fails; OpenCV's three methods."""

    def __init__(self, frames: int, *, every_s: float = 0.0, raises: bool = False) -> None:
        self._left, self._every_s, self._raises = frames, every_s, raises
        self.reads = 0
        self.released = threading.Event()

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._left > 0

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(self._every_s)
        if not self._left:
            if self._raises:
                raise cv2.error("a damaged frame")
            return False, None
        self._left -= 1
        self.reads += 1
        return True, np.full((2, 2, 3), self.reads, np.uint8)

    def release(self) -> None:
        self.released.set()


def frames_of(
    *cameras: Camera, told: list[str], pauses_s: tuple[float, ...] = SHORT_S
) -> Generator[Frame | None, None, None]:
    """Open the first camera; each time it is opened again, the next one is there."""
    others = iter(cameras[1:])
    return live_frames(
        cameras[0], lambda: next(others, Camera(0)), "camera 0", tell=told.append, pauses_s=pauses_s
    )  # fmt: skip


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_slow_reader_gets_the_newest_frame(told: list[str]) -> None:
    camera = Camera(10**6, every_s=0.002)
    frames = frames_of(camera, told=told)
    first = next(frame for frame in frames if frame)
    seen = camera.reads
    until(lambda: camera.reads >= seen + 20)
    later = next(frame for frame in frames if frame)
    assert later.number >= first.number + 20
    assert int(later.pixels_bgr[0, 0, 0]) == (later.number + 1) % 256
    frames.close()
    assert camera.released.wait(10)
    assert told == []


def test_no_frame_comes_twice(told: list[str]) -> None:
    frames = frames_of(Camera(50, every_s=0.001), Camera(0), told=told)
    numbers = []
    with pytest.raises(SourceError):
        numbers.extend(frame.number for frame in frames if frame)
    assert numbers == sorted(set(numbers))


def test_a_reader_is_not_held_up_by_a_camera_that_gives_nothing(told: list[str]) -> None:
    frames = frames_of(Camera(5, every_s=0.5), told=told)
    assert next(frames) is None
    frames.close()


@pytest.mark.parametrize("raises", [False, True])
def test_an_unplugged_camera_is_told_and_goes_on_when_it_is_back(told: list[str], raises: bool) -> None:
    first, second = Camera(3, raises=raises), Camera(10**6, every_s=0.002)
    frames = frames_of(first, Camera(0), second, told=told)
    numbers: list[int] = []
    while not numbers or numbers[-1] < 5:
        frame = next(frames)
        numbers += [frame.number] if frame else []
    frames.close()
    assert first.released.is_set()
    assert told == [
        "camera 0: gives no frames; is it unplugged? Opening it again in 0.01 s (try 1 of 3).",
        "camera 0: gives no frames; is it unplugged? Opening it again in 0.01 s (try 2 of 3).",
        "camera 0: is back.",
    ]


def test_a_camera_that_stays_away_is_given_up_after_the_last_try(told: list[str]) -> None:
    opened = []
    frames = live_frames(
        Camera(1), lambda: opened.append(Camera(0)) or opened[-1], "camera 0", tell=told.append, pauses_s=SHORT_S
    )
    with pytest.raises(SourceError, match="camera 0: gave no frame, and 3 tries to open it again did not help"):
        list(frames)
    assert len(opened) == len(told) == 3
    assert all(camera.released.is_set() for camera in opened)


def test_tries_are_counted_anew_after_a_frame(told: list[str]) -> None:
    frames = frames_of(*(Camera(1) for _ in range(6)), told=told)
    with pytest.raises(SourceError):
        list(frames)
    assert sum(message.endswith("is back.") for message in told) == 5


def test_the_last_frame_is_given_before_the_camera_is_given_up(told: list[str]) -> None:
    frames = frames_of(Camera(1), told=told, pauses_s=())
    with pytest.raises(SourceError):
        assert [frame.number for frame in frames if frame] == [0]


def test_stopping_does_not_wait_for_a_pause(told: list[str]) -> None:
    frames = frames_of(Camera(1), told=told, pauses_s=(1000.0,))
    next(frames)
    until(lambda: bool(told))
    frames.close()
    until(lambda: not any(thread.name == "camera 0" for thread in threading.enumerate()))
