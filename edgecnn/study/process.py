"""A process that trains one run, whoever started it: what it is told, what it says, how it ended.

This file imports neither torch nor a recipe: a task of Ray's starts such a process as well.
"""

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgecnn.process import Child

KILL_SECONDS = 10.0
Event = tuple["Training", dict[str, Any] | None]


@dataclass(frozen=True)
class Ended:
    """How a training ended: the name of its ``error``, or nothing, and its message. ``stopped`` is one that was asked
    to, ``paused`` one that has come to the epoch it was to be trained to, ``lost`` one whose process ended without a
    word."""

    error: str = ""
    message: str = ""
    stopped: bool = False
    lost: bool = False
    paused: bool = False


class Training:
    """A started process that trains one run; what it says arrives in ``events``, and None when it has ended."""

    def __init__(self, job: Mapping[str, Any], events: "queue.Queue[Event]") -> None:
        self._answer: dict[str, Any] = {}
        self._stopped = False
        self._child = Child("edgecnn.study.worker", own_session=True)  # on Ctrl-C, whoever started it asks it to stop
        self._child.tell(job)
        self._reader = threading.Thread(target=self._listen, args=(events,), daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ask for the state to be saved: its input ends."""
        self._stopped = True
        self._child.stop()

    def ended(self) -> Ended:
        """Say how it ended, once it has."""
        message, lost = str(self._answer.get("message", "")), not self._answer
        if lost:
            last = self._child.reason()
            message = f"its process ended with status {self._child.process.returncode} ({last})."
        self.end()
        return Ended(str(self._answer.get("error", "")), message, self._stopped, lost, "paused" in self._answer)

    def end(self) -> None:
        """Ask, and where that does not help, kill."""
        self._child.end(patience_s=KILL_SECONDS)
        self._reader.join()
        self._child.close()

    def _listen(self, events: "queue.Queue[Event]") -> None:
        for answer in self._child.answers():
            if "progress" in answer:
                events.put((self, answer["progress"]))
            else:
                self._answer = answer
        events.put((self, None))
