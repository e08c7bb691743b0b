"""What came of a quantization: the forms that were tried, what each is worth, and which one to ship."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from edgecnn.bench.figures import Ratio
from edgecnn.card import Measured, Mixture, ModelCard, Overflow, Score
from edgecnn.errors import ParityError
from edgecnn.machine import family, processor
from edgecnn.machine.environment import Environment
from edgecnn.quantize.yardstick import Yardstick
from edgecnn.verify import Compared, Verdict
from edgecnn.verify.gate import ERROR_RATE, RATE, UNKNOWN, sentence
from edgecnn.verify.scores import FlipCounts

SAFE = Overflow(safe=True, largest_pair_sum=0)
SMALLER = 0.75  # at the same speed, a form is better when its file has at most this share of the parent's bytes


@dataclass(frozen=True)
class Where:
    """What latency is measured on: a provider of ``environment``, a device, or of this machine where that is None."""

    provider: str = "cpu"
    environment: Environment | None = None

    def __str__(self) -> str:
        return f"{self.provider} of {self.on}" if self.on else self.provider

    @property
    def on(self) -> str | None:
        """What ``--on`` named."""
        return self.environment.place if self.environment else None


HERE = Where()


@dataclass(frozen=True)
class Candidate:
    """One form against the parent: its score on the validation split, latency at batch 1 with the default threads.

    It is ``accurate`` where it drops by no more than is allowed on the validation images; ``drop_verdict`` is what
    these show of all images, wrongly in a share of at most ``drop_error_rate`` of cases. A form that they leave
    undecided can be preferred: to wait for certainty would ship the parent for good wherever a data set is small, and
    cost an outright loss of speed to be safe from a small one of accuracy. What is undecided is called so, and verified
    on the test split.
    """

    form: str
    size_bytes: int
    validation_score: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    drop_verdict: Verdict
    images_needed: int | None
    latency_ratio: float
    latency_ratio_ci95: tuple[float, float]
    verdict: str
    accurate: bool
    better: bool
    overflow: Overflow
    drop_error_rate: float = field(default=ERROR_RATE, metadata=RATE)
    flip_counts: FlipCounts | None = field(default=None, metadata=UNKNOWN)
    mixture: Mixture | None = field(default=None, metadata=UNKNOWN)


@dataclass(frozen=True)
class Lost:
    """A form that could not be measured: at which stage it was lost, and why."""

    form: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Quantized:
    """What was tried, what was lost, what is preferred on a provider (a form, or the parent's own), where it lies.

    ``environment`` is the device that latency was measured on, None for this machine.
    """

    parent: Path
    parent_form: str
    parent_size_bytes: int
    metric: str
    parent_validation_score: float
    validation_images: int
    candidates: list[Candidate]
    lost: list[Lost]
    preferred: str
    output: Path
    output_form: str
    reason: str
    provider: str = "cpu"
    environment: Environment | None = None


def candidate_of(form: str, path: Path, parent: Path, found: Compared, latency: Ratio, overflow: Overflow) -> Candidate:
    """Put what was found of one form together."""
    size, parent_size = path.stat().st_size, parent.stat().st_size
    accurate = found.drop_pp <= found.max_drop_pp
    lighter = latency.verdict == "same" and size <= SMALLER * parent_size
    return Candidate(
        form=form,
        size_bytes=size,
        validation_score=found.candidate_score,
        drop_pp=found.drop_pp,
        drop_pp_ci95=found.drop_pp_ci95,
        drop_verdict=found.verdict,
        images_needed=found.images_needed,
        latency_ratio=latency.ratio,
        latency_ratio_ci95=latency.ratio_ci95,
        verdict=latency.verdict,
        accurate=accurate,
        better=accurate and (latency.verdict == "faster" or lighter),
        overflow=overflow,
        flip_counts=found.flip_counts,
    )


def preferred_form(candidates: list[Candidate], parent_form: str) -> str:
    """Return the fastest form that is better than the parent, or the parent's."""
    better = [candidate for candidate in candidates if candidate.better]
    return min(better, key=lambda candidate: candidate.latency_ratio).form if better else parent_form


def asked_for(candidates: list[Candidate], lost: list[Lost], parent: Path) -> str:
    """Return the one form that was tried, or raise ParityError where it was lost."""
    for form in lost:
        raise ParityError(
            f"quantize {parent}: {form.form} was lost at its {form.stage}: {form.reason} No file was written. "
            "edgecnn quantize without --method tries every form, and keeps the parent where none holds."
        )
    return candidates[0].form


def reason(candidates: list[Candidate], preferred: str, max_drop_pp: float) -> str:
    """Say in one sentence why a form is preferred."""
    found = next((candidate for candidate in candidates if candidate.form == preferred), None)
    if found is None:
        unclear = ", ".join(one.form for one in candidates if one.accurate and one.verdict == "too noisy")
        more = f"; too noisy to tell of {unclear}, which more --seconds or a quieter machine narrows" if unclear else ""
        none = f"no form is faster, or as fast and smaller, within {max_drop_pp:g} points"
        return f"the parent stays preferred: {none}{more}"
    best = f"{preferred} is preferred: the fastest form that is better than the parent"
    if found.drop_verdict == "within":
        return f"{best}; its drop is {sentence('within', None, max_drop_pp)}"
    return f"{best}; its drop is {sentence(found.drop_verdict, found.images_needed, max_drop_pp)}"


def with_measurement(
    card: ModelCard, candidate: Candidate, yardstick: Yardstick, max_drop_pp: float, where: Where = HERE
) -> ModelCard:
    """Write what a form was found to be worth on validation images, and on which machine, into its card."""
    assert card.quantization is not None
    measured = Measured(
        images=yardstick.images,
        drop_pp=candidate.drop_pp,
        latency_ratio=candidate.latency_ratio,
        latency_ratio_ci95=list(candidate.latency_ratio_ci95),
        verdict=candidate.verdict,
        preferred=candidate.better,
        machine=where.environment.processor if where.environment else processor(),
        family=where.environment.family if where.environment else family(),
        drop_pp_ci95=list(candidate.drop_pp_ci95),
        max_drop_pp=max_drop_pp,
        drop_verdict=candidate.drop_verdict,
        provider=None if where.provider == HERE.provider else where.provider,
    )
    return replace(
        card,
        metrics=[Score("validation", yardstick.images, yardstick.metric, candidate.validation_score)],
        quantization=replace(card.quantization, measured=measured),
    )
