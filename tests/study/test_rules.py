"""What a search decides: laws that hold for any scores, whoever is there first, and the rule that Ray Tune has."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.study.rules import GOES_ON, RULES, Rung, Score, Scores, Standing, asha, halving, ranked, stand
from edgecnn.study.schema import Search

EPOCHS = 20
Known = Mapping[tuple[str, int], Score | None]


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[str], Search, Known]:
    """Trials, how they are compared, and how each stands at each rung; few values, so that many are equal, and once
    a trial has failed it has failed for good."""
    trials = [f"trial {number}" for number in range(draw(st.integers(1, 12)))]
    asked = Search(
        scheduler=draw(st.sampled_from(sorted(RULES))),
        grace_epochs=draw(st.integers(1, EPOCHS)),
        reduction=draw(st.integers(2, 5)),
    )
    known: dict[tuple[str, int], Score | None] = {}
    for trial in trials:
        fails_after = draw(st.sampled_from((0, 4, EPOCHS, EPOCHS, EPOCHS)))
        for epoch in asked.rungs(EPOCHS):
            score = Score(draw(st.integers(0, 4)) / 4, draw(st.integers(0, 2)) / 2)
            known[trial, epoch] = score if epoch <= fails_after else None
    return trials, asked, known


def look(known: Known) -> Callable[[Sequence[str], int], Scores]:
    return lambda trials, epoch: {trial: known[trial, epoch] for trial in trials if (trial, epoch) in known}


def standing(trials: Sequence[str], asked: Search, known: Known) -> Standing:
    return stand(trials, asked.rungs(EPOCHS), RULES[asked.scheduler], asked.reduction, look(known))


def going_on(rung: Rung) -> list[str]:
    return [trial for trial in rung.entered if rung.verdicts.get(trial) == GOES_ON]


@given(searches())
def test_the_best_at_each_rung_goes_on(search: tuple[list[str], Search, Known]) -> None:
    for rung in standing(*search).rungs:
        for best in ranked(rung.scores)[:1]:
            assert best in going_on(rung)


@given(searches())
def test_halving_lets_the_best_of_each_rung_go_on_and_no_more(search: tuple[list[str], Search, Known]) -> None:
    trials, asked, known = search
    found = standing(trials, asked.model_copy(update={"scheduler": "halving"}), known)
    for rung in found.rungs[:-1]:
        best = ranked(rung.scores)
        kept = max(1, len(rung.entered) // asked.reduction)
        assert sorted(going_on(rung)) == sorted(best[:kept])
        worst = min((rung.scores[trial].reward for trial in best[:kept]), default=1.0)
        assert all(rung.scores[trial].reward <= worst for trial in best[kept:])
    last = found.rungs[-1]
    if last.epoch == EPOCHS and ranked(last.scores):  # the winner was among the best 1 of reduction at each rung
        winner = ranked(last.scores)[0]
        for rung in found.rungs[:-1]:
            assert ranked(rung.scores).index(winner) < max(1, len(rung.entered) // asked.reduction)


@given(searches(), st.randoms(use_true_random=False))
def test_what_is_decided_does_not_depend_on_who_is_there_first(
    search: tuple[list[str], Search, Known], chance: random.Random
) -> None:
    trials, asked, known = search
    there: dict[tuple[str, int], Score | None] = {}
    while wanted := standing(trials, asked, there).wanted:
        one = chance.choice(sorted(wanted.items()))
        assert one not in there
        there[one] = known[one]
    assert standing(trials, asked, there) == standing(trials, asked, known)


@given(searches())
def test_every_trial_ends_somewhere(search: tuple[list[str], Search, Known]) -> None:
    found = standing(*search)
    assert found.wanted == {}
    last = found.rungs[-1]
    stopped = {trial for rung in found.rungs for trial, why in rung.verdicts.items() if why != GOES_ON}
    assert stopped | set(going_on(last)) == set(search[0])


@given(searches())
def test_nothing_is_stopped_where_no_rung_is_before_the_end(search: tuple[list[str], Search, Known]) -> None:
    trials, asked, known = search
    late = {(trial, EPOCHS): known[trial, EPOCHS] for trial in trials}
    found = standing(trials, asked.model_copy(update={"grace_epochs": EPOCHS}), late)
    assert [rung.epoch for rung in found.rungs] == [EPOCHS]
    assert going_on(found.rungs[0]) == [trial for trial in trials if late[trial, EPOCHS] is not None]


def test_halving_waits_for_all_and_asha_for_those_before_it() -> None:
    scores = {"a": Score(0.5, 1.0), "c": Score(0.9, 1.0)}
    assert halving(("a", "b", "c"), scores, 2) == {}
    assert asha(("a", "b", "c"), scores, 2) == {"a": GOES_ON}
    assert asha(("a", "b", "c"), {"a": scores["a"], "b": None, "c": scores["c"]}, 2) == {"a": GOES_ON, "c": GOES_ON}


def test_equals_are_told_apart_by_their_loss_and_then_by_their_place() -> None:
    scores = {"a": Score(0.5, 1.0), "b": Score(0.5, 0.9), "c": Score(0.5, 1.0)}
    assert ranked(scores) == ["b", "a", "c"]


def test_one_that_is_left_alone_is_not_stopped_on_its_way_again() -> None:
    scores = {(trial, 1): Score(reward, 1.0) for trial, reward in (("a", 0.1), ("b", 0.2), ("c", 0.3))}
    found = stand(("a", "b", "c"), (1, 3, 9, 20), halving, 3, look(scores))
    assert [rung.epoch for rung in found.rungs] == [1, 20]
    assert found.wanted == {"c": 20}


RAY = """
import json, sys, warnings
warnings.simplefilter("ignore")
from types import SimpleNamespace
from ray.tune.schedulers import ASHAScheduler
answers = []
for case in json.load(sys.stdin):
    rule = ASHAScheduler(metric="score", mode="max", max_t=case["epochs"], grace_period=case["grace"],
                         reduction_factor=case["reduction"])
    trials = [SimpleNamespace(trial_id=str(number)) for number in range(case["trials"])]
    for trial in trials:
        rule.on_trial_add(None, trial)
    stopped = {}
    for place, epoch in enumerate(case["rungs"]):
        for number, trial in enumerate(trials):
            if number not in stopped:
                result = {"training_iteration": epoch, "score": case["scores"][number][place]}
                if rule.on_trial_result(None, trial, result) == "STOP":
                    stopped[number] = epoch
    answers.append(stopped)
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_asha_decides_as_ray_tune_does_with_results_in_the_studys_order() -> None:
    chance = random.Random(0)
    cases = []
    for number in range(60):
        asked = Search(scheduler="asha", grace_epochs=chance.randint(1, 4), reduction=chance.randint(2, 4))
        rungs, trials = asked.rungs(EPOCHS)[:-1], chance.randint(1, 20)
        scores = [[chance.randint(0, 10 ** (1 + number % 3)) / 100 for _ in rungs] for _ in range(trials)]
        cases.append({"epochs": EPOCHS, "grace": asked.grace_epochs, "reduction": asked.reduction,
                      "rungs": rungs, "trials": trials, "scores": scores})  # fmt: skip
    quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    told = subprocess.run(
        [sys.executable, "-c", RAY], input=json.dumps(cases), capture_output=True, text=True, env=quiet, check=False
    )
    if "some dependencies are missing" in told.stderr or "No module named" in told.stderr:
        pytest.skip("Ray Tune needs pandas and requests beside Ray")
    assert told.returncode == 0, told.stderr
    some_stopped = 0
    for case, ray in zip(cases, json.loads(told.stdout), strict=True):
        known = {
            (str(number), epoch): Score(score, 1.0)
            for number, scores in enumerate(case["scores"])
            for epoch, score in zip(case["rungs"], scores, strict=True)
        }
        trials = [str(number) for number in range(case["trials"])]
        found = stand(trials, (*case["rungs"], EPOCHS), asha, case["reduction"], look(known))
        ours = {trial: rung.epoch for rung in found.rungs for trial, why in rung.verdicts.items() if why != GOES_ON}
        assert ours == ray
        some_stopped += bool(ours)
    assert some_stopped > 50
