"""Requests that share a call: who still waits when the service stops is told."""

import asyncio
import threading
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "service"


@pytest.mark.parametrize("wait_ms", [0, 60_000])
def test_who_waits_when_it_stops_is_told(monkeypatch: pytest.MonkeyPatch, wait_ms: float) -> None:
    """In a batch that is being answered, and in one that is being collected."""
    monkeypatch.syspath_prepend(str(FOLDER))
    from batching import Batcher

    begun, ended = threading.Event(), threading.Event()

    def answer_all(items: list[int]) -> list[int]:
        begun.set()
        ended.wait(20)
        return items

    async def ask_and_stop() -> None:
        batcher = Batcher(answer_all, most=2, wait_ms=wait_ms)
        batcher.start()
        asked = asyncio.create_task(batcher.ask(1))
        await asyncio.sleep(0.2)
        assert begun.is_set() == (wait_ms == 0)
        await batcher.stop()
        ended.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asked, timeout=5)

    asyncio.run(ask_and_stop())
