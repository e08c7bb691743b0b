"""The loop: every frame answered, ends of all kinds, keys, videos, and a memory that does not grow."""

import gc
import itertools
import tracemalloc
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from digits.drawn import frame_with
from webcam.videos import frames_of

import edgecnn
from edgecnn.digits import Reader
from edgecnn.errors import SourceError
from edgecnn.runtime.detector import load_detector
from edgecnn.webcam.frames import Frame, Source
from edgecnn.webcam.recorder import Recorder
from edgecnn.webcam.watch import Answer, Summary, Viewer, watch
from edgecnn.webcam.window import Controls


class Keyboard:
    """A window whose keys are pressed by a list, and q when that is at its end."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = iter(keys)
        self.shown: list[np.ndarray] = []
        self.waits_ms: list[int] = []

    def show(self, image_bgr: np.ndarray) -> None:
        self.shown.append(image_bgr)

    def key(self, wait_ms: int) -> int:
        self.waits_ms.append(wait_ms)
        return ord(next(self._keys, "q")[0])


@pytest.fixture
def reader(detector_file: Path, classifier: edgecnn.Classifier) -> Reader:
    detector = load_detector(detector_file, threads=1)
    return Reader(detector, classifier, min_score=0.3, min_probability=0.7)


@pytest.fixture
def frame(digits) -> np.ndarray:
    return frame_with(digits, ["42"])


def source(pixels: Iterable[np.ndarray | None], kind: str = "file", *, fails: bool = False) -> Source:
    def frames() -> Generator[Frame | None, None, None]:
        for number, image in enumerate(pixels):
            yield None if image is None else Frame(number, image)
        if fails:
            raise SourceError("camera 0: gave no frame")

    return Source("drawn", kind, 25.0, frames())


def run(given: Source, reader: Reader, **options: object) -> tuple[Summary, list[Answer]]:
    answers: list[Answer] = []
    viewer = options.pop("viewer", None) or Viewer(Controls(crops=False, tell=print))
    settings = {"on_answer": answers.append, "should_stop": lambda: False} | options
    return watch(given, reader, viewer, **settings), answers


def viewer_of(window: Keyboard, *, crops: bool = False, recorder: Recorder | None = None) -> Viewer:
    return Viewer(Controls(crops=crops, tell=print), window=window, recorder=recorder)


def test_every_frame_of_a_file_is_answered_in_order(reader: Reader, frame: np.ndarray) -> None:
    summary, answers = run(source([frame] * 5), reader)
    assert [answer.frame for answer in answers] == [0, 1, 2, 3, 4]
    assert {answer.reading.text for answer in answers} == {"42"}
    assert (summary.frames, summary.ended) == (5, None)
    assert 0 < summary.p50_ms <= summary.p99_ms <= summary.seconds * 1000
    assert summary.frames_per_second == pytest.approx(5 / summary.seconds)


def test_waiting_for_a_camera_is_no_frame(reader: Reader, frame: np.ndarray) -> None:
    summary, answers = run(source([None, frame, None, None, frame], "live"), reader)
    assert [answer.frame for answer in answers] == [1, 4]
    assert summary.frames == 2


def test_it_stops_after_the_limit(reader: Reader, frame: np.ndarray) -> None:
    assert run(source(itertools.repeat(frame)), reader, limit=3)[0].frames == 3


def test_it_stops_when_asked_even_while_no_frame_comes(reader: Reader) -> None:
    asked = iter([False, False, True])
    assert run(source(itertools.repeat(None), "live"), reader, should_stop=lambda: next(asked))[0] == Summary(
        0, 0.0, 0.0, 0.0, None
    )


def test_the_source_is_closed_however_it_ends(reader: Reader, frame: np.ndarray) -> None:
    closed = []

    def frames() -> Generator[Frame | None, None, None]:
        try:
            for number in itertools.count():
                yield Frame(number, frame)
        finally:
            closed.append(True)

    run(Source("drawn", "live", 25.0, frames()), reader, limit=1)
    assert closed == [True]


def test_a_camera_that_is_given_up_leaves_the_figures(reader: Reader, frame: np.ndarray) -> None:
    summary, _ = run(source([frame, frame], "live", fails=True), reader)
    assert summary.frames == 2
    assert str(summary.ended) == "camera 0: gave no frame"


def test_a_source_that_gave_nothing_is_an_error(reader: Reader) -> None:
    with pytest.raises(SourceError, match="camera 0: gave no frame"):
        run(source([], "live", fails=True), reader)


def test_q_quits(reader: Reader, frame: np.ndarray) -> None:
    window = Keyboard("xq")
    assert run(source([frame] * 9), reader, viewer=viewer_of(window))[0].frames == 2


def test_q_quits_while_the_camera_is_away(reader: Reader) -> None:
    assert run(source([None] * 9, "live"), reader, viewer=viewer_of(Keyboard("xq")))[0].frames == 0


def test_a_pause_keeps_the_frame_until_the_next_key(reader: Reader, frame: np.ndarray) -> None:
    window = Keyboard("pxx q")
    summary, _ = run(source([frame] * 9), reader, viewer=viewer_of(window))
    assert summary.frames == 2
    assert len(window.shown) == 5


def test_a_pause_ends_with_ctrl_c(reader: Reader, frame: np.ndarray) -> None:
    window = Keyboard(itertools.chain("p", itertools.repeat("x")))
    stop = iter([False] * 4 + [True] * 9)
    assert run(source([frame] * 9), reader, viewer=viewer_of(window), should_stop=lambda: next(stop))[0].frames == 1


def test_a_still_picture_stays_until_q(reader: Reader, frame: np.ndarray) -> None:
    window = Keyboard("xxxxq")
    assert run(source([frame], "still"), reader, viewer=viewer_of(window))[0].frames == 1
    assert len(window.shown) == 5


def test_d_shows_the_crops_in_a_pause_at_once(reader: Reader, frame: np.ndarray) -> None:
    window = Keyboard("pxdxq")
    run(source([frame] * 9), reader, viewer=viewer_of(window))
    before, after = window.shown[2][-40:], window.shown[3][-40:]
    assert (before != after).any()


def test_a_video_in_a_window_runs_at_its_own_pace_and_a_camera_at_once(reader: Reader, frame: np.ndarray) -> None:
    waits = {}
    for kind in ("file", "live"):
        window = Keyboard("x" * 6)
        run(source([frame] * 6, kind), reader, viewer=viewer_of(window))
        waits[kind] = window.waits_ms
    assert max(waits["file"]) > 20
    assert max(waits["live"]) == 0


def test_the_video_shows_what_was_read(reader: Reader, frame: np.ndarray, tmp_path: Path) -> None:
    with Recorder(tmp_path / "o.avi", 25) as recorder:
        viewer = Viewer(Controls(crops=True, tell=print), recorder=recorder)
        run(source([frame] * 4), reader, viewer=viewer)
    frames = frames_of(tmp_path / "o.avi")
    assert len(frames) == 4
    assert np.abs(frames[3].astype(int) - frame).max() > 100
    greenest = (frames[3][..., 1].astype(int) - frames[3][..., 2]).max()
    assert greenest > 80  # the boxes


def test_the_video_of_a_camera_that_was_given_up_is_kept(reader: Reader, frame: np.ndarray, tmp_path: Path) -> None:
    with Recorder(tmp_path / "o.avi", 25) as recorder:
        viewer = Viewer(Controls(crops=False, tell=print), recorder=recorder)
        run(source([frame] * 4, "file", fails=True), reader, viewer=viewer)
    assert len(frames_of(tmp_path / "o.avi")) == 4


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    """Give the bytes that Python and NumPy hold now."""

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    yield held
    tracemalloc.stop()


def test_memory_does_not_grow_with_the_frames(reader: Reader, digits, traced: Callable[[], int]) -> None:
    """400 frames in which digits come and go leave less behind than two of them hold."""
    pages = [frame_with(digits, lines, size=(96, 160)) for lines in (["12"], [" 3"], [], ["8 4"])]
    held = []

    def note(answer: Answer) -> None:
        if answer.frame in (200, 600):
            held.append(traced())

    watch(
        source(pages[number // 5 % 4] for number in range(601)),
        reader,
        Viewer(Controls(crops=False, tell=print)),
        on_answer=note,
        should_stop=lambda: False,
    )
    assert held[1] - held[0] < 2 * pages[0].nbytes
