"""A child of this Python that answers one JSON document a line: how a benchmark and a study each run one thing apart.

What libraries print between the answers is passed over. The child's standard error is kept, so that a child that dies
has a reason. It is told through its standard input, whose end asks it to stop.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Child:
    """``python -m MODULE ARGUMENTS``, started, or another ``program`` with these.

    With ``own_session``, Ctrl-C in a terminal reaches only the process that started it.
    """

    def __init__(
        self, module: str, *arguments: str, own_session: bool = False, program: Sequence[str] = (sys.executable, "-m")
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in close()
        self.process = subprocess.Popen(
            [*program, module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            start_new_session=own_session,
        )

    def tell(self, document: Mapping[str, object]) -> None:
        """Give it a document; one that has ended is no error here, as its answers end and ``reason`` says why."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(document) + "\n")
            self.process.stdin.flush()

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield what it answers, as it comes, until its output ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                answer = json.loads(line)
                if isinstance(answer, dict):
                    yield answer

    def stop(self) -> None:
        """Ask it to stop: its input ends."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def reason(self) -> str:
        """Wait until it has ended, and return the last line of its standard error."""
        self.process.wait()
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or ["no message"])[-1]

    def end(self, *, patience_s: float) -> None:
        """Ask it to stop, and kill it when that has not helped after ``patience_s``."""
        self.stop()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """Terminate it where it still runs, and close what is open to it."""
        self.stop()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()


def answer(document: Mapping[str, object]) -> None:
    """Say something to the process that started this one. Raises OSError when it no longer listens."""
    print(json.dumps(document), flush=True)
