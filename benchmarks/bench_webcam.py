"""The camera's loop on one core at 640x480. Targets: 120 frames/s, p99 12 ms for detect + classify, level memory.

Beside it the two networks alone on what they are given: the rest may cost a millisecond per frame. With the zoo's
digit-finder where it is there, else with the tests' small one, whose figures say nothing but how the rest compares.
"""

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from digits.drawn import frame_with, golden_digits, write_detector
from webcam.videos import write_video

import edgecnn
from edgecnn import zoo
from edgecnn.digits import Reader, VideoReader
from edgecnn.runtime.detector import Detector, load_detector
from edgecnn.webcam.frames import Frame, Source
from edgecnn.webcam.opencv import cv2
from edgecnn.webcam.sources import open_source
from edgecnn.webcam.watch import Answer, Viewer, watch
from edgecnn.webcam.window import Controls

FRAMES = 20_000
PAGES = (["0123456789", "  31  415"], ["9876543210"], ["27 18 28"])


@pytest.fixture(scope="module", autouse=True)
def one_core() -> Iterator[None]:
    """Hold everything to one core: networks, OpenCV, the decoder of the video."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not hold a process to one core")
    cores, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    os.sched_setaffinity(0, {min(cores)})
    cv2.setNumThreads(1)
    yield
    os.sched_setaffinity(0, cores)
    cv2.setNumThreads(threads)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    names = zoo.names()
    small = tmp_path_factory.mktemp("detector") / "cells.onnx"
    return load_detector(names.get("digit-finder") or write_detector(small), threads=1)


@pytest.fixture(scope="module")
def classifier() -> edgecnn.Classifier:
    return edgecnn.load("digits-webcam" if "digits-webcam" in zoo.names() else "mnist-compact", threads=1)


@pytest.fixture
def reader(detector: Detector, classifier: edgecnn.Classifier) -> VideoReader:
    return VideoReader(Reader(detector, classifier))


@pytest.fixture(scope="module")
def pages() -> list[np.ndarray]:
    """Frames of 640x480 with up to fifteen digits."""
    digits = golden_digits("mnist-compact")
    return [frame_with(digits, lines, size=(480, 640)) for lines in PAGES]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, pages: list[np.ndarray]) -> Path:
    """Each page for a third of a second, with a camera's noise."""
    random = np.random.default_rng(0)
    noisy = (
        (page + random.normal(0, 4, page.shape)).clip(0, 255).astype(np.uint8)
        for page in itertools.chain.from_iterable([page] * 10 for page in pages * 4)
    )
    return write_video(tmp_path_factory.mktemp("video") / "pages.avi", noisy, fps=30)


@pytest.mark.benchmark(group="a frame of 640x480")
def test_networks_alone(benchmark, detector: Detector, classifier: edgecnn.Classifier, pages: list[np.ndarray]) -> None:
    gray_hwc = pages[0][..., :1]
    crops_mhwc = detector.detect(gray_hwc).crops_mhwc

    def both() -> None:
        detector.detect(gray_hwc)
        if len(crops_mhwc):
            classifier.probabilities(crops_mhwc)

    benchmark(both)


@pytest.mark.benchmark(group="a frame of 640x480")
def test_find_classify_vote_and_order(benchmark, reader: VideoReader, pages: list[np.ndarray]) -> None:
    benchmark(reader.read, pages[0])


@pytest.mark.benchmark(group="a video of 640x480, decoded and read")
def test_a_video(benchmark, reader: VideoReader, video: Path) -> None:
    """p99 is of detect + classify, as the command's last line has it; frames per second are of everything."""

    def run() -> None:
        summary = watch(
            open_source(str(video), tell=print),
            reader,
            Viewer(Controls(crops=False, tell=print)),
            on_answer=lambda answer: None,
            should_stop=lambda: False,
        )
        benchmark.extra_info.update(
            frames=summary.frames,
            frames_per_second=round(summary.frames_per_second, 1),
            p50_ms=round(summary.p50_ms, 2),
            p99_ms=round(summary.p99_ms, 2),
        )

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    print(benchmark.extra_info)


@pytest.mark.benchmark(group="memory")
def test_memory_after_twenty_thousand_frames(benchmark, reader: VideoReader, pages: list[np.ndarray]) -> None:
    """What is resident after the last frame is what was resident after a tenth of them, but for 4 MB."""
    count = FRAMES if benchmark.enabled else FRAMES // 100
    resident: dict[int, int] = {}

    def note(answer: Answer) -> None:
        if answer.frame in (count // 10, count - 1):
            resident[answer.frame] = resident_bytes()

    def run() -> None:
        started = time.perf_counter()
        frames = (Frame(number, pages[number // 10 % len(pages)]) for number in range(count))
        watch(
            Source("pages", "file", 30.0, frames),
            reader,
            Viewer(Controls(crops=False, tell=print)),
            on_answer=note,
            should_stop=lambda: False,
        )
        benchmark.extra_info.update(
            frames=count,
            seconds=round(time.perf_counter() - started, 1),
            resident_mb={frame: round(size / 1e6, 1) for frame, size in resident.items()},
        )

    benchmark.pedantic(run, rounds=1)
    print(benchmark.extra_info)
    assert resident[count - 1] - resident[count // 10] < 4_000_000


def resident_bytes() -> int:
    """Return what this process holds in memory now; Linux."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
