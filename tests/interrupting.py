"""A command that is stopped by Ctrl-C once it has begun."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def interrupted(*arguments: str, cwd: Path, begun: Callable[[], bool]) -> str:
    """Run edgecnn in a process, send it SIGINT as soon as it has begun, and return what it says at its end."""
    command = [sys.executable, "-m", "edgecnn_cli.main", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not begun():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    return said
