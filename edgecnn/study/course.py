"""Which runs of a study are trained, and to which epoch: every one to its end, or as a search decides.

A search trains each run to its next rung. That is a training which stops after an epoch: the learning rate and all
draws are those of the whole one, and its saved state goes on to the same bits. What is decided follows from the figures
in the runs' folders up to a rung and from nothing else, so nothing else has to be kept for another call to go on.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch

from edgecnn.errors import CheckpointError, RecipeError, nearest
from edgecnn.study import results
from edgecnn.study.plan import PlannedRun
from edgecnn.study.results import RunResult
from edgecnn.study.rules import GOES_ON, RULES, Rung, Score, Scores, Standing, stand
from edgecnn.study.schema import Search, Study
from edgecnn.study.searched import RankedLabel, RungResult, SearchResult, Stopped
from edgecnn.train.figures import LOSS, EpochRow, best_index
from edgecnn.train.prepare import learning_task
from edgecnn.train.run_folder import METRICS, read_rows

Runs = Mapping[Path, PlannedRun]
Epochs = dict[Path, int]


class Course(Protocol):
    """What is to be trained. ``begin`` and ``then`` return runs with the epoch that each is to be trained to."""

    def begin(self) -> Epochs:
        """Return what is to be trained first."""

    def then(self, path: Path, result: RunResult | None) -> Epochs:
        """Take in that a run has ended, finished or failed, or None where it has come to its epoch or was stopped, and
        return what else is to be trained."""

    def results(self) -> dict[Path, RunResult]:
        """Return the runs that are done: finished, failed, or stopped by a search."""

    def search(self) -> SearchResult | None:
        """Return what a search did, where one was asked for."""


class Whole:
    """Every run to its end."""

    def __init__(self, runs: Runs, done: Mapping[Path, RunResult]) -> None:
        self._runs, self._done = runs, dict(done)

    def begin(self) -> Epochs:
        """Return all that are not done."""
        return {path: run.recipe.epochs for path, run in self._runs.items() if path not in self._done}

    def then(self, path: Path, result: RunResult | None) -> Epochs:
        """Take it in; there is nothing more to do."""
        if result is not None:
            self._done[path] = result
        return {}

    def results(self) -> dict[Path, RunResult]:
        """Return the runs that are finished or failed."""
        return self._done

    def search(self) -> SearchResult | None:
        """There was none."""
        return None


class Searched:
    """Each run as far as the rule of a search lets it go. The runs of a label go on or stop together, by their mean."""

    def __init__(
        self,
        asked: Search,
        metric: str,
        runs: Runs,
        done: Mapping[Path, RunResult],
        on_stopped: Callable[[RunResult], None],
    ) -> None:
        self._asked, self._metric, self._runs, self._tell = asked, metric, runs, on_stopped
        self._epochs = next(iter(runs.values())).recipe.epochs
        self._done = dict(done)
        self._rows: dict[Path, list[EpochRow]] = {path: _rows(path, done.get(path)) for path in runs}
        self._paths: dict[str, list[Path]] = {}
        for path, run in runs.items():
            self._paths.setdefault(run.label, []).append(path)
        self._known: dict[tuple[str, int], Score | None] = {}
        self._under_way: Epochs = {}
        self._told = set(self._stopped(self._standing()))

    def begin(self) -> Epochs:
        """Return what has to be trained before anything more can be decided."""
        return self._next()

    def then(self, path: Path, result: RunResult | None) -> Epochs:
        """Take in how far a run has come, and return what has been decided to go on."""
        self._under_way.pop(path, None)
        self._rows[path] = _rows(path, result)
        if result is not None:
            self._done[path] = result
        return self._next()

    def results(self) -> dict[Path, RunResult]:
        """Return what is finished or failed among those that were let go on, and what was stopped."""
        standing = self._standing()
        stopped = self._stopped(standing)
        entered = {path for label in standing.rungs[-1].entered for path in self._paths[label]}
        failed = {path for path, result in self._done.items() if result.failed is not None}
        at_end = standing.rungs[-1].epoch == self._epochs
        ended = {path: result for path, result in self._done.items() if path in failed or (at_end and path in entered)}
        found = ended | stopped
        return {path: found[path] for path in self._runs if path in found}

    def search(self) -> SearchResult:
        """Return what was decided."""
        standing = self._standing()
        last = standing.rungs[-1]
        return SearchResult(
            scheduler=self._asked.scheduler,
            metric=self._metric,
            grace_epochs=self._asked.grace_epochs,
            reduction=self._asked.reduction,
            rungs=[self._rung(rung) for rung in standing.rungs],
            best=next((label for label in last.ranking if last.verdicts.get(label) == GOES_ON), None),
            epochs=sum(self._needed(result) for result in self.results().values()),
            epochs_of_all=self._epochs * len(self._runs),
        )

    def _next(self) -> Epochs:
        standing = self._standing()
        for path, result in self._stopped(standing).items():
            if path not in self._told:
                self._told.add(path)
                self._tell(result)
        pieces = {
            path: epoch
            for label, epoch in standing.wanted.items()
            for path in self._paths[label]
            if path not in self._under_way and not self._is_there(path, epoch)
        }
        self._under_way |= pieces
        return pieces

    def _standing(self) -> Standing:
        rungs = self._asked.rungs(self._epochs)
        return stand(list(self._paths), rungs, RULES[self._asked.scheduler], self._asked.reduction, self._scores)

    def _scores(self, labels: Sequence[str], epoch: int) -> Scores:
        for label in labels:  # what is known of a rung stays as it is, whatever comes after
            if (label, epoch) not in self._known and all(self._is_there(path, epoch) for path in self._paths[label]):
                self._known[label, epoch] = self._score(label, epoch)
        return {label: self._known[label, epoch] for label in labels if (label, epoch) in self._known}

    def _is_there(self, path: Path, epoch: int) -> bool:
        """Tell whether it is known how a run stands after so many epochs. The last one counts once it is finished."""
        return path in self._done or (epoch < self._epochs and len(self._rows[path]) >= epoch)

    def _score(self, label: str, epoch: int) -> Score | None:
        paths = self._paths[label]
        if any(self._has_failed(path, epoch) for path in paths):
            return None
        figures = [self._kept(path, epoch).validation for path in paths]
        value, loss = (sum(found[name] for found in figures) / len(figures) for name in (self._metric, LOSS))
        return Score(-value if self._metric == LOSS else value, loss)

    def _has_failed(self, path: Path, epoch: int) -> bool:
        """Tell whether a run failed before it came so far; at the last epoch, whether it failed at all."""
        failed = path in self._done and self._done[path].failed is not None
        return failed and (epoch == self._epochs or len(self._rows[path]) < epoch)

    def _kept(self, path: Path, epoch: int) -> EpochRow:
        """Return the epoch that a run would have kept, had it ended after so many."""
        rows = self._rows[path][:epoch]
        return rows[-1 if self._runs[path].recipe.select == "last" else best_index(rows)]

    def _stopped(self, standing: Standing) -> dict[Path, RunResult]:
        return {
            path: self._stopped_run(path, rung.epoch, why)
            for rung in standing.rungs
            for label, why in rung.verdicts.items()
            for path in self._paths[label]
            if why != GOES_ON and rung.epoch < self._epochs and not self._has_failed(path, rung.epoch)
        }

    def _stopped_run(self, path: Path, epoch: int, why: str) -> RunResult:
        kept, rows = self._kept(path, epoch), self._rows[path][:epoch]
        stopped = Stopped(
            why=why if self._score(self._runs[path].label, epoch) else "another run of its label failed",
            best_epoch=kept.epoch,
            epochs=rows[-1].epoch,
            seconds=rows[-1].seconds,
            train=kept.train,
            validation=kept.validation,
            metric=kept.metric,
        )
        return results.run_result(self._runs[path], path, failed=None, finished=None, stopped=stopped)

    def _rung(self, rung: Rung) -> RungResult:
        return RungResult(rung.epoch, [self._ranked(rung, label) for label in rung.ranking])

    def _ranked(self, rung: Rung, label: str) -> RankedLabel:
        score, why = rung.scores[label], rung.verdicts[label]
        if score is None:
            return RankedLabel(label, None, "failed", "")
        value = -score.reward if self._metric == LOSS else score.reward
        if why != GOES_ON:
            return RankedLabel(label, value, "stopped", why)
        return RankedLabel(label, value, "finished" if rung.epoch == self._epochs else "went on", "")

    def _needed(self, result: RunResult) -> int:
        if result.finished is not None:
            return result.finished.epochs
        return result.stopped.epochs if result.stopped else len(self._rows[result.run])


def _rows(path: Path, result: RunResult | None) -> list[EpochRow]:
    """Return the epochs that a run has. Raises CheckpointError where those of a finished one are not there."""
    if (path / METRICS).exists():
        return read_rows(path)
    if result is not None and result.finished is not None:
        raise CheckpointError(
            f"{path / METRICS}: is missing, and a search compares runs by it. Delete the folder {path}, and the same "
            "command trains that run again."
        )
    return []


def searched_metric(study: Study, asked: Search, runs: Sequence[PlannedRun]) -> str:
    """Return the metric that a search compares by. Raises RecipeError where runs cannot be compared, or not so."""
    first = runs[0]
    for run in runs:
        if run.recipe.epochs != first.recipe.epochs:
            raise RecipeError(
                f"study {study.name}: a search compares runs after equally many epochs, and '{first.label}' has "
                f"{first.recipe.epochs}, '{run.label}' {run.recipe.epochs}. Give all the same, or leave out [search]."
            )
    if asked.grace_epochs > first.recipe.epochs:
        raise RecipeError(
            f"study {study.name}: search.grace_epochs is {asked.grace_epochs}, and its runs have only "
            f"{first.recipe.epochs} epochs. Expected fewer, so that bad runs can be stopped early."
        )
    measured = [_metrics(run) for run in runs]
    shared = [name for name in measured[0] if all(name in names for names in measured)]
    if asked.metric is None and any(names[0] != measured[0][0] for names in measured):
        raise RecipeError(
            f"study {study.name}: its runs are of several tasks, which do not follow one metric. Name one that all "
            f"have with search.metric ({', '.join(shared)}), or leave out [search]."
        )
    metric = asked.metric or measured[0][0]
    if metric not in shared:
        raise RecipeError(
            f"study {study.name}: search.metric is '{metric}'; its runs have {', '.join(shared)}."
            f"{nearest(metric, shared)}"
        )
    return metric


def _metrics(run: PlannedRun) -> list[str]:
    """Return what is measured of a run on the validation split, first what its training follows."""
    tally = learning_task(run.recipe).objective(run.recipe, 2, torch.device("cpu")).tally()
    return [*tally.figures(), LOSS]
