"""A machine that the user's own ssh reaches: its settings, keys, agents and jump hosts are those of ``ssh HOST``."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn.devices.place import Python
from edgecnn.errors import ConnectionLost, DeviceError, EdgecnnError
from edgecnn.text import excerpt

EXAMPLE = "ssh://pi@raspberrypi"
ADDRESS = re.compile(
    r"//(?:(?P<user>[^\s@:/\[\]'\"`$\\-][^\s@:/\[\]'\"`$\\]*)@)?"
    r"(?P<host>[\w.][\w.%-]*|\[[\da-fA-F:.%\w]+\])(?::(?P<port>\d{1,5}))?(?P<python>/.+)?"
)
CONNECT_S, ALIVE_S, ALIVE_TIMES = 10, 5, 3
SETTINGS = (
    "BatchMode=yes",  # a question would wait for an answer that no script gives
    f"ConnectTimeout={CONNECT_S}",
    f"ServerAliveInterval={ALIVE_S}",  # a network that goes away ends a command in 15 s, not never
    f"ServerAliveCountMax={ALIVE_TIMES}",
    "LogLevel=INFO",  # what it says is what the errors below are told by
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "RequestTTY=no",
)
NOT_FOUND = 127  # of the shell there
HOME = "/~/"
CUT = re.compile(r"(Connection to .* closed by remote host|client_loop: .*|Timeout, server .* not responding)\.?")
# What ssh says, and what is to be done; {target} is what one gives ssh by hand.
KNOWN = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "its host key is not the one that is known here: somebody may be in "
     "between, or the machine was set up anew. If you know that it was, forget the old key: ssh-keygen -R {known}"),
    ("Host key verification failed", "its host key is not known here. Look at it once by hand and accept it: ssh "
     "{target}"),
    ("Permission denied", "it takes none of the keys that ssh offers, and --on never asks for a password. Give it your "
     "key (ssh-copy-id {target}), or say in ~/.ssh/config which one it takes"),
    ("Too many authentication failures", "ssh offers it more keys than it tries. Name the right one in ~/.ssh/config, "
     "with IdentitiesOnly yes"),
    ("Could not resolve hostname", "there is no host of that name. See that it is written right, or has an entry in "
     "~/.ssh/config"),
    ("Connection refused", "the machine is there, and no ssh server listens at that port. Start it there (sudo "
     "systemctl enable --now ssh), or name its port: ssh://HOST:PORT"),
    ("timed out", "no answer in {seconds} seconds. See that it is switched on and in this network: ssh {target}"),
    ("No route to host", "no way leads there. See that it is switched on and in this network: ssh {target}"),
    ("Network is unreachable", "no way leads there. See that this machine is in the network: ssh {target}"),
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A machine, and the Python there that is to be used. ``target`` is what ssh is given, with the port."""

    name: str
    host: str
    port: str
    python: str

    @property
    def keeps_time(self) -> bool:
        """It is a machine."""
        return True

    @property
    def target(self) -> list[str]:
        """Return what one gives ssh by hand."""
        return [*(["-p", self.port] if self.port else []), self.host]

    def command(self, code: str) -> list[str]:
        """Start Python through the shell there, whichever it is: within double quotes, plain words are so to all."""
        settings = [word for setting in SETTINGS for word in ("-o", setting)]
        port = ["-p", self.port] if self.port else []
        return ["ssh", "-T", *settings, *port, "--", self.host, f'{shlex.quote(self.python)} -B -c "{code}"']

    def recorded(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was found there."""
        return dict(facts)

    def install(self, packages: Sequence[str], python: Python) -> str:
        """Say what installs packages there: pip, or first an environment where the system keeps pip out."""
        ssh = shlex.join(["ssh", *self.target])
        if not python.managed:
            return f"Install there what is missing: {ssh} {python.program} -m pip install {' '.join(packages)}"
        make = f"{python.program} -m venv edgecnn && edgecnn/bin/pip install numpy onnxruntime"
        user_host = self.host + (f":{self.port}" if self.port else "")
        return (
            f"That Python is the system's, into which pip installs nothing, so make an environment there: {ssh} "
            f"'{make}', and name its Python: --on ssh://{user_host}{HOME}edgecnn/bin/python"
        )

    def unreached(self, code: int, said: Sequence[str]) -> EdgecnnError:
        """Say what ssh's words mean."""
        lines = [line.strip() for line in said if line.strip()]
        text = "\n".join(lines)
        last = excerpt(lines[-1]) if lines else f"exit code {code}"
        if CUT.fullmatch(last):
            return ConnectionLost(f"{self.name}: the connection ended before Python started there ({last}). Try again.")
        if code == NOT_FOUND or "not found" in last:
            return DeviceError(
                f"{self.name}: there is no {self.python} ({last}). Install Python 3.9 or later there, or name one: "
                f"--on ssh://{self.host}{f':{self.port}' if self.port else ''}/usr/bin/python3"
            )
        where = {"target": shlex.join(self.target), "known": self._known_as(), "seconds": CONNECT_S}
        for words, meaning in KNOWN:
            if words in text:
                return DeviceError(f"{self.name}: {meaning.format(**where)}. (ssh says: {last})")
        return DeviceError(
            f"{self.name}: did not start Python there ({last}). See that this works by hand: ssh {where['target']} "
            f"{self.python} --version"
        )

    def _known_as(self) -> str:
        host = self.host.rpartition("@")[2]
        return f"'[{host}]:{self.port}'" if self.port and self.port != "22" else host


def place(rest: str) -> Machine:
    """Read ``//[user@]host[:port][/path/of/python]``; ``/~/`` is the home folder there."""
    found = ADDRESS.fullmatch(rest)
    if found is None or int(found["port"] or 22) not in range(1, 65_536):
        raise DeviceError(
            f"'ssh:{excerpt(rest)}' names no machine; expected ssh://[user@]host[:port], and after it, where the "
            f"Python to use is not python3, its path: {EXAMPLE}/home/pi/edgecnn/bin/python. There is no place for a "
            "password: keys are what --on takes."
        )
    host = found["host"].strip("[]")
    user = f"{found['user']}@" if found["user"] else ""
    path = found["python"] or "python3"
    return Machine(f"ssh:{rest}", f"{user}{host}", found["port"] or "", path.removeprefix(HOME))
