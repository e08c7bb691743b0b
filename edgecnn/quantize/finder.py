"""The int8 form of a finder, measured against its parent on validation pages and on a camera's frame."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import files, golden, onnx_file
from edgecnn.bench import compare_latency
from edgecnn.card import Calibration, ModelCard
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import EdgecnnError
from edgecnn.quantize import forms
from edgecnn.quantize.build import Built, build
from edgecnn.quantize.figures import (
    Lost,
    Method,
    Quantized,
    asked_for,
    candidate_of,
    preferred_form,
    reason,
    with_measurement,
)
from edgecnn.quantize.ship import ship
from edgecnn.runtime.finder import load_finder
from edgecnn.verify.finds import compare_on

FRAMES, ROWS, COLUMNS = 24, 3, 4  # calibration frames, each of so many pages: 480x640 of pages of 160x160


def quantize_finder(
    file: Path,
    target: Path,
    *,
    method: Method,
    max_drop_pp: float,
    root: str | Path | None,
    seconds: float,
    on_stage: Callable[[str], None],
) -> Quantized:
    """Write the int8 form to ``target`` where it is better than the parent, or in any case where it was asked for.

    Its accuracy is F1 on the validation pages. Raises DataError where the pages cannot be rendered, EdgecnnError for
    ``dense``: a finder has no dense layers, ParityError where the form that was asked for does not hold.
    """
    if method == "dense":
        raise EdgecnnError(f"{file.name}: a finder has no dense layer to quantize. Use --method static.")
    on_stage("reading pages")
    frames_nhwc = calibration_frames(digit_pages.read(root, "train").images)
    pages, parent = digit_pages.read(root, "test"), load_finder(file)
    tried = forms.FULL if method == "static-full" else forms.STATIC
    candidates, lost = [], []
    with files.scratch_folder(target) as folder:
        path = folder / f"{tried}.onnx"
        on_stage(f"building and measuring {tried}")
        built = _built(tried, path, file, parent.card, frames_nhwc)
        if isinstance(built, Lost):
            lost, comparison = [built], compare_on(pages, parent, parent, max_drop_pp)
        else:
            comparison = compare_on(pages, parent, load_finder(path), max_drop_pp)
            latency = compare_latency(path, file, seconds=seconds)
            f1 = comparison.candidate.f1
            candidate = candidate_of(tried, path, file, f1, comparison, latency, built.overflow)
            card = with_measurement(built.card, candidate, len(pages), max_drop_pp)
            onnx_file.write_with_card(built.graph, card, path)
            candidates = [replace(candidate, size_bytes=path.stat().st_size)]
        preferred = preferred_form(candidates, parent.card.form)
        form = preferred if method == "auto" else asked_for(candidates, lost, file)
        shipped = ship(file if form == parent.card.form else path, target, file)
    return Quantized(
        parent=file,
        parent_form=parent.card.form,
        parent_size_bytes=file.stat().st_size,
        parent_validation_accuracy=comparison.reference.f1,
        validation_images=len(pages),
        candidates=candidates,
        lost=lost,
        preferred=preferred,
        output=shipped,
        output_form=form,
        reason=reason(candidates, preferred, max_drop_pp, "pages"),
    )


def calibration_frames(pages_phw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return frames (N, 3 h, 4 w, 1) of the first pages, side by side."""
    count = min(FRAMES, len(pages_phw) // (ROWS * COLUMNS))
    height, width = pages_phw.shape[1:]
    grid = pages_phw[: count * ROWS * COLUMNS].reshape(count, ROWS, COLUMNS, height, width)
    return grid.transpose(0, 1, 3, 2, 4).reshape(count, ROWS * height, COLUMNS * width, 1)


def _built(form: str, path: Path, file: Path, parent: ModelCard, frames_nhwc: NDArray[np.uint8]) -> Built | Lost:
    count = len(frames_nhwc) * ROWS * COLUMNS
    return build(
        form,
        path,
        file,
        parent,
        Calibration(count, 0, list(range(count))),
        lambda: forms.static_finder(file, frames_nhwc, full_range=form == forms.FULL),
        lambda graph: golden.measured_finder(graph, parent.golden.images_nhwc),
    )
