"""An ssh server of the test's own on loopback: its keys, its port, its settings, and no file of the system touched.

``ssh`` is the real program; a script of that name, first in PATH, gives it the test's settings in place of the user's.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import pytest

from edgecnn.devices.connection import CODE

PATIENCE_S = 20.0
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
SSH = shutil.which("ssh")
ROOTS_FOLDER = Path("/run/sshd")  # an empty folder that sshd wants where root starts it; a service makes it at boot
needs_sshd = pytest.mark.skipif(
    (SSHD is None or SSH is None) and "EDGECNN_REQUIRE_SSHD" not in os.environ,
    reason="there is no sshd here (apt-get install openssh-server, which .ci/run does)",
)


@dataclass(frozen=True)
class Server:
    """A started server. ``folder`` has the settings that its clients are given."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def on(self, python: Path | str) -> str:
        """What --on takes for that Python."""
        return f"ssh://{getuser()}@127.0.0.1:{self.port}{python}"

    def client(self, **changed: str) -> Path:
        """Return a folder with an ``ssh`` that has the test's settings, some of them changed."""
        settings = {
            "IdentityFile": self.folder / "key",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": self.folder / "known",
            "GlobalKnownHostsFile": "/dev/null",
        } | changed
        folder = self.folder / f"client-{abs(hash(tuple(settings.items())))}"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        (folder / "ssh").write_text(f'#!/bin/sh\nexec {SSH} -F {folder / "config"} "$@"\n')
        (folder / "ssh").chmod(0o755)
        return folder

    def use(self, monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
        """Let ``ssh`` have the test's settings, some of them changed."""
        monkeypatch.setenv("PATH", f"{self.client(**changed)}{os.pathsep}{os.environ['PATH']}")

    def sessions(self) -> list[int]:
        """The processes of the connections that are open."""
        return children(self.process.pid)

    def cut(self) -> None:
        """Cut every connection, as a network that goes away would."""
        for pid in self.sessions():
            for each in (pid, *children(pid)):
                if "sshd" in Path(f"/proc/{each}/comm").read_text():
                    os.kill(each, signal.SIGKILL)

    def runners(self) -> list[str]:
        """The runners that were started through this server and still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                through = f" 127.0.0.1 {self.port}\0".encode() in (process / "environ").read_bytes()
            except OSError:
                continue
            found += [process.name] if through and CODE.encode() in words else []
        return found

    def assert_no_runner(self) -> None:
        """A runner whose connection was cut notices that when it reads or writes, at once when it is idle."""
        until = time.monotonic() + PATIENCE_S
        while self.runners() and time.monotonic() < until:
            time.sleep(0.05)
        assert not self.runners()


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Start a server whose files are in ``folder``."""
    for name in ("host", "key", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True)
    port = _free_port()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "unknown").touch()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'key.pub'}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin yes\nMaxStartups 100\n"
    )
    if os.getuid() == 0:
        ROOTS_FOLDER.mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        _wait_for(port, process, folder / "log")
        yield Server(folder, port, process)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"sshd did not start: {log.read_text()}")


def edgecnn_command(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Call the command in a process of its own."""
    command = [sys.executable, "-m", "edgecnn_cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done
