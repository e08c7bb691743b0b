"""Build the quantized forms, measure each against the parent, and name the one to ship, which may be the parent."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgecnn import data, files, golden, onnx_file, zoo
from edgecnn.bench import compare_latency
from edgecnn.card import FINDER, Calibration, Golden, Overflow
from edgecnn.contender import Contender, open_contender
from edgecnn.data import Split
from edgecnn.errors import CardError, EdgecnnError
from edgecnn.quantize import forms
from edgecnn.quantize.build import build
from edgecnn.quantize.figures import (
    SAFE,
    Candidate,
    Lost,
    Quantized,
    asked_for,
    candidate_of,
    preferred_form,
    reason,
    with_measurement,
)
from edgecnn.quantize.finder import quantize_finder
from edgecnn.quantize.forms import Form, Parent
from edgecnn.quantize.ship import ship
from edgecnn.verify import compare
from edgecnn.verify.compare import check_moved, read_for

AUTO = "auto"
CALIBRATION_IMAGES, CALIBRATION_SEED = 512, 0


def quantize(
    model: str | Path,
    output: str | Path | None = None,
    *,
    method: str = AUTO,
    max_drop_pp: float = 0.5,
    dataset: str | None = None,
    root: str | Path | None = None,
    seconds: float = 1.0,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Quantized:
    """Quantize a float32 model file, or one of the zoo by name.

    ``auto`` tries every form that applies and is safe on any processor, and writes the preferred one: when nothing is
    better than the parent, nothing is written, and the output is the parent. The name of a form (``quantize.forms``)
    writes that one, whatever it is worth.

    Raises DataError where the images that the model was trained on cannot be read, CardError for a quantized parent,
    ParityError where the form that was asked for does not hold.
    """
    model, file = Path(model), zoo.find(model)
    original = forms.parent_of(file)
    card = original.card
    if card.form != "fp32":
        raise CardError(f"{model}: is {card.form} already. Quantize its float32 parent{_sibling(model, file)}.")
    target = Path(output or _default_target(model, file, method))
    if target.suffix != ".onnx" or target.resolve() == file.resolve():
        raise EdgecnnError(f"{target}: expected another file than the parent, ending in .onnx, for -o.")
    wanted = _forms(method, model, original)
    if card.kind == FINDER:
        if dataset is not None:
            raise EdgecnnError(f"{model}: is a finder, which is quantized on rendered pages. Leave out --data.")
        return quantize_finder(
            file,
            target,
            wanted,
            original,
            asked=method != AUTO,
            max_drop_pp=max_drop_pp,
            root=root,
            seconds=seconds,
            on_stage=on_stage,
        )
    check_moved(card.dataset, dataset, str(model))
    on_stage("reading images")
    train = read_for(card.dataset, card.input.shape, "train", dataset=dataset, root=root)
    validation = read_for(card.dataset, card.input.shape, "validation", dataset=dataset, root=root)
    parent = open_contender(file)
    with files.scratch_folder(target) as folder:
        candidates, lost = [], []
        for form in wanted:
            on_stage(f"building and measuring {form.NAME}")
            path = _path(folder, form.NAME)
            found = _tried(form, path, parent, original, train, validation, max_drop_pp, seconds)
            candidates += [found] if isinstance(found, Candidate) else []
            lost += [found] if isinstance(found, Lost) else []
        preferred = preferred_form(candidates, card.form)
        chosen = preferred if method == AUTO else asked_for(candidates, lost, model)
        shipped = ship(file if chosen == card.form else _path(folder, chosen), target, file)
    return Quantized(
        parent=model,
        parent_form=card.form,
        parent_size_bytes=file.stat().st_size,
        parent_validation_accuracy=float(
            (parent.logits(validation.images_nhwc).argmax(1) == validation.labels_n).mean()
        ),
        validation_images=len(validation),
        candidates=candidates,
        lost=lost,
        preferred=preferred,
        output=shipped,
        output_form=chosen,
        reason=reason(candidates, preferred, max_drop_pp),
    )


def _default_target(model: Path, file: Path, method: str) -> Path:
    """Name the output after the parent: beside a file, but here for a model of the zoo, which stays as it is."""
    suffix = f"-{'preferred' if method == AUTO else method}.onnx"
    return file.with_name(file.stem + suffix) if file == model else Path("-".join(model.parts) + suffix)


def _sibling(model: Path, file: Path) -> str:
    """Say which file of the zoo is the parent, where the zoo has it."""
    parent = f"{model.parts[0]}/fp32"
    return f", {parent}" if file != model and parent in zoo.names() else ""


def _path(folder: Path, form: str) -> Path:
    return folder / f"{form}.onnx"


def _forms(method: str, model: Path, parent: Parent) -> list[Form]:
    automatic = forms.automatic(parent)
    if method == AUTO:
        return list(automatic.values())
    form = forms.get(method)
    if (reason := form.unfit(parent)) is not None:
        raise EdgecnnError(f"{model}: {reason}. Use --method {' or '.join(automatic)}.")
    return [form]


def _tried(
    form: Form,
    path: Path,
    parent: Contender,
    original: Parent,
    train: Split,
    validation: Split,
    max_drop_pp: float,
    seconds: float,
) -> Candidate | Lost:
    """Write one form, with its measured worth in its card, and return what was found, or how it was lost."""
    calibration = _calibration(train) if form.CALIBRATED else None
    images_nhwc = train.images_nhwc[np.array(calibration.indices if calibration else [], int)]

    def own(graph: bytes) -> Golden:
        return golden.measured(graph, original.card.golden.images_nhwc)

    built = build(form, original, path, images_nhwc, calibration, own)
    if isinstance(built, Lost):
        return built
    candidate = _measure(open_contender(path), parent, validation, max_drop_pp, seconds, built.overflow)
    card = with_measurement(built.card, candidate, len(validation), max_drop_pp)
    onnx_file.write_with_card(built.graph, card, path)
    return replace(candidate, size_bytes=path.stat().st_size)


def _calibration(train: Split) -> Calibration:
    """Draw training images in stratified shares; the indices count within the training part of the split."""
    count = min(CALIBRATION_IMAGES, len(train) - 1)
    _, drawn = data.stratified(train.labels_n, count, CALIBRATION_SEED)
    return Calibration(images=count, seed=CALIBRATION_SEED, indices=drawn.tolist())


def _measure(
    contender: Contender,
    parent: Contender,
    validation: Split,
    max_drop_pp: float,
    seconds: float,
    overflow: Overflow = SAFE,
) -> Candidate:
    found = compare(
        parent, contender, validation, dataset=parent.dataset.name, split_name="validation", max_drop_pp=max_drop_pp
    )
    latency = compare_latency(contender.file, parent.file, seconds=seconds)
    return candidate_of(contender.form, contender.file, parent.file, found.candidate.accuracy, found, latency, overflow)
