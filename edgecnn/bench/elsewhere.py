"""One contender on a device, with the methods of a ``Worker``: its calls are made and timed there, and judged here.

What is timed is what the model's class asks of its session for that many images, repeated without that class: the calls
of ONNX Runtime alone. ``total_ms`` of its cold start leaves the way to the device out.
"""

from collections.abc import Callable
from types import TracebackType

import numpy as np

from edgecnn import zoo
from edgecnn.bench.calls import Block
from edgecnn.bench.load import Load
from edgecnn.bench.worker import NO_POOL, ColdStart
from edgecnn.contender import Named, contender_of
from edgecnn.devices.connection import Connection
from edgecnn.devices.opened import open_model_on
from edgecnn.devices.place import Place
from edgecnn.devices.session import DeviceSession
from edgecnn.runtime.load import model_of


class DeviceWorker:
    """A runner on a device that holds one opened contender. Use it as a context manager."""

    def __init__(self, model: Named, place: Place, *, provider: str, threads: int | None) -> None:
        """Raises what ``open_model_on`` raises."""
        self._connection = Connection(place)
        try:
            opened = open_model_on(self._connection, model, provider=provider, threads=threads)
            self._session: DeviceSession = opened.session
            self._contender = contender_of(model_of(opened), str(model), zoo.find(str(model)))
            self._contender.answer(self._contender.golden_images_nhwc[:1])
            self.cold_start = self._cost()
        except BaseException:
            self.close()
            raise
        self.model, self.threads = model, opened.threads
        self.form, self.provider = self._contender.form, self._contender.provider
        self.uncounted: str | None = "not counted on a device"
        self.exact_int8, self.size_bytes = opened.exact_int8, self._contender.size_bytes

    def __enter__(self) -> "DeviceWorker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stay(self, turn: int, count: int) -> None:
        """Run on ``count`` of the processors, the next ones with each turn, until it ends."""
        self._connection.ask("stay", {"turn": turn, "count": count})

    def blocks(self, batch: int, load: Load) -> Callable[[int], Block]:
        """Return a function that times so many calls on ``batch`` images; until the next call of this one."""
        assert load.is_plain
        golden_nhwc = self._contender.golden_images_nhwc
        self._connection.ask("forget")
        with self._session.kept():
            self._contender.answer(np.resize(golden_nhwc, (batch, *golden_nhwc.shape[1:])))

        pool = self.threads > 1 or not self.provider.startswith(NO_POOL)

        def block(calls: int) -> Block:
            durations = self._connection.ask("time", {"calls": calls, "pool": pool})["ns"]
            return Block(np.array(durations, dtype=np.int64))

        return block

    def instructions(self) -> float | None:
        """They are counted here alone."""
        return None

    def close(self) -> None:
        """End the runner."""
        self._connection.close()

    def _cost(self) -> ColdStart:
        """Return what it took from nothing to the first answer, which was just given."""
        first_ns = self._session.run_ns
        found = self._connection.ask("cost")
        parts_ns = (found["interpreter_ns"], found["import_ns"], self._session.load_ns, first_ns)
        return ColdStart(
            import_ms=found["import_ns"] / 1e6,
            load_ms=self._session.load_ns / 1e6,
            first_ms=first_ns / 1e6,
            total_ms=sum(parts_ns) / 1e6,
            peak_bytes=found["peak_bytes"],
        )
