"""One contender in a process of its own, so that no other's thread pool spins on its cores and its memory is its own.

``python -m edgecnn.bench.worker MODEL PROVIDER THREADS [SAID]`` loads the model, with 0 threads for those that its card
says, answers one image, and prints a JSON line that says what it is and what that cost. Then it is told by lines on
which processors to stay (``{"stay": …}``), what is called (``{"batch": …, "load": …}``), to time so many calls
(``{"calls": …}``), to count instructions (``{"count": …}``), to hold its golden images to its card (``{"golden":
true}``), to say of which class the images of a file are (``{"classify": …}``), or to answer LoadGen (``{"stream":
SECONDS, "folder": …}``). A PROVIDER that is ``runtime:NAME`` is another runtime (``edgecnn.bench.runtimes``).
"""

import functools
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import errors
from edgecnn.errors import EdgecnnError, ModelError
from edgecnn.machine import affinity, counters
from edgecnn.process import Child, answer

if TYPE_CHECKING:
    from edgecnn.bench import runtimes
    from edgecnn.bench.calls import Block
    from edgecnn.bench.load import Load
    from edgecnn.contender import Contender, Named
    from edgecnn.runtime.selftest import SelfTest

NO_POOL = ("CPUExecutionProvider", "PyTorch")  # with one thread they have none that would spin on
PROGRAM = (sys.executable, "-m", "edgecnn.bench.worker")
COUNTED = 20  # calls whose instructions are counted: they hardly vary


@dataclass(frozen=True)
class ColdStart:
    """From nothing to the first answer. ``total_ms`` is the parent's view: interpreter, imports, load, first image."""

    import_ms: float
    load_ms: float
    first_ms: float
    total_ms: float
    peak_bytes: int


class Worker:
    """A started process that holds one opened contender. Use it as a context manager."""

    def __init__(self, model: "Named", *, provider: str, threads: int | None, program: Sequence[str] = PROGRAM) -> None:
        """Without ``threads``, a model file is opened as its card says. A ``program`` of one's own opens it with
        ``serve``."""
        self.model = model
        said = [json.dumps(asdict(model))] if is_dataclass(model) else []
        started = time.perf_counter_ns()
        self._child = Child(str(model), provider, str(threads or 0), *said, program=program)
        try:
            hello = self._answer()
        except BaseException:
            self.close()
            raise
        total_ms = (time.perf_counter_ns() - started) / 1e6
        self.form: str = hello["form"]
        self.threads: int = hello["threads"]
        self.provider: str = hello["provider"]
        self.exact_int8: bool = hello["exact_int8"]
        self.size_bytes: int = hello["size_bytes"]
        self.uncounted: str | None = hello["uncounted"]
        self.cold_start = ColdStart(total_ms=total_ms, **hello["cold_start"])

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stay(self, turn: int, count: int) -> None:
        """Run on ``count`` of the processors, the next ones with each turn, until it ends."""
        self._ask({"stay": {"turn": turn, "count": count}})

    def blocks(self, batch: int, load: "Load") -> Callable[[int], "Block"]:
        """Return a function that times so many calls on ``batch`` images; until the next call of this one."""
        from edgecnn.bench.calls import Block

        self._ask({"batch": batch, "load": asdict(load)})

        def block(calls: int) -> Block:
            found = self._ask({"calls": calls})
            return Block(np.array(found["ns"], dtype=np.int64), found["wall_ns"])

        return block

    def instructions(self) -> float | None:
        """Return how many instructions such a call executes, None where they are not counted (see ``uncounted``)."""
        if self.uncounted is not None:
            return None
        return float(self._ask({"count": COUNTED})["instructions"]) / COUNTED

    def golden_again(self) -> "SelfTest | None":
        """Return the golden images against the card's answers, None of what has no card. Raises ModelError."""
        from edgecnn.runtime.selftest import SelfTest

        found = self._ask({"golden": True})["golden"]
        return None if found is None else SelfTest(**found)

    def classes(self, images: Path) -> NDArray[np.int64]:
        """Return the class of each of the images_nhwc in a .npy file, of a classifier. Raises ModelError."""
        return np.array(self._ask({"classify": str(images)})["classes"], np.int64)

    def stream(self, seconds: float, folder: Path) -> dict[str, Any]:
        """Let LoadGen ask it for so long, with its files in a folder, and return what that says (``bench.loadgen``).

        Raises ModelError.
        """
        found: dict[str, Any] = self._ask({"stream": seconds, "folder": str(folder)})["stream"]
        return found

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def _ask(self, wanted: dict[str, object]) -> dict[str, Any]:
        self._child.tell(wanted)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        found = next(self._child.answers(), None)
        if found is None:
            raise ModelError(f"{self.model}: its process ended ({self._child.reason()}).")
        if "error" in found:
            raise getattr(errors, found["error"], EdgecnnError)(found["message"])
        return found


def main(model: str, provider: str, threads: str, said: str = "") -> None:
    """Be the process; ``said`` is what a module of PyTorch does not tell."""
    serve(
        functools.partial(_import_what_runs, model, provider, said),
        functools.partial(_opened, model, provider, int(threads) or None, said),
    )


def serve(imported: Callable[[], None], opened: "Callable[[], tuple[Contender, runtimes.Opened | None]]") -> None:
    """Be a contender's process: import what it runs on, open it, answer an image, then do what is asked for."""
    try:
        _serve(imported, opened)
    except EdgecnnError as error:
        answer({"error": type(error).__name__, "message": str(error)})


def _serve(bring: Callable[[], None], open_it: "Callable[[], tuple[Contender, runtimes.Opened | None]]") -> None:
    started = time.perf_counter_ns()
    counter = counters.opened()  # before there are threads to be counted with
    bring()
    imported = time.perf_counter_ns()
    contender, opened = open_it()
    if "torch" in sys.modules:  # once: this process is ours, and a call is not to pay for it
        sys.modules["torch"].set_num_threads(contender.threads)
    loaded = time.perf_counter_ns()
    contender.answer(contender.golden_images_nhwc[:1])
    answered = time.perf_counter_ns()
    from edgecnn.machine.memory import peak_bytes

    cold_start = {
        "import_ms": (imported - started) / 1e6,
        "load_ms": (loaded - imported) / 1e6,
        "first_ms": (answered - loaded) / 1e6,
        "peak_bytes": peak_bytes() + (opened.peak_bytes() if opened and opened.peak_bytes else 0),
    }
    answer(
        {
            "form": contender.form,
            "provider": contender.provider,
            "threads": contender.threads,
            "exact_int8": contender.exact_int8,
            "size_bytes": contender.size_bytes,
            "cold_start": cold_start,
            "uncounted": counter if isinstance(counter, str) else None,
        }
    )
    _converse(contender, counter, opened.repeat if opened else None)


def _named(model: str, said: str) -> "Named":
    from edgecnn.contender import Bare

    return Bare(**json.loads(said)) if said else model


def _import_what_runs(model: str, provider: str, said: str) -> None:
    """Import what a contender runs on; another runtime is imported where it is opened."""
    from edgecnn.bench.runtimes import named_in
    from edgecnn.contender import import_runtime_of

    if named_in(provider) is None:
        import_runtime_of(_named(model, said))


def _opened(model: str, provider: str, threads: int | None, said: str) -> "tuple[Contender, runtimes.Opened | None]":
    """Return a contender, and how it is opened where another runtime runs it."""
    from edgecnn import contender, zoo
    from edgecnn.bench import runtimes

    runtime = runtimes.named_in(provider)
    if runtime is None:
        return contender.open_contender(_named(model, said), provider=provider, threads=threads), None
    found, opened = runtimes.load_in(runtime, model, threads=threads)
    return contender.contender_of(found, model, zoo.find(model)), opened


def _converse(
    contender: "Contender", counter: counters.Counter | str, repeat: Callable[[int], list[int]] | None
) -> None:
    """Make calls as they are asked for; with ``repeat``, in a process that times them itself."""
    from edgecnn.bench.calls import call_of, made
    from edgecnn.bench.load import Load

    call, load = call_of(contender, 1, Load()), Load()
    pool = contender.threads > 1 or not contender.provider.startswith(NO_POOL)
    for line in sys.stdin:
        wanted = json.loads(line)
        if "golden" in wanted:
            answer(_said_of(lambda: {"golden": _golden_again(contender)}))
        elif "stay" in wanted:
            affinity.stay(**wanted["stay"])
            answer({})
        elif "classify" in wanted:
            answer(_said_of(functools.partial(_classes, contender, wanted["classify"])))
        elif "stream" in wanted:
            answer(_said_of(functools.partial(_streamed, contender, wanted["stream"], wanted["folder"])))
        elif "calls" in wanted and repeat is not None:
            answer({"ns": repeat(wanted["calls"]), "wall_ns": None})
        elif "calls" in wanted:
            block = made(call, wanted["calls"], load, pool=pool)
            answer({"ns": block.calls_ns.tolist(), "wall_ns": block.wall_ns})
        elif "count" in wanted:
            assert isinstance(counter, counters.Counter)
            answer({"instructions": _counted(call, wanted["count"], counter)})
        else:
            load = Load(**{**wanted["load"], "pictures": tuple(wanted["load"]["pictures"])})
            call = call_of(contender, wanted["batch"], load)
            if repeat is not None:
                call()  # which is what is repeated
            answer({})


def _said_of(found: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return what was found, or the reason of whatever a runtime raises."""
    try:
        return found()
    except Exception as error:
        return {"error": "ModelError", "message": " ".join(str(error).split()) or type(error).__name__}


def _golden_again(contender: "Contender") -> dict[str, object] | None:
    return None if contender.golden_again is None else asdict(contender.golden_again())


def _classes(contender: "Contender", path: str) -> dict[str, object]:
    from edgecnn.contender import ClassifierContender

    assert isinstance(contender, ClassifierContender)
    return {"classes": contender.logits(np.load(path, allow_pickle=False)).argmax(axis=1).tolist()}


def _streamed(contender: "Contender", seconds: float, folder: str) -> dict[str, object]:
    from edgecnn.bench import loadgen

    return {"stream": loadgen.run(contender, seconds, Path(folder))}


def _counted(call: Callable[[], object], count: int, counter: counters.Counter) -> int:
    before = counter.read()
    for _ in range(count):
        call()
    return counter.read() - before


if __name__ == "__main__":
    main(*sys.argv[1:])
