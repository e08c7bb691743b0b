"""The forms of a finder, each measured against its parent on validation pages and on a camera's frame."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import files, golden, onnx_file
from edgecnn.bench import compare_latency
from edgecnn.card import Calibration, Golden
from edgecnn.digits.pages import digit_pages
from edgecnn.digits.pages.digit_pages import Pages
from edgecnn.quantize.build import build
from edgecnn.quantize.figures import (
    Candidate,
    Lost,
    Quantized,
    asked_for,
    candidate_of,
    preferred_form,
    reason,
    with_measurement,
)
from edgecnn.quantize.forms import Form, Parent
from edgecnn.quantize.ship import ship
from edgecnn.runtime.finder import Finder, load_finder
from edgecnn.verify.finds import FinderComparison, compare_on

FRAMES, ROWS, COLUMNS = 24, 3, 4  # calibration frames, each of so many pages: 480x640 of pages of 160x160


def quantize_finder(
    file: Path,
    target: Path,
    wanted: list[Form],
    original: Parent,
    *,
    asked: bool,
    max_drop_pp: float,
    root: str | Path | None,
    seconds: float,
    on_stage: Callable[[str], None],
) -> Quantized:
    """Write the fastest form to ``target`` that is better than the parent, or in any case the one that was asked for.

    Its accuracy is F1 on the validation pages. Raises DataError where the pages cannot be rendered, ParityError where
    the form that was asked for does not hold.
    """
    on_stage("reading pages")
    frames_nhwc = calibration_frames(digit_pages.read(root, "train").images)
    pages, parent = digit_pages.read(root, "test"), load_finder(file)
    candidates, lost, comparison = [], [], None
    with files.scratch_folder(target) as folder:
        for form in wanted:
            on_stage(f"building and measuring {form.NAME}")
            path = _path(folder, form.NAME)
            found = _tried(form, path, file, parent, original, frames_nhwc, pages, max_drop_pp, seconds)
            if isinstance(found, Lost):
                lost.append(found)
            else:
                candidate, comparison = found
                candidates.append(candidate)
        preferred = preferred_form(candidates, original.card.form)
        chosen = asked_for(candidates, lost, file) if asked else preferred
        shipped = ship(file if chosen == original.card.form else _path(folder, chosen), target, file)
    comparison = comparison or compare_on(pages, parent, parent, max_drop_pp)
    return Quantized(
        parent=file,
        parent_form=original.card.form,
        parent_size_bytes=file.stat().st_size,
        parent_validation_accuracy=comparison.reference.f1,
        validation_images=len(pages),
        candidates=candidates,
        lost=lost,
        preferred=preferred,
        output=shipped,
        output_form=chosen,
        reason=reason(candidates, preferred, max_drop_pp, "pages"),
    )


def calibration_frames(pages_phw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return frames (N, 3 h, 4 w, 1) of the first pages, side by side."""
    count = min(FRAMES, len(pages_phw) // (ROWS * COLUMNS))
    height, width = pages_phw.shape[1:]
    grid = pages_phw[: count * ROWS * COLUMNS].reshape(count, ROWS, COLUMNS, height, width)
    return grid.transpose(0, 1, 3, 2, 4).reshape(count, ROWS * height, COLUMNS * width, 1)


def _path(folder: Path, form: str) -> Path:
    return folder / f"{form}.onnx"


def _tried(
    form: Form,
    path: Path,
    file: Path,
    parent: Finder,
    original: Parent,
    frames_nhwc: NDArray[np.uint8],
    pages: Pages,
    max_drop_pp: float,
    seconds: float,
) -> tuple[Candidate, FinderComparison] | Lost:
    """Write one form, with its measured worth in its card, and return what was found, or how it was lost."""
    count = len(frames_nhwc) * ROWS * COLUMNS
    calibration = Calibration(count, 0, list(range(count))) if form.CALIBRATED else None

    def own(graph: bytes) -> Golden:
        return golden.measured_finder(graph, original.card.golden.images_nhwc)

    built = build(form, original, path, frames_nhwc if form.CALIBRATED else frames_nhwc[:0], calibration, own)
    if isinstance(built, Lost):
        return built
    comparison = compare_on(pages, parent, load_finder(path), max_drop_pp)
    latency = compare_latency(path, file, seconds=seconds)
    candidate = candidate_of(form.NAME, path, file, comparison.candidate.f1, comparison, latency, built.overflow)
    onnx_file.write_with_card(built.graph, with_measurement(built.card, candidate, len(pages), max_drop_pp), path)
    return replace(candidate, size_bytes=path.stat().st_size), comparison
