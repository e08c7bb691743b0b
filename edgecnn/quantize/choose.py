"""Build the quantized forms, measure each against the parent, and name the one to ship, which may be the parent."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgecnn import files, onnx_file, zoo
from edgecnn.bench import compare_latency
from edgecnn.bench.stand import stand_of
from edgecnn.card import ModelCard, Overflow
from edgecnn.devices.opened import opened_on
from edgecnn.errors import CardError, EdgecnnError, ProviderError
from edgecnn.quantize import forms
from edgecnn.quantize.build import build
from edgecnn.quantize.copy import copy_to
from edgecnn.quantize.figures import (
    HERE,
    Candidate,
    Lost,
    Quantized,
    Where,
    asked_for,
    candidate_of,
    preferred_form,
    reason,
    with_measurement,
)
from edgecnn.quantize.forms import Form, Parent
from edgecnn.quantize.trial import Trial
from edgecnn.quantize.yardstick import Yardstick, yardstick_for
from edgecnn.runtime.selftest import selftest

AUTO = "auto"


def quantize(
    model: str | Path,
    output: str | Path | None = None,
    *,
    method: str = AUTO,
    max_drop_pp: float = 0.5,
    dataset: str | None = None,
    root: str | Path | None = None,
    seconds: float = 4.0,
    provider: str = HERE.provider,
    on: str | None = None,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Quantized:
    """Quantize a float32 model file, or one of the zoo by name.

    Example::

        import edgecnn

        result = edgecnn.quantize("digits.onnx", "digits-int8.onnx", method="static", seconds=0.1)
        print(result.reason)

    ``auto`` tries every form that applies and is safe on any processor, and writes the preferred one: when nothing is
    better than the parent, nothing is written, and the output is the parent. ``mixed``, which is looked for, it tries
    where ``static`` drops too far. The name of a form (``quantize.forms``) writes that one, whatever it is worth.

    Latency is that on ``provider``, where a form has to answer its golden images as well, and of the device that ``on``
    names, such as ``ssh://pi@raspberrypi``; scores are those of the processor here.

    Raises DataError where the images that the model was trained on cannot be read, CardError for a quantized parent,
    ParityError where the form that was asked for does not hold.
    """
    model, file = Path(model), zoo.find(model)
    original = forms.parent_of(file)
    card = original.card
    if card.form != "fp32":
        raise CardError(f"{model}: is {card.form} already. Quantize its float32 parent{_sibling(model, file)}.")
    target = _checked(Path(output or _default_target(model, file, method)), file)
    wanted = _forms(method, model, original)
    where = _where(file, provider, on, on_stage)
    on_stage("reading images")
    yardstick = yardstick_for(file, card, dataset=dataset, root=root)
    with files.scratch_folder(target) as folder:
        candidates: list[Candidate] = []
        lost: list[Lost] = []
        for form in wanted:
            drops_pp = {candidate.form: candidate.drop_pp for candidate in candidates}
            if method == AUTO and not forms.is_needed(form, wanted, drops_pp, max_drop_pp):
                continue
            on_stage(f"building and measuring {form.NAME}")
            trial = Trial(original, yardstick, max_drop_pp, folder / "trial.onnx", _within(form, on_stage))
            found = _tried(form, _path(folder, form.NAME), file, original, trial, seconds, where)
            candidates += [found] if isinstance(found, Candidate) else []
            lost += [found] if isinstance(found, Lost) else []
        preferred = preferred_form(candidates, card.form)
        chosen = preferred if method == AUTO else asked_for(candidates, lost, model)
        output = copy_to(target, file if chosen == card.form else _path(folder, chosen), file)
    return Quantized(
        parent=model,
        parent_form=card.form,
        parent_size_bytes=file.stat().st_size,
        metric=yardstick.metric,
        parent_validation_score=yardstick.parent_score(),
        validation_images=yardstick.images,
        candidates=candidates,
        lost=lost,
        preferred=preferred,
        output=output,
        output_form=chosen,
        reason=reason(candidates, preferred, max_drop_pp),
        provider=provider,
        environment=where.environment,
    )


def _where(file: Path, provider: str, on: str | None, on_stage: Callable[[str], None]) -> Where:
    """Return what latency is to be measured on; what does not take the parent is said before anything is built."""
    if on is not None:
        on_stage(f"reaching {on}")
        stand_of(on)
    with opened_on(on, file, provider=provider) as model:
        return Where(provider, model.environment)


def _checked(target: Path, file: Path) -> Path:
    if target.suffix != ".onnx" or target.resolve() == file.resolve():
        raise EdgecnnError(f"{target}: expected another file than the parent, ending in .onnx, for -o.")
    return target


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


def _within(form: Form, on_stage: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: on_stage(f"building {form.NAME}: {text}")


def _tried(
    form: Form, path: Path, file: Path, original: Parent, trial: Trial, seconds: float, where: Where
) -> Candidate | Lost:
    """Write one form, with its measured worth in its card, and return what was found, or how it was lost."""
    yardstick, max_drop_pp = trial.yardstick, trial.max_drop_pp
    images_nhwc, calibration = yardstick.calibration() if form.CALIBRATED else (np.zeros((0, 1, 1, 1), np.uint8), None)
    built = build(form, original, path, images_nhwc, calibration, yardstick.golden, trial)
    if isinstance(built, Lost):
        return built
    if where != Where() and (unlike := _unlike(path, where)):
        return Lost(form.NAME, f"self-test on {where}", unlike)
    candidate = measure(path, file, built.card, yardstick, max_drop_pp, seconds, built.overflow, where)
    card = with_measurement(built.card, candidate, yardstick, max_drop_pp, where)
    onnx_file.write_with_card(built.graph, card, path)
    made = built.card.quantization
    return replace(candidate, size_bytes=path.stat().st_size, mixture=made.mixture if made else None)


def _unlike(path: Path, where: Where) -> str:
    """Say how a form's answers elsewhere are not those of its golden images; nothing where they are."""
    try:
        with opened_on(where.on, path, provider=where.provider) as model:
            found = selftest(model)
    except ProviderError as error:
        return str(error)
    return "" if found.passed else f"other answers than on the processor here: {found.gaps}."


def measure(
    path: Path,
    parent: Path,
    card: ModelCard,
    yardstick: Yardstick,
    max_drop_pp: float,
    seconds: float,
    overflow: Overflow,
    where: Where = HERE,
) -> Candidate:
    """Return what a form that was written is worth against its parent: its accuracy here, its latency here or there."""
    found = yardstick.compare(path, max_drop_pp)
    latency = compare_latency(path, parent, seconds=seconds, provider=where.provider, on=where.on)
    return candidate_of(card.form, path, parent, found, latency, overflow)
