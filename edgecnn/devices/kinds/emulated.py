"""Processors that are not at hand, emulated by qemu's user mode: they run the kernels of the real ones, at a fraction
of the speed, so that a file's answers can be checked there, and its latency not.

An older x86-64 processor runs this Python with its packages; ARM64 runs the one that ``devices/arm64.py`` makes.
"""

import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn.devices import arm64
from edgecnn.devices.place import Python
from edgecnn.errors import DeviceError
from edgecnn.machine.cpu import family_of
from edgecnn.text import excerpt

EXAMPLE = "emulated:x86-avx2"
PACKAGE = "qemu-user-static"


@dataclass(frozen=True)
class Processor:
    """One that qemu knows: what it is called there, for people, and which of our features it has."""

    model: str
    title: str
    architecture: str
    features: tuple[str, ...]

    @property
    def program(self) -> str:
        """The emulator's name."""
        return f"qemu-{self.architecture}"


PROCESSORS = {
    "arm64": Processor("max", "ARM64", "aarch64", ("asimd", "asimddp", "asimdhp", "i8mm", "bf16", "sve")),
    "x86-avx2": Processor("Haswell", "Intel Haswell", "x86_64", ("sse4_2", "avx", "avx2", "fma", "f16c")),
    "x86-sse4": Processor("Nehalem", "Intel Nehalem", "x86_64", ("sse4_2",)),
}


@dataclass(frozen=True)
class Emulated:
    """A processor under qemu."""

    name: str
    processor: Processor

    @property
    def keeps_time(self) -> bool:
        """It is some fifty times slower than the processor beneath, and not evenly."""
        return False

    def command(self, code: str) -> list[str]:
        """Start Python under qemu. Raises DeviceError, with the command that makes it, for what is not there."""
        qemu = self._qemu()
        if self.processor.architecture == "aarch64":
            made = arm64.unpacked()
            if not made.is_there:
                raise DeviceError(
                    f"{self.name}: there is no ARM64 Python in {made.root.parent}. Make it once, of 200 MB of packages "
                    f"of Debian and ONNX Runtime, with mmdebstrap (sudo apt-get install mmdebstrap): {arm64.MADE_WITH}"
                )
            python, packages, root = str(made.python), [str(made.site)], ["-L", str(made.root)]
        else:
            python, packages, root = os.path.realpath(sys.executable), [path for path in sys.path if path], []
        path = f"PYTHONPATH={os.pathsep.join(packages)}"
        return ["env", path, qemu, "-cpu", self.processor.model, *root, python, "-B", "-c", code]

    def recorded(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was found there, where /proc tells of the processor beneath, with the one that is emulated."""
        features = list(self.processor.features)
        return {
            **facts,
            "processor": f"{self.processor.title}, emulated by qemu on {facts['processor']}",
            "cpu_features": features,
            "family": family_of(facts["architecture"], features),
        }

    def install(self, packages: Sequence[str], python: Python) -> str:
        """Say what brings packages there."""
        if self.processor.architecture == "aarch64":
            return f"Delete {arm64.unpacked().root.parent} and make it again: {arm64.MADE_WITH}"
        return "They are this Python's: pip install 'edgecnn[cpu]'"

    def unreached(self, code: int, said: Sequence[str]) -> DeviceError:
        """Say that Python ended under qemu, as it does where a package uses what qemu does not have."""
        words = [line for line in said if "TCG doesn't support requested feature" not in line]
        last = f" ({excerpt(words[-1])})" if words else ""
        return DeviceError(
            f"{self.name}: Python ended under {self.processor.program} with exit code {code}{last}. Some versions of "
            "onnxruntime use what older versions of qemu do not know: another version of one of them may run."
        )

    def _qemu(self) -> str:
        names = (f"{self.processor.program}-static", self.processor.program)
        found = next(filter(None, map(shutil.which, names)), None)
        beneath = platform.machine().lower()
        if sys.platform != "linux" or (self.processor.architecture == "x86_64" and beneath not in ("x86_64", "amd64")):
            raise DeviceError(
                f"{self.name}: qemu's user mode runs on Linux, and x86-64 processors are emulated with this Python, "
                f"which is for {beneath} on {platform.system()}. Use another machine, or a device: --on ssh://HOST."
            )
        if found is None:
            raise DeviceError(f"{self.name}: {names[0]} is not installed here. Run: sudo apt-get install {PACKAGE}")
        return found


def place(rest: str) -> Emulated:
    """Read the name of a processor."""
    if rest not in PROCESSORS:
        known = ", ".join(f"emulated:{name}" for name in PROCESSORS)
        raise DeviceError(f"'emulated:{excerpt(rest)}' names no processor; expected {known}.")
    return Emulated(f"emulated:{rest}", PROCESSORS[rest])
