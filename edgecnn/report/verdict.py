"""Can it be shipped? What speaks for and against a model, each with the figure that says so, and what follows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from edgecnn import metrics
from edgecnn.bench.figures import Ratio
from edgecnn.errors import EdgecnnError
from edgecnn.report.subject import Quality, Subject
from edgecnn.text import counted, shortened
from edgecnn.verify.compared import Compared
from edgecnn.verify.gate import sentence

Weight = Literal["for", "open", "against"]
Answer = Literal["yes", "with care", "no"]
WIDE_PP = 4.0  # an interval wider than that says little of how good a model is


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
        _tried("its self-test", lambda: _selftest(subject)),
        _tried("how good it is", lambda: _quality(subject)),
        *([] if _is_superseded(subject) else [_tried("what it was made from", lambda: _parity(subject))]),
        *([_tried("the comparison with its reference", lambda: _same(subject))] if subject.source.reference else []),
        *([_tried("its latency", lambda: _faster(subject))] if subject.source.reference else []),
        *_int8(subject),
    ]
    return Verdict(_answer(reasons), _sentence(reasons), reasons)


def _answer(reasons: list[Reason]) -> Answer:
    weights = {reason.weight for reason in reasons}
    if "against" in weights:
        return "no"
    return "with care" if "open" in weights else "yes"


def _sentence(reasons: list[Reason]) -> str:
    """Say the answer with what it hangs on."""
    against, unsure = (_listed(reasons, weight) for weight in ("against", "open"))
    if against:
        return f"No, because of {against}."
    if unsure:
        return f"With care: nothing speaks against it, still open: {unsure}."
    return "Yes: nothing that was checked speaks against it."


def _listed(reasons: list[Reason], weight: str) -> str:
    found = [reason.about for reason in reasons if reason.weight == weight]
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


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
        "its self-test",
        "for" if found.passed else "against",
        f"It {verb} its {counted(found.images, 'golden image')} here as it did where it was made.",
    )


def _quality(subject: Subject) -> Reason:
    quality = subject.quality
    title = metrics.title(quality.metric)
    what = f"{title[0].upper()}{title[1:]} {metrics.digits(quality.metric, quality.value)}"
    of = f"on {counted(quality.images, 'image')} of the {quality.split} split of {quality.dataset}"
    if quality.split != "test":
        return Reason(title, "open", f"{what} {of}, which it was chosen by; a test split was not looked at.")
    if quality.interval is None:
        return Reason(title, "for", f"{what} {of}.")
    low, high = quality.interval
    ends = f"(95 %: {metrics.digits(quality.metric, low)} to {metrics.digits(quality.metric, high)})"
    if quality.guessed is not None and low <= quality.guessed:
        guess = f"always the same answer is right for {quality.guessed:.2%}"
        return Reason(title, "against", f"{what} {of} {ends}: no better than a guess, as {guess}.")
    said = _said(subject, quality)
    if said is not None and not low <= said <= high:
        return Reason(title, "against", f"{what} {of} {ends}; its card says {metrics.digits(quality.metric, said)}.")
    if (high - low) * 100 > WIDE_PP:
        return Reason(title, "open", f"{what} {of} {ends}: so few images say little. Measure it on more.")
    return Reason(title, "for", f"{what} {of} {ends}.")


def _said(subject: Subject, quality: Quality) -> float | None:
    """Return the card's figure on the same images; None where it has none."""
    if subject.source.dataset is not None:
        return None
    same = (quality.split, quality.metric, quality.images)
    return next((s.value for s in subject.card.metrics if (s.split, s.metric, s.images) == same), None)


def _is_superseded(subject: Subject) -> bool:
    """Tell whether a drop that was undecided where the model was quantized is measured again here."""
    quantization = subject.card.quantization
    measured = quantization.measured if quantization else None
    return bool(subject.source.reference and measured and measured.drop_verdict == "undecided")


def _parity(subject: Subject) -> Reason:
    card = subject.card
    if card.parity is not None:
        return Reason(
            "its export",
            "for",
            f"Its card says that it answers as its original: {card.parity.output} within "
            f"{card.parity.max_abs_gap_below:g} on {counted(card.parity.images, 'image')}.",
        )
    measured = card.quantization.measured if card.quantization else None
    if measured is None:
        return Reason(
            "what it was made from", "open", "The file does not say that it was compared with what it was made from."
        )
    held = measured.drop_verdict in (None, "within")
    change = changed(measured.drop_pp, "dropped", "rose")
    return Reason(
        "its quantization",
        "for" if held else "against" if measured.drop_verdict == "beyond" else "open",
        f"When it was quantized, it {change} on {counted(measured.images, 'image')}"
        f"{'' if held else f', {measured.drop_verdict}'}.",
    )


def _same(subject: Subject) -> Reason:
    about, found = "the comparison with its reference", subject.comparison
    if found is None:
        return Reason(about, "open", f"It was not compared with {subject.source.reference}.")
    weights: dict[str, Weight] = {"within": "for", "beyond": "against", "undecided": "open"}
    return Reason(about, weights[found.verdict], f"Against its reference, {_drop(found)}.")


def _drop(found: Compared) -> str:
    """Say what a comparison found, on how many images, and what is allowed."""
    return (
        f"{change_of(found)} on {counted(found.images, 'image')}, "
        f"{sentence(found.verdict, found.images_needed, found.max_drop_pp)}"
    )


def change_of(found: Compared) -> str:
    """Say how much a comparison found, with its interval."""
    low, high = found.drop_pp_ci95
    if round(found.drop_pp, 2) < 0:
        low, high = -high, -low
    return f"{metrics.title(found.metric)} {changed(found.drop_pp)} (95 %: {low:.2f} to {high:.2f})"


def changed(drop_pp: float, drops: str = "drops", rises: str = "rises") -> str:
    """Say a drop, or a rise where it is below zero, in percentage points.

    >>> changed(0.14), changed(-0.14), changed(-0.001)
    ('drops by 0.14 points', 'rises by 0.14 points', 'drops by 0.00 points')
    """
    drop = round(drop_pp, 2)
    return f"{rises if drop < 0 else drops} by {abs(drop):.2f} points"


def _faster(subject: Subject) -> Reason:
    report = subject.timings
    ratio = single(report.comparisons)
    weights: dict[str, Weight] = {"faster": "for", "same": "for", "slower": "against", "too noisy": "open"}
    low, high = ratio.ratio_ci95
    busy = "; the machine was busy" if report.environment.warning else ""
    reference, own = (
        next(found.size_bytes for found in report.footprints if found.model == name)
        for name in (ratio.against, ratio.model)
    )
    weight = weights[ratio.verdict]
    traded = "; but the file is smaller" if weight == "against" and own < reference else ""
    if busy or traded:
        weight = "open"
    return Reason(
        "its latency",
        weight,
        f"One image takes {ratio.ratio:.2f} times as long as with its reference (95 %: {low:.2f} to {high:.2f}): "
        f"{ratio.verdict}{traded}{busy}.",
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
        yield Reason(
            "other processors", "for", "Its int8 sums fit 16 bits, so that processors without VNNI answer alike."
        )
        return
    yield Reason(
        "other processors",
        "open",
        "Its int8 sums may overflow on x86 processors without VNNI, with wrong answers there.",
    )
