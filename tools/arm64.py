#!/usr/bin/env python3
"""Run a Python script as on ARM64, under emulation: tools/arm64.py script.py ARGUMENT …

Debian's python3.11 for arm64 and ONNX Runtime's own wheel run under qemu; the first call unpacks them into a folder of
the temporary directory, with mmdebstrap and pip. ``--cpu cortex-a72`` has no dot products of bytes, ``max`` has them.
Linux with qemu-user-static and mmdebstrap only. Some fifty times slower than the processor beneath.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

QEMU = "qemu-aarch64-static"
SUITE, DEBIAN_PACKAGES = "bookworm", "python3.11,libpython3.11-stdlib,libstdc++6,zlib1g,libgomp1"
WHEELS = ("onnxruntime==1.26.0", "numpy", "pillow", "platformdirs")  # later ones end at import under qemu 7.2
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")


def command(script: list[str], cpu: str = "max") -> tuple[list[str], dict[str, str]]:
    """Return the command that runs a script and its arguments on ARM64, and the variables that it needs."""
    root, site = _unpacked(Path(tempfile.gettempdir()) / f"edgecnn-arm64-{os.getuid()}")
    checkout = Path(__file__).resolve().parents[1]
    variables = {"PYTHONPATH": f"{site}:{checkout}", "PYTHONDONTWRITEBYTECODE": "1", "ORT_DISABLE_TELEMETRY": "1"}
    return [QEMU, "-cpu", cpu, "-L", str(root), f"{root}/usr/bin/python3.11", *script], variables


def _unpacked(folder: Path) -> tuple[Path, Path]:
    root, site = folder / "root", folder / "site"
    if not site.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        part = folder / f"part-{os.getpid()}"
        _run("mmdebstrap", "--arch=arm64", "--variant=extract", "--mode=root", "--skip=check/qemu", "--quiet",
             f"--include={DEBIAN_PACKAGES}", SUITE, part / "root")  # fmt: skip
        platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
        _run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             "--python-version=3.11", *platforms, "--dest", part / "wheels", *WHEELS)  # fmt: skip
        for wheel in (part / "wheels").glob("*.whl"):
            shutil.unpack_archive(wheel, part / "site", "zip")
        shutil.rmtree(root, ignore_errors=True)
        (part / "root").rename(root)
        (part / "site").rename(site)
        shutil.rmtree(part)
    return root, site


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True)


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
