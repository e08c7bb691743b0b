"""What a device has, asked there."""

import json
from pathlib import Path

import onnxruntime
from loopback import Server, edgecnn_command, needs_sshd

from edgecnn import doctor
from edgecnn.runtime import int8

pytestmark = needs_sshd


def test_a_device_that_has_all_can_run_models(device: str) -> None:
    found = doctor.diagnose_on(device)
    assert found.problems == []
    assert found.environment.place == device
    assert found.int8_saturates == int8.saturates()
    offered = onnxruntime.get_available_providers()
    assert {state.name: state.available for state in found.providers} == {
        "cpu": True,
        "cuda": "CUDAExecutionProvider" in offered,
        "openvino": "OpenVINOExecutionProvider" in offered,
    }
    assert found.unmeasured == doctor.unmeasured(found.environment.family)


def test_a_device_without_packages_cannot_and_says_what_installs_them(device: str, server: Server, bare: Path) -> None:
    told = json.loads(edgecnn_command("doctor", "--on", server.on(bare), "--json", code=1).stdout)
    assert told["python"] == str(bare)
    assert "has no numpy and no onnxruntime" in told["problems"][0]
    assert told["environment"]["versions"] == {}
    assert told["int8_saturates"] is None
    assert told["providers"][0] == {"name": "cpu", "available": False, "install": "pip install onnxruntime"}
    assert "versions:" not in edgecnn_command("doctor", "--on", server.on(bare), code=1).stdout


def test_the_command_says_which_machine_it_is(device: str) -> None:
    told = edgecnn_command("doctor", "--on", device).stdout
    assert told.startswith(f"machine: {device}\n")
    assert told.endswith("passed: edgecnn can run models there\n")


def test_a_host_that_is_not_there_has_nothing(device: str) -> None:
    assert "no ssh server" in edgecnn_command("doctor", "--on", "ssh://127.0.0.1:9", code=2).stderr
