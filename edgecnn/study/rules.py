"""How a search decides: who is compared at each rung, who goes on, and how far each has to be trained for that.

A rung is a number of epochs after which trials are compared. What is decided follows from their scores and their order
in the study alone, never from which of them was there first, so that a search that was interrupted, or is trained by
more machines, comes to the same. Two rules: synchronous successive halving (Jamieson and Talwalkar 2016,
"Non-stochastic best arm identification and hyperparameter optimization"; the SHA of Li et al. 2020), and the
asynchronous one of Li et al. 2020, "A system for massively parallel hyperparameter tuning", in the form that Ray Tune's
ASHAScheduler has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

GOES_ON, FAILED = "", "failed"


@dataclass(frozen=True)
class Score:
    """How a trial stands at a rung: ``reward``, the higher the better, and among equals ``loss``, the lower."""

    reward: float
    loss: float


Scores = Mapping[str, Score | None]  # of trials, those that are there; None has failed
Verdicts = dict[str, str]  # of trials, of whom that is decided: nothing for one that goes on, else why it does not
Rule = Callable[[Sequence[str], Scores, int], Verdicts]


@dataclass(frozen=True)
class Rung:
    """A comparison as far as it is known: those that came here, in the study's order."""

    epoch: int
    entered: tuple[str, ...]
    scores: Scores
    verdicts: Verdicts

    @property
    def ranking(self) -> list[str]:
        """Those that are there, best first, and last those that failed."""
        return [*ranked(self.scores), *(trial for trial, score in self.scores.items() if score is None)]


@dataclass(frozen=True)
class Standing:
    """Where a search stands: its rungs, and to which epoch each trial is ``wanted`` that is not there yet."""

    rungs: tuple[Rung, ...]
    wanted: dict[str, int]


def ranked(scores: Scores) -> list[str]:
    """Return those that have a score, best first; equals in the study's order.

    >>> ranked({"a": Score(0.5, 1.0), "b": None, "c": Score(0.9, 1.0), "d": Score(0.5, 0.9)})
    ['c', 'd', 'a']
    """
    there = {trial: score for trial, score in scores.items() if score is not None}
    return sorted(there, key=lambda trial: (-there[trial].reward, there[trial].loss))


def halving(entered: Sequence[str], scores: Scores, reduction: int) -> Verdicts:
    """Wait for all; the best one of ``reduction`` go on, at least one.

    >>> halving("abc", {"a": Score(0.1, 1.0), "b": Score(0.3, 1.0), "c": Score(0.2, 1.0)}, 2)
    {'b': '', 'c': 'rank 2 of 3, and 1 went on', 'a': 'rank 3 of 3, and 1 went on'}
    """
    if len(scores) < len(entered):
        return {}
    kept = max(1, len(entered) // reduction)
    return {
        trial: GOES_ON if place <= kept else f"rank {place} of {len(entered)}, and {kept} went on"
        for place, trial in enumerate(ranked(scores), start=1)
    }


def asha(entered: Sequence[str], scores: Scores, reduction: int) -> Verdicts:
    """Wait for nobody but those before it in the study: one goes on that is not below the value which the best one of
    ``reduction`` of them reached. The first one always does.

    >>> asha("abc", {"a": Score(0.2, 1.0), "b": Score(0.1, 1.0)}, 2)
    {'a': '', 'b': 'below the best 1/2 of the 1 before it'}
    """
    verdicts: Verdicts = {}
    before: list[float] = []
    for trial in entered:
        if trial not in scores:
            break
        score = scores[trial]
        if score is None:
            continue
        least = np.percentile(before, (1 - 1 / reduction) * 100) if before else score.reward
        behind = f"below the best 1/{reduction} of the {len(before)} before it"
        verdicts[trial] = GOES_ON if score.reward >= least else behind
        before.append(score.reward)
    return verdicts


RULES: dict[str, Rule] = {"halving": halving, "asha": asha}


def stand(
    trials: Sequence[str],
    rungs: Sequence[int],
    rule: Rule,
    reduction: int,
    look: Callable[[Sequence[str], int], Scores],
) -> Standing:
    """Say where a search stands. ``rungs`` are epochs, the last of them those of a whole training; ``look`` returns the
    scores that there are of some trials after so many epochs."""
    entered, found, wanted = tuple(trials), list[Rung](), dict[str, int]()
    for epoch in rungs:
        is_last = epoch == rungs[-1]
        if rule is halving and len(entered) == 1 and not is_last:
            continue  # nobody is left to compare it with
        scores = look(entered, epoch)
        verdicts = dict.fromkeys(scores, GOES_ON) if is_last else rule(entered, scores, reduction)
        verdicts |= {trial: FAILED for trial, score in scores.items() if score is None}
        wanted |= {trial: epoch for trial in entered if trial not in scores}
        found.append(Rung(epoch, entered, scores, verdicts))
        entered = tuple(trial for trial in entered if verdicts.get(trial) == GOES_ON)
        if not entered:
            break
    return Standing(tuple(found), wanted)
