"""The candidate runs on a device, the reference here, on the same images."""

import json
from pathlib import Path

import numpy as np
import pytest
from loopback import edgecnn_command, needs_sshd

from edgecnn import data, zoo
from edgecnn.devices.connection import connected
from edgecnn.devices.opened import load_model_on
from edgecnn.errors import CardError, DeviceError, EdgecnnError
from edgecnn.tasks._detection.comparison import opened as opened_detector
from edgecnn.verify import Comparison, verify

pytestmark = needs_sshd


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 300 images that are called MNIST's test split."""
    digits = data.read_split("digits", "test", root=tmp_path_factory.mktemp("digits"))
    images_nhwc = digits.images_nhwc[:300, :, :, 0]
    root = tmp_path_factory.mktemp("root")
    (root / "mnist").mkdir()
    for part in ("train", "test"):
        np.savez(root / "mnist" / f"{part}.npz", images=images_nhwc, labels=digits.labels_n[:300].astype(np.uint8))
    return root


def test_one_file_answers_there_as_here(device: str, mnist: Path) -> None:
    found = verify("mnist-c1", "mnist-c1", root=mnist, on=device)
    assert isinstance(found, Comparison)
    assert (found.images, found.agreement, found.drop_pp) == (300, 1.0, 0.0)
    assert found.max_abs_logit_gap < 1e-4
    assert (found.reference.model, found.candidate.model) == ("mnist-c1", f"mnist-c1 on {device}")
    assert found.environment is not None
    assert found.environment.place == device


def test_figures_are_those_of_the_candidate_there(device: str, mnist: Path) -> None:
    here = verify("mnist-c1", "mnist-small", root=mnist)
    there = verify("mnist-c1", "mnist-small", root=mnist, on=device)
    assert isinstance(here, Comparison)
    assert isinstance(there, Comparison)
    assert there.candidate.confusion == here.candidate.confusion != here.reference.confusion
    assert (there.drop_pp, there.flips) == (here.drop_pp, here.flips)


def test_the_command_names_the_device_and_keeps_its_exit_code(device: str, mnist: Path) -> None:
    wanted = ("--data-root", mnist, "--max-drop-pp", 100, "--on", device)
    told = edgecnn_command("verify", "mnist-c1", "mnist-small", *wanted)
    assert f"machine: {device}\n" in told.stdout
    document = json.loads(edgecnn_command("verify", "mnist-c1", "mnist-small", *wanted, "--json").stdout)
    assert document["environment"]["place"] == device


def test_a_candidate_of_another_task_is_refused(device: str, mnist: Path) -> None:
    with pytest.raises(EdgecnnError, match="a classifier was expected"):
        verify("mnist-c1", "digit-finder", root=mnist, on=device)
    with connected(device) as connection, pytest.raises(CardError, match="a model for detection was expected"):
        opened_detector(load_model_on(connection, "mnist-c1"))


def test_a_detector_there_is_taken_as_it_was_opened(device: str) -> None:
    with connected(device) as connection:
        model = load_model_on(connection, "digit-finder")
        assert opened_detector(model) is model
        assert model.source == zoo.find("digit-finder").absolute()
        assert model.environment == connection.environment


def test_without_a_device_nothing_is_compared(mnist: Path) -> None:
    with pytest.raises(DeviceError, match="names no device"):
        verify("mnist-c1", "mnist-c1", root=mnist, on="box")


def test_a_module_of_pytorch_is_exported_first(device: str, mnist: Path) -> None:
    with pytest.raises(EdgecnnError, match="Export it first: edgecnn export timm:resnet18"):
        verify("mnist-c1", "timm:resnet18", root=mnist, on=device)
