"""The provider openvino in ONNX Runtime's own build for it, which has to be imported in place of the plain one:

    pip install --no-deps --target .conformance/openvino-provider onnxruntime-openvino
    PYTHONPATH=.conformance/openvino-provider .venv/bin/pytest tests/runtime/test_openvino.py

Without it everything here is skipped. Answers are held to what the cards allow; nothing asserts a latency.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import edgecnn
from edgecnn import zoo
from edgecnn.bench import bench
from edgecnn.errors import ProviderError
from edgecnn.quantize import quantize
from edgecnn.runtime import int8, providers
from edgecnn.runtime.selftest import selftest

NAME = "openvino"
ORT_NAME = providers.get(NAME).ORT_NAME
BUILD = Path(onnxruntime.__file__).parents[1]
FILES = [name for name in zoo.names() if not name.startswith("digit-finder")]

pytestmark = pytest.mark.skipif(
    ORT_NAME not in onnxruntime.get_available_providers(), reason="this onnxruntime is not onnxruntime-openvino"
)


@pytest.mark.parametrize("name", FILES)
def test_every_classifier_of_the_zoo_answers_its_golden_images(name: str) -> None:
    found = selftest(edgecnn.load(name, provider=NAME))
    assert (found.passed, found.provider) == (True, NAME)


def test_it_really_runs_there(model: Path) -> None:
    assert edgecnn.load(model, provider=NAME).running_provider == ORT_NAME


def test_float32_is_held_to_float32(model: Path, digits) -> None:
    """As it comes, OpenVINO takes bfloat16 where the processor has it, which is off by more than 0.01."""
    here, there = (edgecnn.load(model, provider=provider).logits(digits.images_nhwc) for provider in ("cpu", NAME))
    assert np.abs(here - there).max() < 1e-4


def test_a_batch_answers_as_its_images_one_by_one(model: Path, digits) -> None:
    classifier = edgecnn.load(model, provider=NAME)
    images_nhwc = digits.images_nhwc[:9]
    one_by_one = np.concatenate([classifier.logits(image[None]) for image in images_nhwc])
    assert np.abs(classifier.logits(images_nhwc) - one_by_one).max() < 1e-4


def test_a_detector_is_refused_for_it_would_run_on_the_processor_in_part() -> None:
    with pytest.raises(ProviderError, match=r"does not take this model \(it would leave part of it to the processor"):
        edgecnn.load("digit-finder", provider=NAME)


def test_bench_puts_it_beside_the_processor(model: Path) -> None:
    report = bench([model], batches=(1,), threads=(1,), provider=["cpu", NAME], seconds=0.05)
    assert [timing.provider for timing in report.contenders] == ["CPUExecutionProvider", ORT_NAME]
    ratio = report.comparisons[0]
    assert (ratio.provider, ratio.against_provider) == (ORT_NAME, "CPUExecutionProvider")


def test_the_table_tells_rows_apart_by_the_provider(model: Path) -> None:
    command = [sys.executable, "-m", "edgecnn_cli", "bench", str(model), "--batch", "1", "--threads", "1"]
    said = subprocess.run(
        [*command, "--provider", "cpu,openvino", "--seconds", "0.05"], capture_output=True, text=True, check=True
    ).stdout
    assert f"latency over that of {model} on CPU" in said
    assert f"{model} on OpenVINO" in said


def test_the_form_to_ship_is_chosen_on_it(model: Path, data_root: Path, tmp_path: Path) -> None:
    found = quantize(
        model, tmp_path / "m.onnx", method="static", root=data_root, seconds=0.05, provider=NAME, max_drop_pp=100
    )
    measured = edgecnn.read_card(found.output).quantization.measured
    assert (found.lost, found.provider, measured.provider) == ([], NAME, NAME)
    assert edgecnn.read_card(found.output).quantization.families() == []  # of the processor's own kernels


@pytest.mark.skipif(int8.saturates(), reason="a processor that saturates")
def test_int8_that_may_saturate_runs_where_the_processor_adds_exactly(full_model: Path) -> None:
    assert selftest(edgecnn.load(full_model, provider=NAME)).passed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-x86_64-static") is None, reason="needs qemu-user-static")
def test_int8_that_saturates_there_is_refused(full_model: Path, static_model: Path) -> None:
    """On a processor without VNNI, which qemu is, OpenVINO's kernels add in 16 bits as ONNX Runtime's own do."""
    script = (
        "import json, sys, edgecnn\n"
        "from edgecnn.errors import ProviderError\n"
        "told = []\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        told.append(edgecnn.load(name, provider='openvino').running_provider)\n"
        "    except ProviderError as error:\n"
        "        told.append(str(error))\n"
        "print(json.dumps(told))\n"
    )
    path = os.pathsep.join([str(BUILD), *filter(None, sys.path)])
    words = ["qemu-x86_64-static", "-cpu", "Haswell", os.path.realpath(sys.executable), "-c", script]
    done = subprocess.run(
        [*words, str(full_model), str(static_model)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    refused, taken = json.loads(done.stdout)
    assert "int8-static-full weights that may saturate on this processor" in refused
    assert taken == ORT_NAME
