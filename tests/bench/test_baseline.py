"""The regression gate: what is within, beyond or undecided, what is compared with what, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn import documents
from edgecnn.bench import baseline
from edgecnn.bench.figures import BenchReport, Ratio, Timing, read_report
from edgecnn.bench.load import Load
from edgecnn.errors import DocumentError, EdgecnnError
from edgecnn.machine.environment import environment

HERE = replace(environment(), processor="Test")
CPU = "CPUExecutionProvider"


def timing(p50_ms: float, half: float = 0.01, model: str = "m") -> Timing:
    interval = (p50_ms / (1 + half), p50_ms * (1 + half))
    return Timing(model, "fp32", 1, 1, CPU, p50_ms, p50_ms, p50_ms, p50_ms, 1e3 / p50_ms, 100, 4, interval)


def ratio(value: float, half: float = 0.01) -> Ratio:
    return Ratio("m", "first", 1, 1, value, (value / (1 + half), value * (1 + half)), "same", CPU, CPU, 4, True)


def alone(p50_ms: float, half: float = 0.01) -> BenchReport:
    return BenchReport([timing(p50_ms, half)], [], [], HERE, 8.0)


def beside(value: float, half: float = 0.01, p50_ms: float = 1.0) -> BenchReport:
    return BenchReport([timing(1.0, model="first"), timing(p50_ms)], [ratio(value, half)], [], HERE, 8.0)


@pytest.mark.parametrize(
    ("now", "half", "verdict"),
    [
        (1.0, 0.01, "within"),
        (1.05, 0.01, "within"),
        (1.2, 0.01, "beyond"),
        (1.1, 0.01, "undecided"),
        (1.0, 0.3, "undecided"),
    ],
)
def test_the_whole_interval_decides(now: float, half: float, verdict: str) -> None:
    found = baseline.check(alone(now, half), alone(1.0), "b.json", 10.0)
    assert found.verdict == found.slowdowns[0].verdict == verdict
    assert found.slowdowns[0].ratio == pytest.approx(now)


def test_errors_of_both_add_up_as_independent_ones_do() -> None:
    (found,) = baseline.check(alone(1.0, 0.03), alone(1.0, 0.04), "b.json", 10.0).slowdowns
    assert np.log(found.ratio_ci95[1]) == pytest.approx(np.hypot(np.log(1.03), np.log(1.04)))
    assert found.ratio_ci95[0] * found.ratio_ci95[1] == pytest.approx(1)


def test_beside_another_it_is_the_ratio_that_counts() -> None:
    """A machine that became twice as slow for both says nothing of the model."""
    found = baseline.check(beside(1.0, p50_ms=2.0), beside(1.0, p50_ms=1.0), "b.json", 10.0)
    assert found.verdict == "within"
    assert [one.relative for one in found.slowdowns] == [True]


def test_one_that_is_beyond_decides_for_all() -> None:
    two = replace(alone(1.0), contenders=[timing(1.0, model="a"), timing(1.5, model="b")])
    before = replace(two, contenders=[timing(1.0, model="a"), timing(1.0, model="b")])
    assert baseline.check(two, before, "b.json", 10.0).verdict == "beyond"


def test_another_machine_is_refused() -> None:
    other = replace(alone(1.0), environment=replace(HERE, processor="Other"))
    with pytest.raises(EdgecnnError, match="was measured on Other, and this is Test"):
        baseline.check(alone(1.0), other, "b.json", 10.0)


def test_other_options_are_refused() -> None:
    with pytest.raises(EdgecnnError, match="Use the same options"):
        baseline.check(alone(1.0), replace(alone(1.0), load=Load(fps=30)), "b.json", 10.0)
    with pytest.raises(EdgecnnError, match="has no figure of m over first at batch 1"):
        baseline.check(beside(1.0), alone(1.0), "b.json", 10.0)


def test_no_baseline_is_a_message_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"Save one: edgecnn bench MODEL\.\.\. --json > .*none\.json"):
        read_report(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(DocumentError, match=r"other\.json"):
        read_report(tmp_path / "other.json")


def test_a_saved_report_is_read_back(tmp_path: Path) -> None:
    saved = beside(1.0)
    gated = replace(saved, gate=baseline.check(saved, saved, "b.json", 10.0))
    (tmp_path / "b.json").write_text(documents.to_json(gated))
    assert read_report(tmp_path / "b.json") == gated


def test_a_report_of_an_earlier_version_can_be_compared_beside_another(tmp_path: Path) -> None:
    """It has no interval of the median, but ratios with theirs."""
    old = documents.encode(beside(1.0))
    for key in ("precision_percent", "load", "conditions", "uncounted", "gate"):
        del old[key]
    for row in old["contenders"]:
        del row["launches"], row["p50_ms_ci95"], row["instructions"]
    (tmp_path / "b.json").write_text(documents.to_json(old))
    assert baseline.check(beside(1.0), read_report(tmp_path / "b.json"), "b.json", 10.0).verdict == "within"
    with pytest.raises(EdgecnnError, match="has no figure of m"):
        baseline.check(alone(1.0), replace(read_report(tmp_path / "b.json"), comparisons=[]), "b.json", 10.0)
