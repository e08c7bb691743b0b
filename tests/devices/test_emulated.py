"""Processors that qemu emulates: what is missing is said with what makes it, and real files answer on each of them.

Whether ONNX Runtime runs under an old qemu differs from one machine beneath to the next; where it ends there, as the
product then says, these tests are skipped.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecnn.devices import arm64
from edgecnn.devices.kinds.emulated import PROCESSORS
from edgecnn.devices.opened import opened_on
from edgecnn.devices.place import place_of
from edgecnn.errors import DeviceError, Int8Warning
from edgecnn.runtime.selftest import selftest

AVX2 = "emulated:x86-avx2"
ENDED = "what older versions of qemu do not know"


def _missing(name: str) -> str:
    """Say what keeps a processor from being emulated here."""
    try:
        place_of(f"emulated:{name}").command("pass")
    except DeviceError as error:
        return str(error)
    return ""


def emulated(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(_missing(name)), reason=_missing(name))


@contextlib.contextmanager
def skipped_where_qemu_ends() -> Iterator[None]:
    """Skip the test where ONNX Runtime uses an instruction that this qemu does not have."""
    try:
        yield
    except DeviceError as error:
        if ENDED in str(error):
            pytest.skip(str(error))
        raise


each = pytest.mark.parametrize("name", [pytest.param(name, marks=emulated(name)) for name in PROCESSORS])


def test_a_processor_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(DeviceError, match="expected emulated:arm64, emulated:x86-avx2, emulated:x86-sse4"):
        place_of("emulated:vax")


@pytest.mark.skipif(sys.platform != "linux", reason="qemu's user mode is Linux's")
def test_without_qemu_the_command_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "sudo apt-get install qemu-user-static" in _missing("arm64")


@pytest.mark.skipif(shutil.which("qemu-aarch64-static") is None, reason="needs qemu-user-static")
def test_without_an_arm64_python_the_command_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(arm64.platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    assert f"there is no ARM64 Python in {tmp_path / 'emulated' / 'arm64'}" in _missing("arm64")
    assert "python -m edgecnn.devices.arm64" in _missing("arm64")


def test_what_cannot_be_made_is_a_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(arm64.platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="mmdebstrap is not installed"):
        arm64.make()
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_record_has_the_processor_that_is_emulated_and_not_the_one_beneath() -> None:
    beneath = {
        "processor": "X",
        "architecture": "x86_64",
        "cpu_features": ["avx512_vnni"],
        "family": "x86-64 AVX-512 VNNI",
    }
    found = place_of(AVX2).recorded(beneath)
    assert found["family"] == "x86-64 AVX2"
    assert found["processor"] == "Intel Haswell, emulated by qemu on X"
    assert "avx512_vnni" not in found["cpu_features"]


@emulated("x86-avx2")
def test_a_python_that_ends_under_qemu_is_a_message() -> None:
    place = place_of(AVX2)
    done = subprocess.run(place.command("raise SystemExit(7)"), capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert "Python ended under qemu-x86_64 with exit code 7." in str(place.unreached(7, done.stderr.splitlines()))


@pytest.mark.slow
@each
def test_float32_and_int8_files_answer_their_golden_images(name: str, model: Path, static_model: Path) -> None:
    for file in (model, static_model):
        with warnings.catch_warnings(), skipped_where_qemu_ends():
            warnings.simplefilter("error", Int8Warning)
            with opened_on(f"emulated:{name}", file) as opened:
                assert selftest(opened).passed
                assert opened.environment.place == f"emulated:{name}"


@pytest.mark.slow
@emulated("x86-avx2")
def test_a_file_that_saturates_there_says_so(full_model: Path) -> None:
    with pytest.warns(Int8Warning, match="may saturate on this processor"), opened_on(AVX2, full_model) as opened:
        assert opened.exact_int8


@pytest.mark.slow
@emulated("x86-sse4")
def test_the_command_says_which_processor_it_was(model: Path) -> None:
    command = [sys.executable, "-m", "edgecnn_cli", "selftest", str(model), "--on", "emulated:x86-sse4", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode == 2 and ENDED in " ".join(done.stderr.split()):
        pytest.skip(done.stderr)
    told = json.loads(done.stdout)
    assert told["passed"] is True
    assert told["environment"]["place"] == "emulated:x86-sse4"
    assert told["environment"]["family"] == "x86-64 SSE4"
