"""Ctrl-C as a request: what is under way saves its state and ends."""

import contextlib
import signal
import threading
from collections.abc import Iterator

from . import console

STOPPED = 130  # the exit code of what the user stopped, as a shell counts it: no error


@contextlib.contextmanager
def stop_requests(told: str | None = "finishing the batch and saving …") -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or a request to terminate) into a flag, and say ``told``; the second acts as ever."""
    requested = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:
        requested.set()
        signal.signal(number, before[signal.Signals(number)])
        if told is not None:
            console.tell(told)

    for number in before:
        signal.signal(number, note)
    try:
        yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
