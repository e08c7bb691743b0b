"""A study's runs on this machine: as many processes at once as there are jobs, each held to cores of its own."""

import os
import queue
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from edgecnn.machine import threads
from edgecnn.study import found
from edgecnn.study.crew import Listeners, Work
from edgecnn.study.process import Event, Training
from edgecnn.train import Progress
from edgecnn.train.device import pick_device

WAIT_SECONDS = 0.1


class Here:
    """The processes of a study: each slot of cores has at most one."""

    def __init__(self, work: Work) -> None:
        """Raise ProviderError where the device is not there."""
        self._work, self._waiting = work, deque(work.begin.items())
        jobs = 1 if pick_device(work.device).type == "cuda" else work.jobs or _default_jobs()
        self._slots = _slots(_cores(), jobs, len(work.todo))
        self._events: queue.Queue[Event] = queue.Queue()
        self._running: dict[Training, tuple[Path, list[int]]] = {}

    def work(self, listeners: Listeners) -> None:
        """Train what there is to train, or until told to stop."""
        try:
            self._worked(listeners)
        finally:
            for training in self._running:
                training.stop()
            for training in self._running:
                training.end()

    def _worked(self, listeners: Listeners) -> None:
        stopping = False
        while self._running or self._waiting:
            stopping = stopping or listeners.should_stop()
            if stopping:
                self._waiting.clear()
                for training in self._running:
                    training.stop()
            while self._waiting and self._slots:
                self._start(*self._waiting.popleft(), self._slots.pop(0))
            try:
                training, progress = self._events.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                continue
            path, cores = self._running[training]
            if progress is not None:
                listeners.on_progress(path.name, Progress(**progress))
                continue
            del self._running[training]
            self._slots.append(cores)
            result = found.result(path, self._work.todo[path], training.ended())
            if result is not None:
                listeners.on_run(result)
            self._waiting.extend(self._work.then(path, result).items())

    def _start(self, path: Path, until: int, cores: Sequence[int]) -> None:
        job = self._work.job(path, until) | {"cores": list(cores)}
        self._running[Training(job, self._events)] = path, list(cores)


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
