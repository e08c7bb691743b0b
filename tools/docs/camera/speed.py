"""Speed on 640x480 on one core, a profile of each file by operator, and memory over many frames of varying size.

All of it is measured in a process of its own (``speed_worker.py``), which is held to one core.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camera import rendered
from edgecnn.digits.pages.glyph_sources import Material

PAGES, FRAMES_TIMED, FRAMES = 64, 3_000, 20_000
SIZES_SEED, SIZES, SMALLEST, LARGEST = 8, 48, 160, 1280  # widths of frames of varying size, each 4 by 3
WORKER = Path(__file__).with_name("speed_worker.py")


@dataclass(frozen=True)
class Wanted:
    """How much is measured: pages that the frames are of, frames timed, frames for the memory."""

    pages: int = PAGES
    timed: int = FRAMES_TIMED
    frames: int = FRAMES
    sizes: int = SIZES


def measured(material: Material, detector: str, model: str, wanted: Wanted) -> dict[str, Any]:
    """Measure, and return it as a record has it."""
    with tempfile.TemporaryDirectory() as place:
        frames = Path(place) / "frames.npz"
        np.savez(frames, **dict(_frames(material, wanted)))
        command = [sys.executable, str(WORKER), "--detector", detector, "--model", model, "--frames", str(frames)]
        command += ["--timed", str(wanted.timed), "--memory", str(wanted.frames)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(told)
    return found


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    """Return what holds of a busy machine as well."""
    return {name: value for name, value in found.items() if name in ("memory", "pages")}


def _frames(material: Material, wanted: Wanted) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Render pages of all kinds at a camera's size, and at others."""
    for page in range(wanted.pages):
        kind, _ = rendered.what(page)
        yield f"camera{page:03}", rendered.page_of(material, page, kind, rendered.CAMERA).image_hw
    rng = np.random.default_rng(SIZES_SEED)
    for number in range(wanted.sizes):
        width = int(rng.integers(SMALLEST, LARGEST + 1))
        kind, _ = rendered.what(number)
        yield f"varied{number:03}", rendered.page_of(material, number, kind, (width, width * 3 // 4)).image_hw
