"""A parser that crashes on a file, or does not listen, ends the command with a message and a code; nothing stays."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from edgecnn_cli import guard

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is guarded")

WAIT_S = 120


def _script(body: str, command: str) -> list[str]:
    """Return a command line that guards ``body`` as ``edgecnn COMMAND`` guards what it runs."""
    return [
        sys.executable,
        "-c",
        f"from edgecnn_cli import guard\nguard.supervise([{command!r}])\n{textwrap.dedent(body)}",
    ]


def _ended(body: str, command: str = "predict") -> subprocess.CompletedProcess[str]:
    return subprocess.run(_script(body, command), capture_output=True, text=True, timeout=WAIT_S, check=False)


def _started(body: str) -> tuple[subprocess.Popen[str], int]:
    """Start a guarded process that prints its process id and sleeps; return the outer process and that id."""
    lines = f"import os, time\nprint(os.getpid(), flush=True)\n{textwrap.dedent(body)}\ntime.sleep(100)"
    outer = subprocess.Popen(_script(lines, "web"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert outer.stdout is not None
    return outer, int(outer.stdout.readline())


def _is_gone(process: int) -> bool:
    for _ in range(600):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{process}/stat") as file:  # noqa: PTH123 - gone means gone, or not yet reaped
            if file.read().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_is_an_error(number: signal.Signals) -> None:
    found = _ended(f"import os\nos.kill(os.getpid(), {int(number)})")
    assert found.returncode == 2
    assert found.stderr.startswith(
        f"error: edgecnn predict ended by {number.name}: a library crashed on what it was given."
    )


def test_what_the_system_ends_for_memory_is_an_error() -> None:
    found = _ended("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "inspect")
    assert found.returncode == 2
    assert "ended it for want of memory" in found.stderr


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_the_exit_code_is_handed_on(code: int) -> None:
    assert _ended(f"import sys\nprint('shown')\nsys.exit({code})").returncode == code


def test_all_the_memory_is_not_to_be_had() -> None:
    found = _ended("from edgecnn.runtime.memory import memory_bytes\nbytearray(memory_bytes() * 2)")
    assert "MemoryError" in found.stderr


def test_other_commands_are_not_guarded() -> None:
    body = "import os\nprint(os.getppid())"
    assert _ended(body, "train").stdout.strip() == str(os.getpid())
    assert _ended(body, "predict").stdout.strip() != str(os.getpid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_handed_on(number: signal.Signals) -> None:
    outer, inner = _started("import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)")
    outer.send_signal(number)
    assert outer.wait(WAIT_S) == 128 + number
    assert _is_gone(inner)
    outer.communicate()


@pytest.mark.slow
def test_a_library_that_does_not_listen_is_ended() -> None:
    outer, inner = _started("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint(1, flush=True)")
    assert outer.stdout is not None
    outer.stdout.readline()
    outer.send_signal(signal.SIGINT)
    assert outer.wait(WAIT_S) == 130
    assert _is_gone(inner)
    outer.communicate()


def test_nothing_survives_a_kill_of_the_command() -> None:
    outer, inner = _started("")
    outer.kill()
    outer.communicate()
    assert _is_gone(inner)


@pytest.mark.parametrize(
    ("arguments", "provider"),
    [
        (["predict", "m.onnx", "cuda"], "cpu"),
        (["predict", "m.onnx", "--provider=cuda"], "cuda"),
        (["predict", "m.onnx", "--provider", "mine", "x.png"], "mine"),
        (["predict", "m.onnx", "--provider"], ""),
    ],
)
def test_memory_is_limited_by_the_provider_that_is_asked_for(arguments: list[str], provider: str) -> None:
    """Any provider but the CPU's own may reserve more address space than there is memory."""
    assert guard._provider(arguments) == provider
