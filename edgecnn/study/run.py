"""Have a study's runs trained: a process for each, here or by Ray's tasks, nothing that is done again, each to its end
or as far as a search lets it go.

A small network on one core wastes less than on two: two runs side by side are done before two in turn. A run with its
outcome.json is finished, one with failed.txt has diverged and would again; whatever else is there is taken up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgecnn import data
from edgecnn.errors import EdgecnnError, Interrupted
from edgecnn.ray_engine import check_place
from edgecnn.registry import DATASETS
from edgecnn.study import results
from edgecnn.study.course import Course, Searched, Whole, searched_metric
from edgecnn.study.crew import Crew, Listeners, Work
from edgecnn.study.found import found
from edgecnn.study.here import Here
from edgecnn.study.on_ray import OnRay
from edgecnn.study.plan import PlannedRun, plan
from edgecnn.study.results import RunResult, StudyResult
from edgecnn.study.schema import Study
from edgecnn.train import Progress
from edgecnn.train.run_folder import RECIPE, check_same


def run_study(
    study: Study,
    folder: str | Path,
    *,
    quick: bool = False,
    seeds: Sequence[int] = (),
    changes: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    device: str = "auto",
    root: str | Path | None = None,
    on: str | None = None,
    on_progress: Callable[[str, Progress], None] = lambda name, progress: None,
    on_run: Callable[[RunResult], None] = lambda result: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> StudyResult:
    """Train what is not there yet under ``folder``/runs and write study.json, study.csv and study.md.

    ``jobs`` runs are trained at once, by default one for each core, where a process can be held to its own; on a GPU
    one. ``on`` is ``ray``, or ``ray://HOST:PORT`` of a cluster whose machines all have the same files at these paths.
    A run that fails has its reason in its row, and so has one that the study's search stops. Raises RecipeError,
    CheckpointError when a run there has another recipe, DataError, ProviderError, DeviceError and MissingPackageError
    of Ray; Interrupted after ``should_stop`` said so and every run has saved its state.
    """
    folder, planned = Path(folder), plan(study, quick=quick, seeds=seeds, changes=changes)
    if jobs is not None and jobs < 1:
        raise EdgecnnError(f"--jobs {jobs}: expected a positive integer.")
    if on is not None:
        check_place(on)
    runs = {folder / "runs" / run.name: run for run in planned}
    course = _course(study, runs, on_run)
    todo = {path: run for path, run in runs.items() if path not in course.results()}
    _fetch(todo.values(), root)
    for result in course.results().values():
        on_run(result)
    if begin := course.begin():
        work = Work(folder, todo, jobs, device, root, begin, course.then)
        _crew(on, work).work(Listeners(on_progress, on_run, should_stop))
    done = course.results()
    if len(done) < len(runs):
        raise Interrupted(f"{_standing(done, len(runs))}; the others have saved their state.")
    rows = [done[path] for path in runs]
    study_result = StudyResult(
        study=study.name,
        size="quick" if quick else "full",
        description=study.description,
        source=study.source,
        quick=study.quick if quick else {},
        changes=dict(changes or {}),
        folder=folder,
        runs=rows,
        labels=results.by_label(rows),
        search=course.search(),
    )
    results.write(study_result)
    return study_result


def _course(study: Study, runs: Mapping[Path, PlannedRun], on_stopped: Callable[[RunResult], None]) -> Course:
    """Return what is to be trained, given what is there."""
    metric = searched_metric(study, study.search, list(runs.values())) if study.search else ""
    for path, run in runs.items():
        if (path / RECIPE).exists():
            check_same(path / RECIPE, run.recipe)
    done = {path: there for path, run in runs.items() if (there := found(path, run)) is not None}
    if study.search is None:
        return Whole(runs, done)
    return Searched(study.search, metric, runs, done, on_stopped)


def _standing(done: Mapping[Path, RunResult], runs: int) -> str:
    """Say how far a study has come that is interrupted."""
    stopped = sum(result.stopped is not None for result in done.values())
    searched = f", and {stopped} stopped by the search" if stopped else ""
    return f"stopped with {len(done) - stopped} of {runs} runs finished{searched}"


def _crew(on: str | None, work: Work) -> Crew:
    """Return who trains: processes of this machine, or with ``on`` tasks of Ray's."""
    return Here(work) if on is None else OnRay(on, work)


def _fetch(runs: Iterable[PlannedRun], root: str | Path | None) -> None:
    """See that the data sets are there before several processes look for them at once."""
    where = data.data_root(root)
    for name in sorted({run.recipe.data.name for run in runs}):
        if name in DATASETS.names() and not data.is_here(name, where):
            data.read_split(name, "train", root=root)
