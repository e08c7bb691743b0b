"""A wheel that is built after the page has it, and serves it from where it is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import ROOT, build_wheel

from edgecnn import zoo

pytestmark = pytest.mark.slow

SITE = """
import json
from edgecnn.doctor import diagnose
from edgecnn.web import site
served = site("mnist-compact", detector="digit-finder")
print(json.dumps({"page": diagnose().page, "paths": sorted(served.contents)}))
"""


@pytest.fixture(scope="module")
def released(once, built: Path) -> Path:
    return once("wheel-with-page", lambda folder: build_wheel(folder, built))


def test_an_installed_wheel_has_the_page(released: Path, built: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(released / "site")}
    environment.pop(zoo.VARIABLE, None)
    command = [sys.executable, "-c", SITE]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(result.stdout)
    files = {f"/{path.name.removesuffix('.gz')}" for path in built.iterdir()}
    assert told["page"] is True
    assert set(told["paths"]) == files | {"/model.onnx", "/site.json", "/detector.onnx"}


def test_make_wheel_builds_the_page_first() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "--always-make", "wheel"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    page = next(index for index, line in enumerate(lines) if "build.js edgecnn/web/built" in line)
    wheel = next(index for index, line in enumerate(lines) if "pip wheel" in line)
    assert page < wheel
    assert "built/index.html" in lines[-1]
