"""All of an audit in a sentence: why it is slower or faster, and what to do first."""

from collections.abc import Sequence

from edgecnn.audit.found import Finding
from edgecnn.audit.kinds import Kind, of_any_precision

MOST = 2  # kinds that are named on each side
WORTH = 0.01  # a share of the time that is worth a word


def sentence(
    model: str,
    reference: str | None,
    kinds: Sequence[Kind],
    findings: Sequence[Finding],
    ratio: float | None,
    ratio_range: tuple[float, float] | None,
    *,
    busy: bool,
) -> str:
    """Say it, and that a busy machine's times are not to be trusted."""
    first = _first(findings) + ("; the machine was busy, so measure again" if busy else "")
    if reference is None or ratio is None or ratio_range is None:
        most = " and ".join(f"{kind.kind} ({_percent(kind.share)})" for kind in kinds[:MOST])
        return f"{model}: most of its kernels' time goes to {most}; {first}."
    verdict, why = _verdict(ratio_range), _why(kinds)
    low, high = ratio_range
    rounds = f"{ratio:.2f} of its time, {low:.2f} to {high:.2f} round by round"
    return f"{model} is {verdict} {reference} ({rounds}){why}; {first}."


def _verdict(ratio_range: tuple[float, float]) -> str:
    low, high = ratio_range
    if high < 1:
        return "faster than"
    return "slower than" if low > 1 else "neither faster nor slower, as far as these rounds tell, than"


def _why(kinds: Sequence[Kind]) -> str:
    """Name the kinds of kernels that take less and those that take more than in the reference, in shares of it."""
    total = sum(kind.reference_microseconds or 0.0 for kind in kinds) or 1.0
    changes = sorted(
        ((kind.microseconds - (kind.reference_microseconds or 0.0)) / total, kind.kind) for kind in _merged(kinds)
    )
    less = [f"{name} ({_percent(-change)})" for change, name in changes if change < -WORTH][:MOST]
    more = [f"{name} ({_percent(change)})" for change, name in reversed(changes) if change > WORTH][:MOST]
    parts = [f"it saves on {' and '.join(less)}" if less else "", f"it pays for {' and '.join(more)}" if more else ""]
    said = ", and ".join(part for part in parts if part)
    return f": of its kernels' time {said}" if said else ""


def _merged(kinds: Sequence[Kind]) -> list[Kind]:
    """Take convolutions of all precisions together, and dense layers."""
    found: dict[str, Kind] = {}
    for kind in kinds:
        name = of_any_precision(kind.kind)
        old = found.get(name)
        found[name] = Kind(
            name,
            kind.kernels + (old.kernels if old else 0),
            kind.microseconds + (old.microseconds if old else 0.0),
            kind.share + (old.share if old else 0.0),
            None,
            (kind.reference_microseconds or 0.0) + ((old.reference_microseconds or 0.0) if old else 0.0),
        )
    return list(found.values())


def _first(findings: Sequence[Finding]) -> str:
    timed = [finding for finding in findings if finding.brings]
    if timed:
        best = timed[0]
        return f"change first: {best.name}, which would bring up to {_percent(best.brings or 0.0)} of the time"
    if findings:
        return f"nothing found would make it faster; see {', '.join(finding.name for finding in findings)}"
    return "nothing was found to change"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
