#!/usr/bin/env python3
"""Run a Python script as on ARM64, under emulation: tools/arm64.py script.py ARGUMENT …

Debian's python3.11 for arm64 and ONNX Runtime's own wheel run under qemu; the first call makes them, as
``python -m edgecnn.devices.arm64`` does. ``--cpu cortex-a72`` has no dot products of bytes, ``max`` has them.
Linux with qemu-user-static and mmdebstrap only. Some fifty times slower than the processor beneath.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from edgecnn.devices import arm64

QEMU = "qemu-aarch64-static"


def command(script: list[str], cpu: str = "max") -> tuple[list[str], dict[str, str]]:
    """Return the command that runs a script and its arguments on ARM64, and the variables that it needs."""
    made, checkout = arm64.make(), Path(__file__).resolve().parents[1]
    variables = {
        "PYTHONPATH": f"{made.site}:{checkout}", "PYTHONDONTWRITEBYTECODE": "1", "ORT_DISABLE_TELEMETRY": "1"
    }  # fmt: skip
    return [QEMU, "-cpu", cpu, "-L", str(made.root), str(made.python), *script], variables


def main() -> None:
    """Become the script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cpu", default="max", help="a processor that qemu knows")
    parser.add_argument("script", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    words, variables = command(given.script, given.cpu)
    os.execvpe(words[0], words, os.environ | variables)


if __name__ == "__main__":
    main()
