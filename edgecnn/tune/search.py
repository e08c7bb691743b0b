"""Search forms of a model and settings of its session for the best file on this machine, or on a device."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from edgecnn import card as cards
from edgecnn import files, onnx_file, zoo
from edgecnn.bench.asked import SECONDS
from edgecnn.bench.stand import stand_of
from edgecnn.card import Measured, ModelCard
from edgecnn.devices.connection import connected
from edgecnn.devices.opened import saturates_on
from edgecnn.errors import DataError, EdgecnnError, ParityError
from edgecnn.quantize import forms
from edgecnn.quantize.forms import Form, Parent
from edgecnn.quantize.yardstick import Yardstick, yardstick_for
from edgecnn.runtime import int8
from edgecnn.runtime.settings import Settings
from edgecnn.tune import graphs as tried
from edgecnn.tune import timing
from edgecnn.tune.figures import OBJECTIVES, Dropped, Limits, Objective, Tested, Tuned, Variant
from edgecnn.tune.front import choose, reason, with_front
from edgecnn.tune.graphs import Graph
from edgecnn.tune.timing import Place, Written
from edgecnn.verify import verify

CPU = "cpu"


def tune(
    model: str | Path,
    output: str | Path | None = None,
    *,
    objective: Objective = "latency",
    max_drop_pp: float = 0.5,
    max_size_bytes: int | None = None,
    max_peak_bytes: int | None = None,
    dataset: str | None = None,
    root: str | Path | None = None,
    seconds: float = SECONDS,
    provider: str = CPU,
    on: str | None = None,
    test: bool = True,
    fresh: bool = False,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Tuned:
    """Search forms and session settings for the best file of a model on this machine, or on the device ``on``.

    Example::

        import edgecnn

        found = edgecnn.tune("digits.onnx", "digits-tuned.onnx", seconds=0.1)
        print(found.preferred, found.reason)

    Every form that is right on this processor is made and scored on the validation images; of those that drop by no
    more than ``max_drop_pp``, each is timed briefly with every setting (threads; spinning or sleeping while they wait),
    and the best ones together, interleaved, against the parent with the default settings. What is preferred for the
    ``objective`` within the limits is written with its settings in the card, which ``edgecnn.load`` follows on
    processors of the same family; where nothing is better, nothing is written. The test split is opened once, at the
    end, for what is preferred, unless ``test`` is off. A quantized file has no other forms: its settings are searched.

    Forms and their scores are kept by content, in the platform's cache, so that a search that was stopped goes on;
    ``fresh`` takes none of them.

    Raises DataError where the images that the model was trained on cannot be read, ParityError where nothing is within
    the limits.
    """
    model, file = Path(model), zoo.find(model)
    original = forms.parent_of(file)
    target = _target(Path(output) if output else None, model, file)
    limits = Limits(max_drop_pp, max_size_bytes, max_peak_bytes)
    _check(objective, seconds)
    on_stage("looking at the machine")
    place = Place(provider, on, stand_of(on).environment())
    on_stage("reading images")
    yardstick = yardstick_for(file, original.card, dataset=dataset, root=root)
    parent = tried.of_parent(file, original, yardstick.parent_score())
    made, lost = tried.made(_forms(original, on), original, yardstick, max_drop_pp, fresh=fresh, on_stage=on_stage)
    kept, dropped = _sifted(made, limits)
    with files.scratch_folder(target) as folder:
        finalists, left_out = timing.screened(timing.written([parent, *kept], place, folder), place, on_stage)
        on_stage(f"measuring {len(finalists)} variants")
        variants = with_front(timing.measured(finalists, place, seconds, on_stage))
        preferred = choose(variants, objective, limits)
        if preferred is None:
            raise ParityError(_nothing(model, variants, limits))
        tested, written = None, file
        if preferred is not variants[0]:
            chosen = finalists[variants.index(preferred)]
            written = _write(target, chosen, preferred, variants, yardstick, limits, place)
            if test and chosen.graph is not parent:
                on_stage("comparing on the test split, once")
                tested = _tested(file, written, dataset, root, max_drop_pp)
    return Tuned(
        model=model,
        objective=objective,
        limits=limits,
        provider=provider,
        metric=yardstick.metric,
        validation_images=yardstick.images,
        variants=variants,
        screened=left_out,
        dropped=dropped,
        lost=lost,
        preferred=preferred,
        output=written,
        reason=reason(preferred, variants[0], objective),
        tested=tested,
        environment=place.environment,
        seconds=seconds,
    )


def _target(output: Path | None, model: Path, file: Path) -> Path:
    """Return where the preferred file goes: beside a file, but here for a model of the zoo, which stays as it is."""
    target = output or (
        file.with_name(f"{file.stem}-tuned.onnx") if file == model else Path("-".join(model.parts) + "-tuned.onnx")
    )
    if target.suffix != ".onnx" or target.resolve() == file.resolve():
        raise EdgecnnError(f"{target}: expected another file than the model, ending in .onnx, for -o.")
    return target


def _check(objective: str, seconds: float) -> None:
    if objective not in OBJECTIVES or seconds <= 0:
        raise EdgecnnError(
            f"objective {objective} and {seconds:g} seconds: expected {', '.join(OBJECTIVES)} and a positive time."
        )


def _forms(original: Parent, on: str | None) -> list[Form]:
    """Return the forms to try: those that are right on every processor, and the others where this one is known to
    compute them rightly; none of a file that is quantized already."""
    if original.card.form != "fp32":
        return []
    every = sorted(map(forms.get, forms.names()), key=lambda form: form.SEARCHED)  # those that are looked for last
    fitting = [form for form in every if form.unfit(original) is None]
    if all(form.AUTOMATIC for form in fitting):
        return fitting
    saturates = _saturates(on)
    return [form for form in fitting if form.AUTOMATIC or not saturates]


def _saturates(on: str | None) -> bool:
    if on is None:
        return int8.saturates()
    with connected(on) as connection:
        return saturates_on(connection)


def _sifted(made: Sequence[Graph], limits: Limits) -> tuple[list[Graph], list[Dropped]]:
    """Return the forms to time, and those that no setting brings within the limits."""
    kept: list[Graph] = []
    dropped: list[Dropped] = []
    for graph in made:
        size, scored = graph.path.stat().st_size, graph.scored
        if scored.drop_pp > limits.max_drop_pp or size > (limits.max_size_bytes or size):
            dropped.append(Dropped(graph.form, size, scored.score, scored.drop_pp))
        else:
            kept.append(graph)
    return kept, dropped


def _nothing(model: Path, variants: Sequence[Variant], limits: Limits) -> str:
    smallest, leanest = min(one.size_bytes for one in variants), min(one.peak_bytes for one in variants)
    return (
        f"tune {model}: nothing is within the limits (at most {limits.max_drop_pp:g} points of drop"
        + (f", {limits.max_size_bytes:,} bytes" if limits.max_size_bytes else "")
        + (f", {limits.max_peak_bytes:,} bytes of memory" if limits.max_peak_bytes else "")
        + f"). The smallest that drops by no more has {smallest:,} bytes, the leanest takes {leanest:,} of memory."
    )


def _write(
    target: Path,
    chosen: Written,
    preferred: Variant,
    variants: Sequence[Variant],
    yardstick: Yardstick,
    limits: Limits,
    place: Place,
) -> Path:
    """Write the preferred file with its settings, and what its form alone is worth, in its card; return where."""
    settings = Settings(preferred.threads, preferred.spinning)
    own = timing.tuning(settings, place, preferred.latency_ratio, preferred.latency_ratio_ci95)
    elsewhere = [
        one for one in chosen.graph.card.tuned or [] if (one.family, one.provider) != (own.family, own.provider)
    ]
    card = replace(chosen.graph.card, tuned=[*elsewhere, own])
    alone = next(one for one in variants if one.form == preferred.form and _is_default(one, place))
    card = _with_measurement(card, alone, preferred, yardstick, limits, place, chosen.graph)
    with files.replacing(target) as partial, files.replacing(cards.beside(target)) as partial_card:
        onnx_file.write_with_card(chosen.graph.path.read_bytes(), card, partial)
        partial_card.write_bytes(card.to_json().encode())
    return target


def _is_default(one: Variant, place: Place) -> bool:
    return one.spinning and one.threads == place.environment.threads_available


def _with_measurement(
    card: ModelCard,
    alone: Variant,
    preferred: Variant,
    yardstick: Yardstick,
    limits: Limits,
    place: Place,
    graph: Graph,
) -> ModelCard:
    """Write what a quantized form is worth with the default settings into its card, as quantize does."""
    if card.quantization is None or card.quantization.measured is not None:
        return card
    measured = Measured(
        images=yardstick.images,
        drop_pp=alone.drop_pp,
        latency_ratio=alone.latency_ratio,
        latency_ratio_ci95=list(alone.latency_ratio_ci95),
        verdict=alone.verdict,
        preferred=alone.form == preferred.form,
        machine=place.environment.processor,
        family=place.environment.family,
        drop_pp_ci95=list(alone.drop_pp_ci95),
        max_drop_pp=limits.max_drop_pp,
        drop_verdict=graph.scored.verdict,
        provider=None if place.provider == CPU else place.provider,
    )
    score = cards.Score("validation", yardstick.images, yardstick.metric, alone.validation_score)
    return replace(card, metrics=[score], quantization=replace(card.quantization, measured=measured))


def _tested(
    parent: Path, written: Path, dataset: str | None, root: str | Path | None, max_drop_pp: float
) -> Tested | None:
    """Compare on the test split; a data set that has none has nothing to say."""
    try:
        found = verify(parent, written, dataset=dataset, root=root, max_drop_pp=max_drop_pp)
    except DataError:
        return None
    return Tested(
        found.images, found.reference_score, found.candidate_score, found.drop_pp, found.drop_pp_ci95, found.verdict
    )
