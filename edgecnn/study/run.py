"""Have a study's runs trained: a process for each, as many at once as there are cores, nothing that is done again.

A small network on one core wastes less than on two: two runs side by side are done before two in turn. A run with its
outcome.json is finished, one with failed.txt has diverged and would again; whatever else is there is taken up.
"""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn import checkpoint, data, documents, files
from edgecnn.checkpoint import BEST
from edgecnn.errors import CheckpointError, DocumentError, EdgecnnError, Interrupted
from edgecnn.machine import threads
from edgecnn.process import Child
from edgecnn.registry import DATASETS
from edgecnn.study import results
from edgecnn.study.plan import PlannedRun, plan
from edgecnn.study.results import Finished, RunResult, StudyResult
from edgecnn.study.schema import Study
from edgecnn.train import Outcome, Progress
from edgecnn.train.device import pick_device
from edgecnn.train.run_folder import OUTCOME, RECIPE, check_same

FAILED = "failed.txt"
WAIT_SECONDS = 0.1
KILL_SECONDS = 10.0

Event = tuple["_Worker", dict[str, Any] | None]


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
    on_progress: Callable[[str, Progress], None] = lambda name, progress: None,
    on_run: Callable[[RunResult], None] = lambda result: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> StudyResult:
    """Train what is not there yet under ``folder``/runs and write study.json, study.csv and study.md.

    ``jobs`` runs are trained at once, by default one for each core, where a process can be held to its own; on a GPU
    one. A run that fails has its reason in its row. Raises RecipeError, CheckpointError when a run there has another
    recipe, DataError, ProviderError; Interrupted after ``should_stop`` said so and every run has saved its state.
    """
    folder, planned = Path(folder), plan(study, quick=quick, seeds=seeds, changes=changes)
    if jobs is not None and jobs < 1:
        raise EdgecnnError(f"--jobs {jobs}: expected a positive integer.")
    on_gpu = pick_device(device).type == "cuda"
    runs = {folder / "runs" / run.name: run for run in planned}
    for path, run in runs.items():
        if (path / RECIPE).exists():
            check_same(path / RECIPE, run.recipe)
    done = {path: found for path, run in runs.items() if (found := _found(path, run)) is not None}
    todo = {path: run for path, run in runs.items() if path not in done}
    _fetch(todo.values(), root)
    for result in done.values():
        on_run(result)
    slots = _slots(_cores(), 1 if on_gpu else jobs or _default_jobs(), len(todo))
    with _Crew(todo, slots, device, root) as crew:
        done |= crew.work(on_progress, on_run, should_stop)
    if len(done) < len(runs):
        raise Interrupted(f"stopped with {len(done)} of {len(runs)} runs finished; the others have saved their state.")
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
    )
    results.write(study_result)
    return study_result


class _Crew:
    """The workers of a study: each slot of cores has at most one. A context manager that leaves no process behind."""

    def __init__(
        self, todo: Mapping[Path, PlannedRun], slots: list[list[int]], device: str, root: str | Path | None
    ) -> None:
        self.waiting, self.slots, self.device, self.root = deque(todo.items()), slots, device, root
        self.events: queue.Queue[Event] = queue.Queue()
        self.running: list[_Worker] = []

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, *raised: object) -> None:
        for worker in self.running:
            worker.stop()
        for worker in self.running:
            worker.end()

    def work(
        self,
        on_progress: Callable[[str, Progress], None],
        on_run: Callable[[RunResult], None],
        should_stop: Callable[[], bool],
    ) -> dict[Path, RunResult]:
        """Train all, or until told to stop; return what is finished or failed."""
        done: dict[Path, RunResult] = {}
        while self.running or self.waiting:
            if should_stop():
                self.waiting.clear()
                for worker in self.running:
                    worker.stop()
            while self.waiting and self.slots:
                path, run = self.waiting.popleft()
                self._start(path, run, self.slots.pop(0))
            try:
                worker, answer = self.events.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                continue
            if answer is None:
                self.running.remove(worker)
                self.slots.append(worker.cores)
                result = worker.result()
                if result is not None:
                    done[worker.path] = result
                    on_run(result)
            elif "progress" in answer:
                on_progress(worker.run.name, Progress(**answer["progress"]))
            else:
                worker.answer = answer
        return done

    def _start(self, path: Path, run: PlannedRun, cores: list[int]) -> None:
        job = {
            "recipe": run.recipe.model_dump(),
            "run": str(path),
            "device": self.device,
            "root": str(self.root) if self.root else None,
            "cores": cores,
        }
        self.running.append(_Worker(run, path, job, cores, self.events))


class _Worker:
    """A started process that trains one run; what it says arrives in ``events``, and None when it has ended."""

    def __init__(
        self, run: PlannedRun, path: Path, job: dict[str, Any], cores: list[int], events: "queue.Queue[Event]"
    ) -> None:
        self.run, self.path, self.cores = run, path, cores
        self.answer: dict[str, Any] = {}
        self.stopped = False
        self._child = Child("edgecnn.study.worker", own_session=True)  # on Ctrl-C, whoever started it asks it to stop
        self._child.tell(job)
        self._reader = threading.Thread(target=self._listen, args=(events,), daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ask for the state to be saved: its input ends."""
        self.stopped = True
        self._child.stop()

    def result(self) -> RunResult | None:
        """Say what came of it once it has ended; None when it was stopped. A divergence is remembered in the run."""
        reason = self._reason()
        self.end()
        if self.answer.get("error") == "CheckFailed":
            files.write_text(self.path / FAILED, reason + "\n")
        found = _found(self.path, self.run)
        if found is not None or self.stopped:
            return found
        return results.run_result(self.run, self.path, failed=reason, finished=None)

    def end(self) -> None:
        """Ask, and where that does not help, kill."""
        self._child.end(patience_s=KILL_SECONDS)
        self._reader.join()
        self._child.close()

    def _reason(self) -> str:
        if "message" in self.answer:
            return str(self.answer["message"])
        last = self._child.reason()
        return f"its process ended with status {self._child.process.returncode} ({last})."

    def _listen(self, events: "queue.Queue[Event]") -> None:
        for answer in self._child.answers():
            events.put((self, answer))
        events.put((self, None))


@dataclass(frozen=True)
class _Versions:
    """What outcome.json says beside the outcome."""

    versions: dict[str, str]


def _found(path: Path, run: PlannedRun) -> RunResult | None:
    """Read what a finished or a diverged run has left, or return None."""
    if (path / FAILED).exists():
        return results.run_result(run, path, failed=(path / FAILED).read_text(encoding="utf-8").strip(), finished=None)
    if not (path / OUTCOME).exists():
        return None
    try:
        document = documents.parse((path / OUTCOME).read_bytes(), "it")
        outcome = documents.decode(Outcome, document, "it", whole=False)
        known = documents.decode(_Versions, document, "it", whole=False)
    except DocumentError as error:
        raise CheckpointError(
            f"{path / OUTCOME}: broken ({error}) Delete it, and the study finishes that run again."
        ) from error
    best, epochs = outcome.best, outcome.last.epoch
    finished = Finished(
        parameters=outcome.parameters,
        layers=_layers(path),
        best_epoch=best.epoch,
        epochs=epochs,
        seconds_per_epoch=outcome.seconds / epochs,
        seconds=outcome.seconds,
        train=best.train,
        validation=best.validation,
        validation_images=outcome.validation_images,
        device=outcome.device,
        precision=outcome.precision,
        threads=outcome.threads,
        processor=outcome.processor,
        versions=known.versions,
        metric=best.metric,
    )
    return results.run_result(run, path, failed=None, finished=finished)


def _layers(path: Path) -> int:
    """Count the layers with weights: convolutions and dense layers, not norms."""
    weights = checkpoint.read(path / BEST).weights
    return sum(name.endswith("weight") and tensor.ndim > 1 for name, tensor in weights.items())


def _fetch(runs: Iterable[PlannedRun], root: str | Path | None) -> None:
    """See that the data sets are there before several processes look for them at once."""
    where = data.data_root(root)
    for name in sorted({run.recipe.data.name for run in runs}):
        if name in DATASETS.names() and not data.is_here(name, where):
            data.read_split(name, "train", root=root)


def _default_jobs() -> int:
    """One a core where a process can be held to it; elsewhere the threads of all would be in each other's way."""
    return threads.available() if hasattr(os, "sched_setaffinity") else 1


def _cores() -> list[int]:
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))[: threads.available()]


def _slots(cores: list[int], jobs: int, runs: int) -> list[list[int]]:
    """Deal the cores out to as many workers as there are jobs and runs; with more jobs than cores they share.

    >>> _slots([0, 1, 2, 3], 2, 9), _slots([0, 1], 4, 3), _slots([], 2, 9)
    ([[0, 2], [1, 3]], [[0], [1], [0]], [[], []])
    """
    count = max(1, min(jobs, runs))
    return [cores[slot::count] or cores[slot % max(1, len(cores)) :][:1] for slot in range(count)]
