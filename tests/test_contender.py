"""A run, a checkpoint and a model file are opened and asked the same way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from edgecnn import contender, data
from edgecnn.checkpoint import BEST
from edgecnn.contender import Contender, open_contender
from edgecnn.errors import CheckpointError, ModelError, ProviderError


@pytest.fixture(scope="module")
def images(data_root: Path) -> np.ndarray:
    return data.read_split("digits", "test", root=data_root).images_nhwc


def listening(opened: Contender) -> tuple[Contender, list[int]]:
    """The same contender, and the batch sizes it is asked for."""
    asked: list[int] = []

    def classify(images_nhwc: np.ndarray) -> np.ndarray:
        asked.append(len(images_nhwc))
        return opened.answer(images_nhwc)

    return replace(opened, answer=classify), asked


def test_run_is_its_best_checkpoint(run: Path, images: np.ndarray) -> None:
    of_run, of_checkpoint = open_contender(run), open_contender(run / BEST)
    assert of_run.file == of_checkpoint.file == run / BEST
    assert np.array_equal(of_run.logits(images), of_checkpoint.logits(images))


def test_model_file_answers_as_its_checkpoint(run: Path, model: Path, images: np.ndarray) -> None:
    np.testing.assert_allclose(open_contender(model).logits(images), open_contender(run).logits(images), atol=1e-4)


def test_all_say_the_same_of_themselves(run: Path, model: Path) -> None:
    of_run, of_model = open_contender(run), open_contender(model)
    for field in ("form", "labels", "input", "dataset"):
        assert getattr(of_run, field) == getattr(of_model, field), field
    assert of_run.golden_images_nhwc.shape[1:] == of_model.golden_images_nhwc.shape[1:] == of_model.input.shape


def test_each_says_what_runs_it(run: Path, model: Path) -> None:
    assert (open_contender(run).engine, open_contender(run).provider) == (
        "pytorch",
        f"PyTorch {torch.__version__}, cpu",
    )
    assert (open_contender(model).engine, open_contender(model).provider) == ("onnx", "CPUExecutionProvider")


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_another_number_of_threads_is_a_message(run: Path, model: Path, count: float) -> None:
    for path in (run, model):
        with pytest.raises(ProviderError, match="expected a positive integer"):
            open_contender(path, threads=count)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2])
def test_threads_are_those_asked_for(run: Path, count: int, images: np.ndarray) -> None:
    before, seen = torch.get_num_threads(), []
    hook = register_module_forward_pre_hook(lambda module, given: seen.append(torch.get_num_threads()))
    try:
        opened = open_contender(run, threads=count)
        seen.clear()  # opening checks the network
        opened.logits(images[:1])
        assert (opened.threads, set(seen)) == (count, {count})
        assert torch.get_num_threads() == before
    finally:
        hook.remove()


def test_quantized_file_keeps_its_form(static_model: Path) -> None:
    assert open_contender(static_model).form == "int8-static"


def test_many_images_are_asked_in_batches(model: Path, images: np.ndarray) -> None:
    opened, asked = listening(open_contender(model))
    assert opened.logits(images).shape == (359, 10)
    assert asked == [contender.BATCH, 359 - contender.BATCH]


def test_no_images_give_no_logits(model: Path, images: np.ndarray) -> None:
    assert open_contender(model).logits(images[:0]).shape == (0, 10)


@pytest.mark.parametrize("name", ["gone.onnx", "runs/gone"])
def test_missing_file_is_a_message(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"no file and no model of the zoo named '.*{name}'"):
        open_contender(tmp_path / name)


def test_missing_checkpoint_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: no such run or checkpoint"):
        open_contender(tmp_path / "gone.safetensors")


def test_file_of_another_kind_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ModelError, match=r"notes\.txt: not a model that ONNX Runtime can open"):
        open_contender(tmp_path / "notes.txt")


def test_unknown_provider_is_a_message(model: Path) -> None:
    with pytest.raises(ProviderError, match=r"no provider 'cdua'; .* Did you mean 'cuda'"):
        open_contender(model, provider="cdua")
