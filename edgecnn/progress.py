"""How much of a long loop is done, for whoever asked to be told; nobody did, as a rule."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")
Listener = Callable[[int, int], None]  # done, of how many

_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Have ``listener`` told of loops in here."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def told(items: Collection[Item], total: int | None = None) -> Iterator[Item]:
    """Yield the items, and say how many are done; of ``total`` where an item is several of what is counted.

    >>> with told_to(lambda done, total: print(f"{done} of {total}")):
    ...     letters = [letter for letter in told(("a", "b"))]
    0 of 2
    1 of 2
    2 of 2
    """
    counted = len(items) if total is None else total
    listener = _LISTENER.get()
    for number, item in enumerate(items):
        if listener is not None:
            listener(number * counted // len(items), counted)
        yield item
    if listener is not None:
        listener(counted, counted)
