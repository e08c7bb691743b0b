"""A model file runs on a machine that ssh reaches: a real server on loopback, with a key of the test's own."""

import contextlib
import json
import platform
import shutil
import sys
from pathlib import Path

import pytest
from loopback import Server, edgecnn_command, needs_sshd

from edgecnn import zoo
from edgecnn.devices.connection import connected
from edgecnn.devices.opened import load_model_on, opened_on, saturates_on
from edgecnn.errors import ConnectionLost, DeviceError, EdgecnnError, ModelError, ProviderError
from edgecnn.machine.environment import environment
from edgecnn.metadata import read_card
from edgecnn.runtime import int8
from edgecnn.runtime.load import load_model
from edgecnn.runtime.selftest import selftest

pytestmark = needs_sshd


def test_selftest_says_where_it_ran(device: str) -> None:
    told = edgecnn_command("selftest", "mnist-c1", "--on", device)
    assert told.stdout.startswith("passed: 20 golden images on cpu, the same labels")
    assert f"machine: {device}\n" in told.stdout


def test_the_document_has_the_machine_of_the_device(device: str) -> None:
    told = json.loads(edgecnn_command("selftest", "mnist-c1", "--on", device, "--json").stdout)
    here = environment()
    assert told["environment"]["place"] == device
    assert told["environment"]["processor"] == here.processor
    assert told["environment"]["memory_bytes"] == here.memory_bytes
    assert f"Python {platform.python_version()}" in told["environment"]["system"]
    assert "edgecnn" not in told["environment"]["versions"]


@pytest.mark.parametrize("name", ["mnist-c1", "mnist-compact", "digit-finder"])
def test_a_model_there_answers_as_here(device: str, name: str) -> None:
    images_nhwc = read_card(name).golden.images_nhwc[:1]
    with opened_on(device, name) as model:
        assert selftest(model).passed
        there = model.answers(images_nhwc)
    here = load_model(name).answers(images_nhwc)
    for output, answers in here.items():
        assert abs(there[output] - answers).max() < 1e-4


def test_a_whole_split_runs_there(device: str, model: Path, data_root: Path) -> None:
    wanted = ("--data", "digits", "--data-root", data_root, "--json")
    here = json.loads(edgecnn_command("selftest", model, *wanted).stdout)
    there = json.loads(edgecnn_command("selftest", model, *wanted, "--on", device).stdout)
    assert there["whole"] == here["whole"]


def test_threads_are_those_of_the_device(device: str) -> None:
    with connected(device) as connection:
        assert load_model_on(connection, "mnist-c1").threads == connection.environment.threads_available
        assert load_model_on(connection, "mnist-c1", threads=3).threads == 3


def test_its_processor_is_asked_whether_int8_saturates(device: str) -> None:
    with connected(device) as connection:
        assert saturates_on(connection) == int8.saturates()


def test_a_provider_that_is_not_there_is_an_error(device: str) -> None:
    with connected(device) as connection, pytest.raises(ProviderError, match="the onnxruntime there offers"):
        load_model_on(connection, "mnist-c1", provider="cuda")


def test_a_file_that_is_no_model_is_refused(device: str, tmp_path: Path, run: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(zoo.find("mnist-c1").read_bytes().replace(b"Conv", b"Konv"))
    with connected(device) as connection:
        with pytest.raises(ModelError, match="not a model that ONNX Runtime can open"):
            load_model_on(connection, broken)
        with pytest.raises(EdgecnnError, match="Make it one first: edgecnn export"):
            load_model_on(connection, run)


def test_what_is_missing_there_is_said_with_what_installs_it(device: str, server: Server, bare: Path) -> None:
    told = edgecnn_command("selftest", "mnist-c1", "--on", server.on(bare), code=2)
    assert f"({bare}) has no numpy and no onnxruntime." in told.stderr
    assert f"{bare} -m pip install numpy onnxruntime" in told.stderr
    assert not list(bare.parents[1].rglob("onnxruntime"))  # nothing is installed unasked


def test_a_python_that_is_not_there_is_named(device: str, server: Server) -> None:
    told = edgecnn_command("selftest", "mnist-c1", "--on", server.on("/no/such/python"), code=2)
    assert "there is no /no/such/python" in told.stderr


def test_a_python_that_is_too_old_is_named(device: str, server: Server, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text(
        f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 8, 1)\nexec(sys.argv[sys.argv.index('-c') + 1])\n"
    )
    old.chmod(0o755)
    told = edgecnn_command("selftest", "mnist-c1", "--on", server.on(old), code=2)
    assert "this is Python 3.8 there; expected 3.9 or later" in told.stderr


def test_a_host_that_is_not_there_is_named(device: str) -> None:
    told = edgecnn_command("selftest", "mnist-c1", "--on", "ssh://127.0.0.1:9", code=2)
    assert "no ssh server listens at that port" in told.stderr
    told = edgecnn_command("selftest", "mnist-c1", "--on", "ssh://no-such-host.invalid", code=2)
    assert "there is no host of that name" in told.stderr


def test_a_key_that_is_refused_is_no_question(device: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.use(monkeypatch, IdentityFile=str(server.folder / "stranger"))
    told = edgecnn_command("selftest", "mnist-c1", "--on", device, code=2)
    assert "it takes none of the keys that ssh offers" in told.stderr
    assert "Permission denied (publickey)" in told.stderr


def test_a_host_key_that_is_not_known_is_no_question(
    device: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.use(monkeypatch, UserKnownHostsFile=str(server.folder / "unknown"))
    told = edgecnn_command("selftest", "mnist-c1", "--on", device, code=2)
    assert "its host key is not known here" in told.stderr
    assert not (server.folder / "unknown").read_text()


def test_another_host_key_is_said(device: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    other = (server.folder / "stranger.pub").read_text()
    (server.folder / "changed").write_text(f"[127.0.0.1]:{server.port} {other}")
    server.use(monkeypatch, UserKnownHostsFile=str(server.folder / "changed"))
    told = edgecnn_command("selftest", "mnist-c1", "--on", device, code=2)
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in told.stderr


def test_without_ssh_here_it_is_named(device: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="ssh does not start here"):
        connected(device)


def test_a_connection_that_is_cut_is_said(device: str, server: Server) -> None:
    with connected(device) as connection:
        model = load_model_on(connection, "mnist-c1")
        server.cut()
        with pytest.raises(ConnectionLost, match="the connection ended before the answer came") as told:
            selftest(model)
    assert told.value.exit_code == 1
    server.assert_no_runner()


def test_what_a_shell_prints_there_is_passed_over(device: str, server: Server, tmp_path: Path) -> None:
    chatty = tmp_path / "chatty"
    chatty.write_text(f'#!/bin/sh\necho "Welcome"; echo \'{{"a": 1}}\'\nexec {sys.executable} "$@"\n')
    chatty.chmod(0o755)
    edgecnn_command("selftest", "mnist-c1", "--on", server.on(chatty))


def test_no_runner_is_left_after_an_error(device: str, server: Server) -> None:
    with contextlib.suppress(KeyboardInterrupt), connected(device):
        assert server.runners()
        raise KeyboardInterrupt
    server.assert_no_runner()


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here")
def test_nothing_is_written_there(device: str, server: Server, tmp_path: Path) -> None:
    watched, log = tmp_path / "watched", tmp_path / "calls"
    calls = "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,symlink"
    watched.write_text(f'#!/bin/sh\nexec strace -f -qq -o {log} -e trace={calls} {sys.executable} "$@"\n')
    watched.chmod(0o755)
    edgecnn_command("selftest", "mnist-c1", "--on", server.on(watched))
    lines = [line for line in log.read_text().splitlines() if " = -1 " not in line]
    assert any("onnxruntime" in line for line in lines)  # it was watched
    kept = ("O_RDONLY", "/dev/null", "/proc/", "+++", "resumed")
    assert [line for line in lines if not any(word in line for word in kept) or "O_CREAT" in line] == []
