"""An ARM64 Python with numpy and onnxruntime, as files in a folder, for qemu to run: python -m edgecnn.devices.arm64

Debian's python3.11 for arm64 is unpacked by mmdebstrap, and nothing of it started or configured; beside it lie the
wheels that ONNX Runtime, NumPy and Pillow have for ARM64, which pip downloads. They are 200 MB in the cache folder,
made only when this module is run.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from edgecnn.errors import DeviceError

MADE_WITH = "python -m edgecnn.devices.arm64"
SUITE, DEBIAN_PACKAGES = "bookworm", "python3.11,libpython3.11-stdlib,libstdc++6,zlib1g,libgomp1"
WHEELS = ("onnxruntime==1.26.0", "numpy", "pillow", "platformdirs")  # later ones end at import under qemu 7.2
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")


@dataclass(frozen=True)
class Arm64:
    """Where the files lie: ``root`` is Debian's, ``site`` has the packages."""

    root: Path
    site: Path

    @property
    def python(self) -> Path:
        """The interpreter, which qemu runs."""
        return self.root / "usr" / "bin" / "python3.11"

    @property
    def is_there(self) -> bool:
        """Whether it was made."""
        return self.site.is_dir() and self.python.exists()


def unpacked() -> Arm64:
    """Return the place in the cache folder, whether anything is there or not."""
    folder = Path(platformdirs.user_cache_dir("edgecnn")) / "emulated" / "arm64"
    return Arm64(folder / "root", folder / "site")


def make() -> Arm64:
    """Make what is not there yet. Raises DeviceError where mmdebstrap or pip fail."""
    target = unpacked()
    if target.is_there:
        return target
    target.root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.root.parent) as scratch:
        part = Arm64(Path(scratch, "root"), Path(scratch, "site"))
        _run("mmdebstrap", "--arch=arm64", "--variant=extract", "--mode=root", "--skip=check/qemu", "--quiet",
             f"--include={DEBIAN_PACKAGES}", SUITE, part.root)  # fmt: skip
        platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
        _run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             "--python-version=3.11", *platforms, "--dest", Path(scratch, "wheels"), *WHEELS)  # fmt: skip
        for wheel in Path(scratch, "wheels").glob("*.whl"):
            shutil.unpack_archive(wheel, part.site, "zip")
        shutil.rmtree(target.root, ignore_errors=True)
        part.root.rename(target.root)
        part.site.rename(target.site)
    return target


def _run(*words: object) -> None:
    command = [str(word) for word in words]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        raise DeviceError(f"{command[0]} is not installed. Run: sudo apt-get install {command[0]}") from None
    except subprocess.CalledProcessError as error:
        raise DeviceError(f"{command[0]} ended with exit code {error.returncode}; what it says stands above.") from None


if __name__ == "__main__":
    try:
        print(make().root.parent)
    except DeviceError as error:
        sys.exit(f"error: {error}")
