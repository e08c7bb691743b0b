"""What came of a quantization: the forms that were tried, what each is worth, and which one to ship."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgecnn.bench.measure import Ratio

Method = Literal["auto", "static", "dense"]

SMALLER = 0.75  # at the same speed, a form is better when its file has at most this share of the parent's bytes


@dataclass(frozen=True)
class Candidate:
    """One form against the parent: accuracy on the validation split, latency at batch 1 with the default threads."""

    form: str
    size_bytes: int
    validation_accuracy: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    latency_ratio: float
    latency_ratio_ci95: tuple[float, float]
    verdict: str
    accurate: bool
    better: bool


@dataclass(frozen=True)
class Quantized:
    """What was tried, what is preferred (a form, or the parent's own) and where it lies."""

    parent: Path
    parent_form: str
    parent_size_bytes: int
    parent_validation_accuracy: float
    validation_images: int
    candidates: list[Candidate]
    preferred: str
    output: Path
    output_form: str
    reason: str


def is_better(accurate: bool, latency: Ratio, size: int, parent_size: int) -> bool:
    """Tell whether a form is worth shipping in place of its parent: faster, or as fast and lighter."""
    lighter = latency.verdict == "same" and size <= SMALLER * parent_size
    return accurate and (latency.verdict == "faster" or lighter)


def preferred_form(candidates: list[Candidate], parent_form: str) -> str:
    better = [candidate for candidate in candidates if candidate.better]
    return min(better, key=lambda candidate: candidate.latency_ratio).form if better else parent_form


def reason(preferred: str, parent_form: str, max_drop_pp: float) -> str:
    if preferred == parent_form:
        return f"the parent stays preferred: no form is faster, or as fast and smaller, within {max_drop_pp:g} points"
    return f"{preferred} is preferred: the fastest form that is better than the parent within {max_drop_pp:g} points"
