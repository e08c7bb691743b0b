"""A processor that saturates is found by asking ONNX Runtime; there unsafe files are computed exactly, or refused."""

import base64
import json
import platform
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from int8_probe import build

import edgecnn
from edgecnn.card import Overflow, Quantization
from edgecnn.contender import open_contender
from edgecnn.errors import Int8Warning, ModelError
from edgecnn.runtime import int8

TOOL = Path(__file__).parents[2] / "tools" / "processor.py"
X64, FLOAT = int8.ENTRIES


@pytest.fixture
def saturating(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that this processor saturates, and which session entries compute exactly all the same."""

    def pretend(*exact: tuple[str, str]) -> None:
        monkeypatch.setattr(
            int8, "wrong_outputs", lambda entry: frozenset() if entry in exact else frozenset(int8.RIGHT)
        )

    return pretend


def test_probe_is_what_its_source_builds() -> None:
    assert zlib.decompress(base64.b85decode(int8.PROBE)) == build()


def test_probe_has_all_kernels_that_multiply_int8() -> None:
    operators = [node.op_type for node in onnx.load_model_from_string(build()).graph.node]
    assert {"Conv", "MatMul", "Gemm", "MatMulInteger"} <= set(operators)


def test_ways_that_this_processor_has_are_exact() -> None:
    """Weights as uint8 are exact on any processor; so are layers in float32, but for integer operators."""
    assert int8.wrong_outputs(X64) == frozenset()
    assert int8.wrong_outputs(FLOAT) <= {"integer"}


def test_a_runtime_that_refuses_the_probe_is_exact_in_nothing() -> None:
    assert int8.wrong_outputs(("longer than any key" * 100, "1")) == frozenset(int8.RIGHT)


@pytest.mark.parametrize(
    ("form", "quantization", "open_to_doubt"),
    [
        ("fp32", None, False),
        ("int8-static", Quantization("int8-static", None, None), True),
        ("int8-static", Quantization("int8-static", None, None, Overflow(safe=True, largest_pair_sum=128)), False),
        ("int8-static", Quantization("int8-static", None, None, Overflow(safe=False, largest_pair_sum=129)), True),
        ("int8-static", None, True),
    ],
)
def test_only_a_proof_in_the_card_is_taken(
    model: Path, form: str, quantization: Quantization | None, open_to_doubt: bool
) -> None:
    card = replace(edgecnn.load(model).card, form=form, quantization=quantization)
    assert int8.may_saturate(card) == open_to_doubt


def test_unsafe_file_is_computed_exactly_and_says_so(full_model: Path, saturating: Callable[..., None]) -> None:
    saturating(X64)
    with pytest.warns(Int8Warning, match=r"int8-static-full weights that may saturate on this processor.*exactly here"):
        classifier = edgecnn.load(full_model)
    assert classifier.exact_int8
    golden = classifier.card.golden
    assert np.abs(classifier.probabilities(golden.images_nhwc) - golden.probabilities_nk).max() < 1e-4


def test_unsafe_file_runs_in_float_where_integers_are_not_exact(
    full_model: Path, saturating: Callable[..., None]
) -> None:
    saturating(FLOAT)
    with pytest.warns(Int8Warning):
        assert edgecnn.load(full_model).exact_int8


def test_unsafe_file_is_refused_where_nothing_is_exact(full_model: Path, saturating: Callable[..., None]) -> None:
    saturating()
    with pytest.raises(
        ModelError, match=r"no exact way for this file\. Use its float32 parent, or quantize that again"
    ):
        edgecnn.load(full_model)


def test_dense_form_is_not_run_in_float(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its integers stay integers there, so that way is exact for fused layers alone."""
    card = edgecnn.load(model).card
    monkeypatch.setattr(int8, "wrong_outputs", lambda entry: frozenset({"integer"} if entry == FLOAT else ()))
    assert list(int8.exact_entries(replace(card, form="int8-dense"), int8.wrong_outputs)) == [X64]
    assert list(int8.exact_entries(replace(card, form="int8-static"), int8.wrong_outputs)) == [X64, FLOAT]


def test_safe_file_is_opened_as_everywhere(static_model: Path, saturating: Callable[..., None]) -> None:
    saturating()
    assert not edgecnn.load(static_model).exact_int8


def test_contender_says_what_its_classifier_says(full_model: Path, saturating: Callable[..., None]) -> None:
    saturating(X64)
    with pytest.warns(Int8Warning):
        assert open_contender(full_model).exact_int8


# On a processor that really saturates

REAL = """
import json, sys, warnings
import numpy as np
import edgecnn
from edgecnn.runtime import int8
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("default")
    opened = [edgecnn.load(path) for path in sys.argv[1:]]
images = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), np.uint8)
print(json.dumps({
    "saturates": int8.saturates(), "exact_int8": [one.exact_int8 for one in opened], "warned": len(warned),
    "logits": [one.logits(images).tolist() for one in opened],
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or not shutil.which("gcc"),
    reason="replaces cpuid instructions of x86-64 libraries on Linux, with gcc",
)
@pytest.mark.parametrize(("level", "saturates"), [("avx2", True), ("sse", False)])
def test_answers_are_those_of_any_other_processor(
    static_model: Path, full_model: Path, level: str, saturates: bool
) -> None:
    """Both forms, on the kernels of processors without VNNI, answer as here; the unsafe one goes another way for it."""
    command = [sys.executable, TOOL, level, "--", sys.executable, "-c", REAL, static_model, full_model]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=200).stdout)
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), np.uint8)
    assert (found["saturates"], found["exact_int8"]) == (saturates, [False, saturates])
    assert found["warned"] == saturates
    for path, logits in zip((static_model, full_model), found["logits"], strict=True):
        assert np.abs(edgecnn.load(path).logits(images) - logits).max() < 1e-3
