"""One network in all ways, side by side: launches as ``edgecnn bench`` makes them, edgecnn's own form the first."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgecnn.bench import runtimes
from edgecnn.bench.launches import Series, launched
from edgecnn.bench.load import PLAIN
from edgecnn.bench.worker import Worker
from edgecnn.errors import EdgecnnError
from edgecnn.machine import facts
from edgecnn.machine.conditions import QUIET_OTHERS, Watch
from edgecnn.machine.threads import available
from edgecnn.text import shortened
from performance import networks, record
from performance.networks import FP32, Facts
from performance.record import FLOAT32, OURS, Measured, Refused

PRECISION, SCREEN = 0.05, 0.2  # widths of intervals
LIMIT_S, SCREEN_S = 45.0, 6.0  # for a network
PACKAGES = (
    "edgecnn", "onnxruntime", "torch", "openvino", "opencv-python-headless", "opencv-python", "tract", "ncnn", "pnnx",
)  # fmt: skip
PEER = Path(__file__).with_name("peer.py")
INT8 = "OpenVINO, our int8 file"
OPENVINO = ("OpenVINO in float32", "OpenVINO as it comes", INT8)
EAGER, COMPILED, DEFAULT = "PyTorch, eager", "PyTorch, compiled", "ONNX Runtime, default session of the plain export"


@dataclass(frozen=True)
class Contender:
    """A way to run a network: what starts its process, and whether its golden images can be asked for."""

    name: str
    start: Callable[[], Worker]
    golden: bool


def contenders(folder: Path, form: str, int8: str | None, threads: int) -> list[Contender]:
    """Return all ways of a network, edgecnn's with the chosen form first."""
    own = folder / f"{form}.onnx"
    found = [Contender(OURS, _file(own, "cpu", threads), True)]
    if form != FP32:
        found.append(Contender(FLOAT32, _file(folder / "fp32.onnx", "cpu", threads), True))
    if (folder / "checkpoint.safetensors").exists():
        checkpoint = folder / "checkpoint.safetensors"
        found.append(Contender(EAGER, _file(checkpoint, "cpu", threads), False))
        found.append(Contender(COMPILED, _peer(folder, "compiled", threads), False))
        found.append(Contender(DEFAULT, _peer(folder, "plain", threads), False))
    elsewhere = {OPENVINO[0]: ("openvino-float32", FP32), OPENVINO[1]: ("openvino", FP32)}
    elsewhere |= {INT8: ("openvino", int8)} if int8 else {}
    elsewhere |= {"OpenCV dnn": ("opencv", FP32), "tract": ("tract", FP32), "ncnn": ("ncnn", FP32)}
    for name, (runtime, which) in elsewhere.items():
        file = folder / f"{which}.onnx"
        found.append(Contender(name, _file(file, runtimes.PREFIX + runtime, threads), True))
    return found


def _file(path: Path, provider: str, threads: int) -> Callable[[], Worker]:
    return lambda: Worker(path, provider=provider, threads=threads)


def _peer(folder: Path, way: str, threads: int) -> Callable[[], Worker]:
    return lambda: Worker(folder, provider=way, threads=threads, program=(sys.executable, str(PEER)))


def measure(
    folder: Path,
    known: Facts,
    threads: int,
    say: Callable[[str], None],
    *,
    ways: Sequence[str] = (),
    allowed: float = QUIET_OTHERS,
) -> Measured | None:
    """Choose a form and measure a network, in all ways or in those that are named; None where others took more than
    ``allowed`` of the processors."""
    watch = Watch()
    say("choosing a form")
    form = chosen(folder, known, threads, say)
    int8 = next((one.name for one in known.forms if one.name != FP32), None)
    wanted = [one for one in contenders(folder, form.name, int8, threads) if not ways or one.name in ways]
    right, refused = asked(wanted, say, folder)
    running = [one for one in wanted if one.name in right]
    series = compared([one.start for one in running], PRECISION, LIMIT_S, say)
    others = watch.conditions().others
    if others is not None and others > allowed:
        say(f"others took {others:.0%} of the processors: not kept")
        return None
    costs = {one.name: series.cost_ms(index).value for index, one in enumerate(running)}
    ratios = {one.name: series.ratio(index) for index, one in enumerate(running)}
    ways = [
        record.Way(name, costs[name], found.value, (found.low, found.high), right[name])
        for name, found in ratios.items()
    ]
    return Measured(
        name=known.name,
        row=known.row,
        parameters=known.parameters,
        macs=known.macs,
        weight_bytes=known.weight_bytes,
        epochs=known.epochs,
        epochs_stated=known.epochs_stated,
        form=form.name,
        drop_pp=form.drop_pp,
        fp32_ms=costs.get(OURS if form.name == FP32 else FLOAT32),
        ways=ways,
        refused=refused,
        threads=threads,
        launches=len(series.launches),
        date=record.today(),
        others=others,
        versions=facts.installed(PACKAGES),
        sha256=known.sha256,
    )


def chosen(folder: Path, known: Facts, threads: int, say: Callable[[str], None]) -> networks.Form:
    """Return the fastest form that drops by no more than is allowed, by a measurement of its own."""
    allowed = [one for one in known.forms if one.drop_pp <= networks.MAX_DROP_PP]
    if len(allowed) == 1:
        return allowed[0]
    series = compared([_file(folder / f"{one.name}.onnx", "cpu", threads) for one in allowed], SCREEN, SCREEN_S, say)
    return min(allowed, key=lambda one: series.ratio(allowed.index(one)).value)


def asked(
    wanted: list[Contender], say: Callable[[str], None], home: Path
) -> tuple[dict[str, bool | None], list[Refused]]:
    """Open each way once. Returns those that run with whether they answer as the card says, and the others, whose
    reasons do not say where ``home`` is."""
    right: dict[str, bool | None] = {}
    refused = []
    for one in wanted:
        say(f"asking {one.name}")
        try:
            with one.start() as worker:
                golden = worker.golden_again() if one.golden else None
                worker.blocks(1, PLAIN)(1)
        except EdgecnnError as error:
            if one.name == OURS:
                raise
            refused.append(Refused(one.name, shortened(str(error).replace(f"{home}/", ""), 200)))
        else:
            right[one.name] = None if golden is None else golden.passed
    return right, refused


def compared(
    starts: list[Callable[[], Worker]], precision: float, limit_s: float, say: Callable[[str], None]
) -> Series:
    """Launch processes again and again, and time them in turns."""

    @contextmanager
    def start() -> Iterator[list[Worker]]:
        with ExitStack() as stack:
            with ThreadPoolExecutor(available()) as pool:  # most of the time is in the starts
                begun = [pool.submit(one) for one in starts]
            workers = [stack.enter_context(one.result()) for one in begun if one.exception() is None]
            for one in begun:
                one.result()  # raises what kept it from starting, once the others are there to be ended
            yield workers

    return launched(start, (1,), PLAIN, precision=precision, limit_s=limit_s, say=say)[1]
