"""A file is opened on exactly the provider that was asked for, or the message says why not."""

import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgecnn.errors import MissingPackageError, ModelError, ProviderError
from edgecnn.machine import threads
from edgecnn.runtime import providers, session
from edgecnn.runtime.session import open_model


def _linear() -> onnx.ModelProto:
    weights = onnx.numpy_helper.from_array(np.ones((64, 3), np.float32), "weights")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "linear",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 64])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3])],
        [weights],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)


def _offers(provider: str) -> bool:
    return providers.get(provider).ORT_NAME in onnxruntime.get_available_providers()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 100], ids=["empty", "another format", "zeros"])
def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(f"{tmp_path / 'a.onnx'}: not a model that ONNX Runtime can open")):
        open_model(tmp_path / "a.onnx")


def test_a_model_cut_in_half_is_refused(model: Path) -> None:
    content = model.read_bytes()
    with pytest.raises(ModelError, match="not a model that ONNX Runtime can open"):
        open_model(content[: len(content) // 2])


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        open_model(tmp_path / "a.onnx")
    assert str(caught.value).startswith(f"no file and no model of the zoo named '{tmp_path / 'a.onnx'}'")


def test_a_folder_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is a folder; expected a model file") as caught:
        open_model(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_weights_outside_the_file_are_refused_even_from_their_own_folder(
    tmp_path: Path, monkeypatch, as_bytes: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    onnx.save_model(_linear(), "a.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ModelError, match=r"outside of the file \(.*weights\.bin.*\)\..*: edgecnn adopt FILE"):
        open_model(Path("a.onnx").read_bytes() if as_bytes else "a.onnx")


def test_a_file_that_is_whole_is_opened_and_named() -> None:
    opened = open_model(_linear().SerializeToString())
    assert (opened.name, opened.provider) == ("model", "cpu")


def test_the_session_computes(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(_linear().SerializeToString())
    session = open_model(tmp_path / "a.onnx").session
    assert session.run(None, {"x": np.ones((1, 64), np.float32)})[0].tolist() == [[64, 64, 64]]


def test_threads_are_those_that_the_process_has() -> None:
    assert open_model(_linear().SerializeToString()).threads == threads.available()


def test_threads_are_those_that_were_asked_for() -> None:
    opened = open_model(_linear().SerializeToString(), thread_count=3)
    assert opened.threads == opened.session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize(("provider", "extra"), [("cuda", "gpu"), ("openvino", "openvino")])
def test_a_provider_that_is_not_there_is_an_error_with_the_command(provider: str, extra: str) -> None:
    if _offers(provider):
        pytest.skip(f"this onnxruntime has {provider}")
    with pytest.raises(ProviderError) as caught:
        open_model(_linear().SerializeToString(), provider=provider)
    message = str(caught.value)
    assert f"model: asked for provider {provider}, but this onnxruntime offers " in message
    assert f"pip install 'edgecnn[{extra}]'" in message


def test_the_provider_message_takes_away_what_shares_its_folder() -> None:
    if _offers("cuda"):
        pytest.skip("this onnxruntime has cuda")
    with pytest.raises(ProviderError, match="pip uninstall -y onnxruntime"):
        open_model(_linear().SerializeToString(), provider="cuda")


def test_an_unknown_provider_names_those_there_are() -> None:
    with pytest.raises(ProviderError) as caught:
        open_model(b"", provider="cudo")
    assert str(caught.value) == "no provider 'cudo'; there is cpu, cuda, openvino. Did you mean 'cuda'?"


def test_without_onnxruntime_the_message_has_the_command(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'edgecnn\[cpu\]'"):
        open_model(_linear().SerializeToString())


@given(
    numbers=arrays(st.sampled_from([np.float16, np.float32, np.float64]), (2, 5), elements={"allow_subnormal": True})
)
def test_what_is_no_number_is_found_in_few_as_numpy_finds_it(numbers: np.ndarray) -> None:
    assert session._finite(numbers) == np.isfinite(numbers).all()


@pytest.mark.parametrize("size", [1, session.FEW, session.FEW + 1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_found_wherever_it_is(size: int, bad: float) -> None:
    numbers = np.full(size, np.finfo(np.float32).max, np.float32)  # whose sum float32 could not hold
    assert session._finite(numbers)
    numbers[size // 2] = bad
    assert not session._finite(numbers)


def test_infinities_that_cancel_each_other_are_found() -> None:
    assert not session._finite(np.array([np.inf, -np.inf], np.float32))
    assert session._finite(np.arange(3))
