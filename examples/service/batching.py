"""Requests that come at the same time share one call of the model."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Waiting(Generic[Item, Answer]):
    """One item of the queue, when it came (seconds of the loop's clock), and where its answer goes."""

    item: Item
    came_s: float
    answer: asyncio.Future[tuple[Answer, int]]


class Batcher(Generic[Item, Answer]):
    """Collect up to ``most`` items, or what has come ``wait_ms`` after the first of them, and answer them in a thread.

    While one batch is being answered the next one grows, so batches are as large as the load makes them. Everything but
    ``answer_all`` runs on the event loop that called ``start``.
    """

    def __init__(self, answer_all: Callable[[list[Item]], list[Answer]], *, most: int, wait_ms: float) -> None:
        self._answer_all = answer_all
        self._most = most
        self._wait_s = wait_ms / 1000
        self._queue: asyncio.Queue[Waiting[Item, Answer]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def stop(self) -> None:
        """Stop taking batches. The server has answered every request by then; whoever still waits is told."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        while not self._queue.empty():
            self._queue.get_nowait().answer.cancel()

    async def ask(self, item: Item) -> tuple[Answer, int]:
        """Return the item's answer and the size of the batch that it was answered in."""
        loop = asyncio.get_running_loop()
        waiting = Waiting[Item, Answer](item, loop.time(), loop.create_future())
        self._queue.put_nowait(waiting)
        return await waiting.answer

    async def _serve(self) -> None:
        while True:
            batch: list[Waiting[Item, Answer]] = []
            try:
                await self._collect(batch)
                answers = await asyncio.to_thread(self._answer_all, [waiting.item for waiting in batch])
            except asyncio.CancelledError:
                for waiting in batch:
                    waiting.answer.cancel()
                raise
            except Exception as error:  # whatever the model raised is the answer of those who asked, and of no others
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
                continue
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result((answer, len(batch)))

    async def _collect(self, batch: list[Waiting[Item, Answer]]) -> None:
        batch.append(await self._queue.get())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(batch[0].came_s + self._wait_s):
                while len(batch) < self._most:
                    batch.append(await self._queue.get())
