"""Classes and slices judged apart: their counts, their verdicts together, and how often these are wrong."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from answering import contender, split_of
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn.errors import DataError, EdgecnnError
from edgecnn.verify import Comparison, compare_files
from edgecnn.verify.apart import MOST_ROWS, Apart, judge_each, together
from edgecnn.verify.compare import compare
from edgecnn.verify.gate import ERROR_RATE
from edgecnn.verify.statistics import Z95, drop_ci95_pp, drop_intervals

numbers = st.floats(-5, 5)


def ends_of(center_m: np.ndarray, error_m: np.ndarray):
    return lambda z: (center_m - z * error_m, center_m + z * error_m)


# Made up: three classes of 40 images, and a candidate that loses some of one of them


def compared_apart(
    truth: list[int], reference: list[int], candidate: list[int], apart: Apart, *, max_drop_pp: float = 50
) -> Comparison:
    pair = contender("reference", reference), contender("candidate", candidate)
    split = split_of(truth)
    return compare(*pair, split, dataset="made-up", split_name="test", max_drop_pp=max_drop_pp, apart=apart)


def with_lost(lost: int, apart: Apart, *, max_drop_pp: float = 50) -> Comparison:
    truth = [0] * 40 + [1] * 40 + [2] * 40
    candidate = [1] * lost + truth[lost:]
    return compared_apart(truth, truth, candidate, apart, max_drop_pp=max_drop_pp)


def test_each_class_has_its_own_drop() -> None:
    found = with_lost(10, Apart(max_class_drop_pp=12)).by_class
    assert found is not None
    assert [(part.name, part.images, part.drop_pp) for part in found.parts] == [
        ("a", 40, 25),
        ("b", 40, 0),
        ("c", 40, 0),
    ]
    assert [part.drop_pp_ci95 for part in found.parts] == [drop_ci95_pp(lost, 0, 40) for lost in (10, 0, 0)]
    assert (found.parts[0].reference_score, found.parts[0].candidate_score) == (1, 0.75)
    assert (found.parts[0].flip_counts.harmful, found.parts[1].flip_counts.harmful) == (10, 0)


@pytest.mark.parametrize(
    ("lost", "limit", "verdict", "said"),
    [
        (0, 12, "within", "each of 3 classes within the allowed 12 points (error rate at most 2.5 %)"),
        (16, 5, "beyond", "1 of 3 classes (a) beyond the allowed 5 points (error rate at most 2.5 %)"),
        (
            3,
            12,
            "undecided",
            "1 of 3 classes (a) undecided at the allowed 12 points, needs about 410 images of a class",
        ),
    ],
)
def test_a_class_fails_what_would_pass_as_a_whole(lost: int, limit: float, verdict: str, said: str) -> None:
    found = with_lost(lost, Apart(max_class_drop_pp=limit))
    assert (found.verdict, found.passed) == (verdict, verdict == "within")
    assert [breakdown.sentence() for breakdown in found.breakdowns()] == [said]


def test_the_whole_fails_where_each_class_passes() -> None:
    assert with_lost(0, Apart(max_class_drop_pp=12), max_drop_pp=0.1).verdict == "undecided"


def test_slices_are_shown_without_a_verdict_where_nothing_is_allowed(tmp_path: Path) -> None:
    table = tmp_path / "slices.csv"
    table.write_text("index,slice\n0,first\n1,first\n119,last\n")
    found = with_lost(1, Apart(slices=table))
    assert found.by_slice is not None
    assert (found.verdict, found.by_slice.verdict) == ("within", None)
    assert [(part.name, part.images, part.drop_pp) for part in found.by_slice.parts] == [
        ("first", 2, 50),
        ("last", 1, 0),
    ]
    assert found.by_slice.table().columns[-1] == "beneficial"
    judged = with_lost(1, Apart(slices=table, max_slice_drop_pp=30))
    assert (judged.verdict, judged.by_slice.table().columns[-1]) == ("undecided", "verdict")


def test_a_class_without_an_image_cannot_be_judged() -> None:
    with pytest.raises(DataError, match=r"the test split of made-up has no image of c, and each class is to be judged"):
        compared_apart([0, 1], [0, 1], [0, 1], Apart(max_class_drop_pp=1))


def test_a_drop_of_slices_that_nobody_named_is_an_error() -> None:
    with pytest.raises(EdgecnnError, match=r"no slices are\. Name them: --slice FILE\.csv"):
        compared_apart([0, 1, 2], [0, 1, 2], [0, 1, 2], Apart(max_slice_drop_pp=1))


def test_of_many_slices_the_worst_are_shown(tmp_path: Path) -> None:
    table = tmp_path / "slices.csv"
    table.write_text("index,slice\n" + "".join(f"{index},s{index}\n" for index in range(120)))
    shown = with_lost(2, Apart(slices=table)).by_slice.table()
    assert len(shown.rows) == MOST_ROWS
    assert [row[0] for row in shown.rows[:2]] == ["s0", "s1"]


# Verdicts together


@given(st.lists(st.tuples(numbers, st.floats(0.01, 2)), min_size=1, max_size=12), numbers)
@settings(max_examples=60)
def test_beyond_are_those_that_holm_rejects(parts: list[tuple[float, float]], limit: float) -> None:
    """Against the definition: sorted p, each held to the error rate over those that are left."""
    center_m, error_m = (np.array(column) for column in zip(*parts, strict=True))
    p_m = np.array([1 - NormalDist().cdf(value) for value in (center_m - limit) / error_m])
    rejected = set()
    for left, place in zip(range(len(parts), 0, -1), np.argsort(p_m, kind="stable"), strict=True):
        if p_m[place] >= ERROR_RATE / left:
            break
        rejected.add(int(place))
    said = judge_each(ends_of(center_m, error_m), limit, len(parts))
    assert {place for place, verdict in enumerate(said) if verdict == "beyond"} == rejected
    within = {place for place in range(len(parts)) if center_m[place] + Z95 * error_m[place] <= limit}
    assert {place for place, verdict in enumerate(said) if verdict == "within"} == within


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["within", "within"], "within"),
        (["within", "undecided"], "undecided"),
        (["undecided", "beyond"], "beyond"),
        (["within", None], "within"),
    ],
)
def test_all_have_to_be_within(verdicts: list, whole: str) -> None:
    assert together(verdicts) == whole


def simulated(classes: int, drop: float, flips: float, worse: int) -> list[str]:
    """Verdicts over classes of 500 images, the ``worse`` first ones with a true drop of ``drop``, at a margin of 2."""
    rng = np.random.default_rng(classes)
    share_m = flips + np.where(np.arange(classes) < worse, drop, 0.0)
    return [_verdict(rng.binomial(500, share_m), rng.binomial(500, flips, classes)) for _ in range(400)]


def _verdict(lost_m: np.ndarray, won_m: np.ndarray) -> str:
    def ends_pp(z: float) -> tuple[np.ndarray, np.ndarray]:
        low_m, high_m = drop_intervals(lost_m, won_m, 500, z)
        return low_m * 100, high_m * 100

    return together(judge_each(ends_pp, 2.0, len(lost_m)))


def test_one_class_of_many_that_is_worse_than_allowed_does_not_pass() -> None:
    assert simulated(20, 0.02, 0.002, worse=1).count("within") / 400 <= 0.045  # three standard errors above 2.5 %


def test_many_classes_at_the_margin_are_not_called_beyond_by_chance() -> None:
    assert simulated(20, 0.02, 0.01, worse=20).count("beyond") / 400 <= 0.045


# Real files


def test_classes_and_slices_of_a_real_pair(model: Path, static_model: Path, data_root: Path, tmp_path: Path) -> None:
    table = tmp_path / "slices.csv"
    table.write_text("index,slice\n" + "".join(f"{index},{'odd' if index % 2 else 'even'}\n" for index in range(359)))
    apart = Apart(max_class_drop_pp=30, slices=table, max_slice_drop_pp=9)
    found = compare_files(model, static_model, root=data_root, max_drop_pp=9, apart=apart)
    assert [part.images for part in found.by_slice.parts] == [180, 179]
    assert sum(part.images for part in found.by_class.parts) == found.images == 359
    for breakdown in found.breakdowns():
        assert sum(part.flip_counts.harmful for part in breakdown.parts) == found.flip_counts.harmful
        assert sum(part.drop_pp * part.images for part in breakdown.parts) == pytest.approx(found.drop_pp * 359)
    assert found.passed
