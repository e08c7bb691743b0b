"""What runs on a device: it opens models in ONNX Runtime, runs and times them, and says what the machine is.

It is sent as text with the few modules that it imports (``SENT`` in connection.py) and needs Python 3.9, numpy and
onnxruntime there; no file is written. It is asked on standard input and answers on standard output: a line of JSON, and
after it as many bytes as its ``blobs`` say, one after the other. It ends when its input does, or when nothing is asked
for ten minutes: a network that is gone closes nothing.
"""

import io
import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from edgecnn.machine.affinity import stay
from edgecnn.machine.facts import facts
from edgecnn.machine.memory import peak_bytes
from edgecnn.machine.timing import timed_block

STARTED = time.perf_counter_ns()
PACKAGES = ("numpy", "onnxruntime")
PATIENCE_S = 600
CUDA = "CUDAExecutionProvider"
QUIET_HERE = {
    "ORT_DISABLE_TELEMETRY": "1",  # before the import, or ONNX Runtime keeps a record of its use
    "CUDA_CACHE_DISABLE": "1",  # or CUDA keeps kernels in the home folder
}

Answer = tuple[dict[str, Any], Sequence[bytes]]


class Runner:
    """The packages, the opened sessions and the calls that were kept to be timed."""

    def __init__(self) -> None:
        os.environ.update({key: value for key, value in QUIET_HERE.items() if key not in os.environ})
        self.missing: dict[str, str] = {}
        for package in PACKAGES:
            try:
                __import__(package)
            except ImportError as error:
                self.missing[package] = str(error)
        self.import_ns = time.perf_counter_ns() - STARTED
        self.sessions: list[Any] = []
        self.calls: list[tuple[Any, list[str], dict[str, Any]]] = []

    def hello(self) -> dict[str, Any]:
        """Say which Python this is, and what it has."""
        offered = [] if self.missing else sys.modules["onnxruntime"].get_available_providers()
        return {
            "python": {
                "program": sys.executable,
                "version": list(sys.version_info[:3]),
                "managed": _is_managed(),
            },
            "missing": self.missing,
            "onnxruntime": "" if self.missing else sys.modules["onnxruntime"].__version__,
            "providers": offered,
        }

    def facts(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Say what this machine is."""
        found = facts()
        if not self.missing and not any("onnxruntime" in name for name in found["versions"]):
            found["versions"]["onnxruntime"] = sys.modules["onnxruntime"].__version__  # built, not installed by pip
        return found, ()

    def open(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Open a model on one provider."""
        ort = sys.modules["onnxruntime"]
        started = time.perf_counter_ns()
        options = ort.SessionOptions()
        options.log_severity_level = asked["severity"]
        options.intra_op_num_threads, options.inter_op_num_threads = asked["threads"], 1
        for key, value in asked["entries"]:
            options.add_session_config_entry(key, value)
        if asked["provider"] == CUDA and hasattr(ort, "preload_dlls"):
            ort.preload_dlls()
        session = ort.InferenceSession(blobs[0], options, providers=[(asked["provider"], asked["options"])])
        self.sessions.append(session)
        found = {
            "session": len(self.sessions) - 1,
            "inputs": [[node.name, node.type, node.shape] for node in session.get_inputs()],
            "outputs": [[node.name, node.type, node.shape] for node in session.get_outputs()],
            "providers": session.get_providers(),
            "load_ns": time.perf_counter_ns() - started,
        }
        return found, ()

    def run(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Run a session on arrays; the call is kept where it is to be timed."""
        import numpy as np

        arrays = [np.load(io.BytesIO(blob), allow_pickle=False) for blob in blobs]
        inputs = dict(zip(asked["inputs"], arrays))  # noqa: B905 - Python 3.9 has no strict
        call = (self.sessions[asked["session"]], asked["outputs"], inputs)
        started = time.perf_counter_ns()
        found = call[0].run(call[1], call[2])
        spent = time.perf_counter_ns() - started
        self.calls += [call] if asked["keep"] else []
        return {"ns": spent}, [_packed(array) for array in found]

    def forget(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Keep no call any more."""
        self.calls.clear()
        return {}, ()

    def stay(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Run on some of the processors from now on."""
        stay(asked["turn"], asked["count"])
        return {}, ()

    def time(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Time all kept calls together, so many times."""

        def call() -> None:
            for session, outputs, inputs in self.calls:
                session.run(outputs, inputs)

        return {"ns": timed_block(call, asked["calls"], pool=asked["pool"])}, ()

    def cost(self, asked: dict[str, Any], blobs: list[bytes]) -> Answer:
        """Say what it took to get here: the interpreter (started once more, to see), the imports, and the memory."""
        found = {"import_ns": self.import_ns, "peak_bytes": peak_bytes()}
        started = time.perf_counter_ns()
        subprocess.run([sys.executable, "-B", "-c", ""], check=False, stdin=subprocess.DEVNULL)
        return {**found, "interpreter_ns": time.perf_counter_ns() - started}, ()


def _is_managed() -> bool:
    """Tell whether pip refuses to install into this Python, which belongs to the system (PEP 668)."""
    return sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()


def _packed(array: Any) -> bytes:
    import numpy as np

    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def converse(asking: BinaryIO, answering: BinaryIO) -> None:
    """Say hello, and answer until nothing is asked any more."""
    runner = Runner()
    _say(answering, {"hello": runner.hello()}, ())
    while line := _line(asking):
        asked = json.loads(line)
        blobs = [asking.read(size) for size in asked["blobs"]]
        try:
            found, back = getattr(runner, asked["do"])(asked, blobs)
        except Exception as error:  # ONNX Runtime raises a family of its own without a common base
            found, back = {"error": str(error) or type(error).__name__}, ()
        _say(answering, found, back)


def _line(asking: BinaryIO) -> bytes:
    """Wait for a question, as long as patience lasts."""
    if hasattr(signal, "alarm"):
        signal.alarm(PATIENCE_S)
    line = asking.readline()
    if hasattr(signal, "alarm"):
        signal.alarm(0)
    return line


def _say(answering: BinaryIO, found: dict[str, Any], blobs: Sequence[bytes]) -> None:
    answering.write(json.dumps({**found, "blobs": [len(blob) for blob in blobs]}).encode() + b"\n")
    for blob in blobs:
        answering.write(blob)
    answering.flush()


def main() -> None:
    """Answer where Python's output goes, and send what libraries print there to the errors."""
    answering = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        converse(sys.stdin.buffer, answering)
    except OSError:
        os._exit(0)  # nobody listens any more
