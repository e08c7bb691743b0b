"""The process that speed.py measures: one core, frames from a file, what was found as JSON."""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgecnn import files
from edgecnn.digits import Reader, VideoReader
from edgecnn.runtime.classifier import load
from edgecnn.runtime.detector import OUTPUTS, load_detector
from edgecnn.runtime.session import open_model

HELD = 10  # frames that a page is before the camera
NOISE = 4.0  # gray levels
WARM_UP, PROFILED = 10, 100
KERNEL = "_kernel_time"
SHOWN = 8  # operators of a profile; the others are one row
TOLD_EVERY = 1_000
UP_TO = (10, 40, 100, 400)  # digits of a frame, by which times are counted apart

Frames = Sequence[NDArray[np.uint8]]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--timed", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    with np.load(options.frames) as kept:
        frames = {kind: [kept[name] for name in sorted(kept) if name.startswith(kind)] for kind in ("camera", "varied")}
    reader = Reader(load_detector(options.detector, threads=1), load(options.model, threads=1))
    found = {
        "pages": len(frames["camera"]),
        "reading": timed(VideoReader(reader), frames["camera"], options.timed),
        "profiles": profiles(options.detector, options.model, frames["camera"]),
        "memory": memory(VideoReader(reader), frames["varied"], options.memory),
    }
    print(json.dumps(found))


def timed(reader: VideoReader, pages: Frames, count: int) -> dict[str, Any]:
    """Read pages one after another as a camera sees them, and time each reading as a whole."""
    rng = np.random.default_rng(0)
    frames = [
        [(page + rng.normal(0, NOISE, page.shape)).clip(0, 255).astype(np.uint8) for _ in range(3)] for page in pages
    ]
    seconds, digits = [], []
    for number in range(count + WARM_UP):
        frame = frames[number // HELD % len(frames)][number % 3]
        started = time.perf_counter()
        reading = reader.read(frame)
        seconds.append(time.perf_counter() - started)
        digits.append(len(reading.digits))
    taken, shown = np.array(seconds[WARM_UP:]), np.array(digits[WARM_UP:])
    group = np.searchsorted(UP_TO, shown)
    rows = [
        {"up_to": most} | _times(taken[group == place]) for place, most in enumerate(UP_TO) if (group == place).any()
    ]
    return _times(taken) | {"by_digits": rows}


def _times(taken: NDArray[np.float64]) -> dict[str, Any]:
    p50, p99 = np.percentile(taken, (50, 99)) * 1e3
    return {
        "frames": len(taken),
        "frames_per_second": round(len(taken) / float(taken.sum()), 1),
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
    }


def profiles(detector: str, model: str, pages: Frames) -> dict[str, Any]:
    """Return what each operator of both files takes, of frames and of all their crops at once."""
    finding = load_detector(detector, threads=1)
    crops = [finding.detect(page).crops_mhwc for page in pages]
    frames = [{"frame": page[None, ..., None]} for page in pages]
    with_crops = [found_mhwc for found_mhwc in crops if len(found_mhwc)]
    images = [{"image": found_mhwc} for found_mhwc in with_crops]
    return {
        "detector": profile(detector, OUTPUTS, frames),
        "classifier": profile(model, ("probabilities",), images)
        | {"crops": round(float(np.mean([len(found_mhwc) for found_mhwc in with_crops])), 1)},
    }


def profile(model: str, outputs: Sequence[str], inputs: Sequence[dict[str, NDArray[np.uint8]]]) -> dict[str, Any]:
    """Run a file with ONNX Runtime's profiler, and sum up by operator: microseconds a run, kernels, and their share.

    Profiling itself takes some of the time of small kernels, so that shares say more than microseconds.
    """
    with files.temporary_folder("profile") as folder:
        opened = open_model(model, thread_count=1, profile=folder / "profile")
        for fed in itertools.islice(itertools.cycle(inputs), WARM_UP + PROFILED):
            opened.run(outputs, fed)
        events = json.loads(Path(opened.session.end_profiling()).read_text(encoding="utf-8"))
    began = sorted(event["ts"] for event in events if event["name"] == "model_run")[WARM_UP]
    spent: dict[str, float] = {}
    kernels: dict[str, set[str]] = {}
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith(KERNEL) and event["ts"] >= began:
            operator = str(event["args"]["op_name"])
            spent[operator] = spent.get(operator, 0.0) + float(event["dur"])
            kernels.setdefault(operator, set()).add(event["name"])
    whole = sum(spent.values())
    largest = sorted(spent, key=lambda operator: -spent[operator])
    rows = [(operator, len(kernels[operator]), spent[operator]) for operator in largest[:SHOWN]]
    rest = largest[SHOWN:]
    if rest:
        rows.append(("others", sum(len(kernels[name]) for name in rest), sum(spent[name] for name in rest)))
    return {
        "runs": PROFILED,
        "microseconds": round(whole / PROFILED, 1),
        "operators": [
            {"operator": operator, "kernels": count, "microseconds": round(taken / PROFILED, 1),
             "share": round(taken / whole, 4)}
            for operator, count, taken in rows
        ],
    }  # fmt: skip


def memory(reader: VideoReader, frames: Frames, count: int) -> dict[str, Any]:
    """Read frames of varying size, and note what is resident after each tenth."""
    resident, tenths = [], {max(1, count * tenth // 10) for tenth in range(1, 11)}
    for number, frame in enumerate(itertools.islice(itertools.cycle(frames), count), 1):
        reader.read(frame)
        if number in tenths:
            resident.append({"frames": number, "bytes": resident_bytes()})
        if number % TOLD_EVERY == 0:
            print(f"memory: {number:,} of {count:,} frames", file=sys.stderr, flush=True)
    widths = [frame.shape[1] for frame in frames]
    sizes = {"sizes": len(frames), "narrowest": min(widths), "widest": max(widths)}
    return {"frames": count, **sizes, "resident": resident}


def resident_bytes() -> int:
    """Return what this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
