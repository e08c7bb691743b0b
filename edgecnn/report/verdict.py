"""Can it be shipped? What speaks for and against a model, each with the figure that says so, and what follows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from edgecnn import metrics
from edgecnn.bench.measure import Ratio
from edgecnn.errors import EdgecnnError
from edgecnn.report.subject import Quality, Subject
from edgecnn.text import counted, shortened
from edgecnn.verify.compared import Compared
from edgecnn.verify.gate import sentence

Weight = Literal["for", "open", "against"]
Answer = Literal["yes", "with care", "no"]
WIDE_PP = 4.0  # an interval wider than that says little of how good a model is
SENTENCES = {
    "yes": "Yes: nothing that was checked speaks against it.",
    "with care": "With care: nothing speaks against it, but something is not shown.",
    "no": "No: something that was checked speaks against it.",
}


@dataclass(frozen=True)
class Reason:
    """One thing that was looked at. ``weight`` says what it is for shipping; ``open`` is what is not shown."""

    about: str
    weight: Weight
    text: str


@dataclass(frozen=True)
class Verdict:
    """The answer and its reasons."""

    answer: Answer
    sentence: str
    reasons: list[Reason]


def of(subject: Subject) -> Verdict:
    """Look at everything that can be looked at here."""
    reasons = [
        _tried("its own images", lambda: _selftest(subject)),
        _tried("images it was not trained on", lambda: _quality(subject.quality)),
        _tried("its original", lambda: _parity(subject)),
        *([_tried("its reference", lambda: _same(subject))] if subject.source.reference else []),
        *([_tried("latency", lambda: _faster(subject))] if subject.source.reference else []),
        *_int8(subject),
    ]
    answer = _answer(reasons)
    return Verdict(answer, SENTENCES[answer], reasons)


def _answer(reasons: list[Reason]) -> Answer:
    weights = {reason.weight for reason in reasons}
    if "against" in weights:
        return "no"
    return "with care" if "open" in weights else "yes"


def _tried(about: str, look: Callable[[], Reason]) -> Reason:
    """Return a reason, or that it could not be looked at here."""
    try:
        return look()
    except EdgecnnError as error:
        return Reason(about, "open", f"Not shown: {shortened(str(error), 300)}")


def _selftest(subject: Subject) -> Reason:
    found = subject.selftest
    verb = "answers" if found.passed else "does not answer"
    return Reason(
        "self-test",
        "for" if found.passed else "against",
        f"It {verb} its {counted(found.images, 'golden image')} here as where it was made.",
    )


def _quality(quality: Quality) -> Reason:
    title = metrics.title(quality.metric)
    what = f"{title[0].upper()}{title[1:]} {metrics.digits(quality.metric, quality.value)}"
    of = f"on {counted(quality.images, 'image')} of the {quality.split} split of {quality.dataset}"
    if quality.split != "test":
        return Reason("data", "open", f"{what} {of}, which it was chosen by; a test split was not looked at.")
    if quality.interval is None:
        return Reason("data", "for", f"{what} {of}.")
    low, high = quality.interval
    wide = (high - low) * 100 > WIDE_PP
    more = f"; {(high - low) * 100:.1f} points wide: measure it on more images" if wide else ""
    return Reason("data", "open" if wide else "for", f"{what} {of} (95 %: {low:.2%} to {high:.2%}{more}).")


def _parity(subject: Subject) -> Reason:
    card = subject.card
    if card.parity is not None:
        return Reason(
            "export",
            "for",
            f"Same as its original: largest gap of {card.parity.output} below {card.parity.max_abs_gap_below:g} on "
            f"{counted(card.parity.images, 'image')}.",
        )
    measured = card.quantization.measured if card.quantization else None
    if measured is None:
        return Reason("export", "open", "The file does not say that it was compared with what it was made from.")
    held = measured.drop_verdict in (None, "within")
    return Reason(
        "quantization",
        "for" if held else "open",
        f"Where it was quantized, it dropped by {measured.drop_pp:.2f} points on {counted(measured.images, 'image')}"
        f"{'' if held else f', {measured.drop_verdict}'}.",
    )


def _same(subject: Subject) -> Reason:
    found = subject.comparison
    assert found is not None
    weights: dict[str, Weight] = {"within": "for", "beyond": "against", "undecided": "open"}
    return Reason("reference", weights[found.verdict], f"{_drop(found)}.")


def _drop(found: Compared) -> str:
    low, high = found.drop_pp_ci95
    return (
        f"Against its reference, {metrics.title(found.metric)} drops by {found.drop_pp:.2f} points (95 %: {low:.2f} to "
        f"{high:.2f}), {sentence(found.verdict, found.images_needed, found.max_drop_pp)}"
    )


def _faster(subject: Subject) -> Reason:
    report = subject.timings
    ratio = single(report.comparisons)
    weights: dict[str, Weight] = {"faster": "for", "same": "for", "slower": "against", "too noisy": "open"}
    low, high = ratio.ratio_ci95
    busy = "; the machine was busy" if report.environment.warning else ""
    smaller = subject.inspection.size_bytes < min(found.size_bytes for found in report.footprints)
    weight = weights[ratio.verdict]
    if busy or (weight == "against" and smaller):
        weight = "open"
    return Reason(
        "latency",
        weight,
        f"One image takes {ratio.ratio:.2f} times as long as with its reference (95 %: {low:.2f} to {high:.2f}): "
        f"{ratio.verdict}{busy}.",
    )


def single(comparisons: list[Ratio]) -> Ratio:
    """Return the ratio of one image a call with all threads there are."""
    return max((found for found in comparisons if found.batch == 1), key=lambda found: found.threads)


def _int8(subject: Subject) -> Iterator[Reason]:
    quantization = subject.card.quantization
    if quantization is None:
        return
    overflow = quantization.overflow
    if overflow is not None and overflow.safe:
        yield Reason("processors", "for", "Its int8 sums fit 16 bits: the same answers on every processor.")
        return
    yield Reason("processors", "open", "Its int8 sums may saturate on x86 processors without VNNI.")
