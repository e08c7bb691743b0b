"""Frames from a source through a reader to whoever wants the answers, until the source, a limit or the user ends it."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecnn.digits.reading import Reading
from edgecnn.errors import EdgecnnError
from edgecnn.webcam.frames import Frame, Source
from edgecnn.webcam.overlay import draw
from edgecnn.webcam.readers import ReadsFrames
from edgecnn.webcam.recorder import Recorder
from edgecnn.webcam.window import Controls, Window

REMEMBERED = 10_000  # latencies, so that hours in front of a camera take no more memory than minutes
RECENT = 30  # frames whose rate is shown
LOOK_MS = 50  # how often keys are looked at while nothing moves


@dataclass(frozen=True)
class Answer:
    """One frame's answer. ``latency_ms`` is from the frame in memory to the answer: find, classify, vote, order."""

    frame: int
    latency_ms: float
    reading: Reading


@dataclass(frozen=True)
class Summary:
    """How it went: rate over all frames; latency over the last ten thousand. ``ended`` is why it ended early."""

    frames: int
    seconds: float
    p50_ms: float
    p99_ms: float
    ended: EdgecnnError | None

    @property
    def frames_per_second(self) -> float:
        """Frames answered over the time from the first frame's arrival to the last answer."""
        return self.frames / self.seconds if self.seconds else 0.0


class Meter:
    """Counts frames and keeps the last latencies, in a memory that does not grow."""

    def __init__(self) -> None:
        self.frames = 0
        self.first_s = self._last_s = 0.0
        self._latencies_ms = np.zeros(REMEMBERED)
        self._recent_s: deque[float] = deque(maxlen=RECENT)

    def add(self, started_s: float, latency_ms: float) -> None:
        """Count one frame."""
        self.first_s = started_s if not self.frames else self.first_s
        self._last_s = time.perf_counter()
        self._latencies_ms[self.frames % REMEMBERED] = latency_ms
        self._recent_s.append(started_s)
        self.frames += 1

    def status(self, latency_ms: float) -> str:
        """Return the line that is drawn on the frame."""
        spent_s = self._recent_s[-1] - self._recent_s[0]
        rate = f"{(len(self._recent_s) - 1) / spent_s:.1f} FPS  " if spent_s > 0 else ""
        return f"{rate}{latency_ms:.1f} ms"

    def summary(self, ended: EdgecnnError | None) -> Summary:
        """Return the figures so far."""
        if not self.frames:
            return Summary(0, 0.0, 0.0, 0.0, ended)
        p50_ms, p99_ms = np.percentile(self._latencies_ms[: self.frames], (50, 99))
        return Summary(self.frames, self._last_s - self.first_s, float(p50_ms), float(p99_ms), ended)


class Viewer:
    """Where an annotated frame goes: a window, a video, both or neither."""

    def __init__(self, controls: Controls, *, window: Window | None = None, recorder: Recorder | None = None) -> None:
        self.controls = controls
        self._window, self._recorder = window, recorder
        self._last_bgr = np.zeros((1, 1, 3), np.uint8)

    def show(self, frame: Frame, reading: Reading, status: str, *, at_s: float | None, wait_ms: float) -> None:
        """Draw a frame and take a key; ``at_s`` is the time of a live one, ``wait_ms`` how long a file's one stays."""
        if self._window is None and self._recorder is None:
            return
        image = draw(frame.pixels_bgr, reading, status, crops=self.controls.crops)
        if self._recorder is not None:
            self._recorder.write(image, at_s=at_s)
        if self._window is not None:
            self._last_bgr = frame.pixels_bgr
            self._window.show(image)
            self.look(wait_ms)

    def hold(
        self, frame: Frame, reading: Reading, status: str, *, still: bool, should_stop: Callable[[], bool]
    ) -> None:
        """Keep a frame in the window while it is paused, or as long as nobody quits a still picture."""
        while self._window and (self.controls.paused or still) and not (self.controls.quit or should_stop()):
            self._window.show(draw(frame.pixels_bgr, reading, status, crops=self.controls.crops))
            self.look(LOOK_MS)

    def look(self, wait_ms: float) -> None:
        """Wait for a key and do what it is for."""
        if self._window is not None:
            self.controls.press(self._window.key(round(wait_ms)), self._last_bgr)


def watch(
    source: Source,
    reader: ReadsFrames,
    viewer: Viewer,
    *,
    on_answer: Callable[[Answer], None],
    should_stop: Callable[[], bool],
    limit: int | None = None,
) -> Summary:
    """Read frames until the source ends, ``limit`` frames are answered, q is pressed or ``should_stop`` says so.

    A source that fails after some frames ends it too, and the summary says why, so that what was recorded is kept.
    Raises what the source or the reader raises before there was an answer.
    """
    meter = Meter()
    ended: EdgecnnError | None = None
    try:
        for frame in source.frames:
            if frame is None:
                viewer.look(0)
            else:
                _answer(frame, source, reader, viewer, meter, on_answer, should_stop)
            if should_stop() or viewer.controls.quit or meter.frames == limit:
                break
    except EdgecnnError as error:
        if not meter.frames:
            raise
        ended = error
    finally:
        source.frames.close()
    return meter.summary(ended)


def _answer(
    frame: Frame,
    source: Source,
    reader: ReadsFrames,
    viewer: Viewer,
    meter: Meter,
    on_answer: Callable[[Answer], None],
    should_stop: Callable[[], bool],
) -> None:
    """Read one frame, tell, and show it."""
    started_s = time.perf_counter()
    reading = reader.read(frame.pixels_bgr, bgr=True)
    latency_ms = (time.perf_counter() - started_s) * 1000
    meter.add(started_s, latency_ms)
    on_answer(Answer(frame.number, latency_ms, reading))
    status, since_s = meter.status(latency_ms), time.perf_counter() - meter.first_s
    live = source.kind == "live"
    wait_ms = 0.0 if live else 1000 * (frame.number / source.fps - since_s)
    viewer.show(frame, reading, status, at_s=since_s if live else None, wait_ms=wait_ms)
    viewer.hold(frame, reading, status, still=source.kind == "still", should_stop=should_stop)
