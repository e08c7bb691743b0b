"""Build the wheel as `make wheel` does, without a network, from a copy of the checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build_wheel(folder: Path, page: Path | None = None) -> None:
    """Build into ``folder``, with the page of ``edgecnn web`` where it is given, and unpack into ``folder/site``."""
    source = folder / "source"
    for name in ("edgecnn", "cli", "exported"):
        ignored = shutil.ignore_patterns("__pycache__", "built", "node_modules")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    if page is not None:
        shutil.copytree(page, source / "edgecnn" / "web" / "built")
    script = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, folder], cwd=source, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
