"""The conversation with a runner on a device: started there, asked, and gone when this ends, whatever ends it."""

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from types import TracebackType
from typing import Any

from edgecnn.devices.place import Place, Python, place_of
from edgecnn.documents import decode
from edgecnn.errors import ConnectionLost, DeviceError, EdgecnnError
from edgecnn.machine.environment import Environment
from edgecnn.text import excerpt

GREETING_S = 60.0  # from the start to the runner's first word; ssh itself gives up a connection after ten seconds
LEAVING_S = 5.0
# The modules that the runner is made of, each after those that it imports, and itself.
SENT = (
    "machine.cpu", "machine.threads", "machine.affinity", "machine.memory", "machine.facts", "machine.timing",
    "devices.runner",
)  # fmt: skip
# What Python there is started with: it takes the rest from its input, and modules never from the folder it starts in.
CODE = "import sys; sys.path[:] = filter(None, sys.path); exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
TOO_OLD = "edgecnn: this is Python"
LOADER = f"""
import sys
if sys.version_info < (3, 9):
    sys.exit("{TOO_OLD} %d.%d" % sys.version_info[:2])
import __future__, types
for name in ("edgecnn", "edgecnn.machine", "edgecnn.devices"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
for name, source in SOURCES:
    sys.modules[name] = module = types.ModuleType(name)
    exec(compile(source, "<" + name + ">", "exec", __future__.annotations.compiler_flag), module.__dict__)
sys.modules["edgecnn.devices.runner"].main()
"""


@dataclass(frozen=True)
class Hello:
    """What the runner says first: its Python, what that lacks (packages, with why), and the providers it offers."""

    python: Python
    missing: dict[str, str]
    onnxruntime: str
    providers: list[str]


class Connection:
    """A runner on a device. Use it as a context manager; then nothing of it is left there."""

    def __init__(self, place: Place) -> None:
        self.place = place
        command = place.command(CODE)
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in close()
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said)
        except OSError as error:
            self._said.close()
            raise DeviceError(
                f"{place.name}: {command[0]} does not start here ({error.strerror}). Install it on this machine."
            ) from error
        try:
            self.hello = self._greeted()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, what: str, asked: Mapping[str, object] = {}) -> dict[str, Any]:
        """Ask the runner, and return its answer. Raises ConnectionLost where none comes, DeviceError for an error."""
        try:
            return self.attempt(what, asked)[0]
        except RuntimeError as error:
            raise DeviceError(f"{self.place.name}: the runner there fails ({excerpt(str(error))}).") from error

    def attempt(
        self, what: str, asked: Mapping[str, object], blobs: Sequence[bytes] = ()
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Ask the runner with bytes, which its answer may have too. Raises RuntimeError for an error of ONNX Runtime's
        there, as that of a session here is one, and ConnectionLost where no answer comes."""
        self._write(json.dumps({"do": what, **asked, "blobs": [len(blob) for blob in blobs]}).encode() + b"\n", *blobs)
        found = next(self._answers(), None)
        if found is None:
            raise self._lost()
        back = [self._read(size) for size in found.pop("blobs")]
        if "error" in found:
            raise RuntimeError(found["error"])
        return found, back

    @cached_property
    def environment(self) -> Environment:
        """What the machine is."""
        found = self.place.recorded(self.ask("facts"))
        return decode(Environment, {**found, "place": self.place.name}, self.place.name)

    def check_packages(self) -> None:
        """Raise DeviceError, with the command that installs it, unless everything is there that a model needs."""
        hello = self.hello
        if not hello.missing:
            return
        absent = [name for name, reason in hello.missing.items() if reason.startswith("No module named")]
        why = "has no " + " and no ".join(absent)
        if not absent:
            why = "; ".join(f"cannot import {name} ({excerpt(reason)})" for name, reason in hello.missing.items())
        version = ".".join(map(str, hello.python.version))
        raise DeviceError(
            f"{self.place.name}: Python {version} there ({hello.python.program}) {why}. "
            f"{self.place.install(list(hello.missing), hello.python)}"
        )

    def close(self) -> None:
        """End the runner by ending its input, and if need be the command that reaches it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(LEAVING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def _greeted(self) -> Hello:
        """Send the runner, and wait for its first word; what a shell prints before is passed over."""
        program = _program()
        impatience = threading.Timer(GREETING_S, self._process.kill)
        impatience.start()
        try:
            self._write(b"%d\n" % len(program) + program)
            found = next((answer["hello"] for answer in self._answers() if "hello" in answer), None)
        finally:
            impatience.cancel()
        if found is None:
            raise self._unreached()
        return decode(Hello, found, self.place.name)

    def _unreached(self) -> EdgecnnError:
        code, said = self._ended()
        old = next((line for line in said if line.startswith(TOO_OLD)), None)
        if old:
            return DeviceError(
                f"{self.place.name}: {old.removeprefix('edgecnn: ')} there; expected 3.9 or later. Install one there."
            )
        return self.place.unreached(code, said)

    def _lost(self) -> ConnectionLost:
        code, said = self._ended()
        last = f"; it says: {excerpt(said[-1])}" if said else ""
        return ConnectionLost(
            f"{self.place.name}: the connection ended before the answer came (exit code {code}{last}). The network "
            "went away, or what ran there was ended, for want of memory for example. What still runs there ends by "
            "itself and leaves nothing; run the same command again."
        )

    def _ended(self) -> tuple[int, list[str]]:
        """Wait until the command has ended; return its exit code and what it said."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        code = self._process.wait()
        self._said.seek(0)
        return code, [line for line in self._said.read().splitlines() if line.strip()]

    def _write(self, *parts: bytes) -> None:
        """Write to the runner; that it has gone is known when its answer does not come."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            for part in parts:
                self._process.stdin.write(part)
            self._process.stdin.flush()

    def _answers(self) -> Iterator[dict[str, Any]]:
        """Yield what comes, line by line, as far as it is an answer."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and "blobs" in found:
                    yield found

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        found = self._process.stdout.read(size)
        if len(found) < size:
            raise self._lost()
        return found


def connected(device: str) -> Connection:
    """Start the runner on the device that ``--on`` names. Raises DeviceError."""
    return Connection(place_of(device))


def _program() -> bytes:
    """Return the text of the runner with what it imports."""
    sources = [(f"edgecnn.{name}", _source(name)) for name in SENT]
    return f"SOURCES = {sources!r}\n{LOADER}".encode()


def _source(name: str) -> str:
    room, _, module = name.partition(".")
    return resources.files(f"edgecnn.{room}").joinpath(f"{module}.py").read_text(encoding="utf-8")
