"""A tuned file is run as its card says where it was tuned, and with the defaults elsewhere, which is said."""

import pickle
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn import onnx_file
from edgecnn.bench import bench
from edgecnn.card import Tuning
from edgecnn.errors import ProviderError, TuningWarning
from edgecnn.machine import family, threads
from edgecnn.runtime.classifier import load
from edgecnn.runtime.session import open_model
from edgecnn.runtime.settings import Settings, settings_of

HERE = Tuning(
    family(), "a processor", "cpu", threads=1, spinning=False, latency_ratio=0.8, latency_ratio_ci95=[0.7, 0.9]
)
ELSEWHERE = replace(HERE, family="a family of another planet")


def tuned(model: Path, folder: Path, *found: Tuning) -> Path:
    file = folder / "tuned.onnx"
    onnx_file.write_with_card(model.read_bytes(), replace(load(model).card, tuned=list(found)), file)
    return file


def test_a_file_is_run_as_it_was_tuned_for_this_family(model: Path, tmp_path: Path) -> None:
    file = tuned(model, tmp_path, ELSEWHERE, HERE)
    classifier = load(file)
    assert open_model(file).settings == Settings(threads=1, spinning=False)
    assert classifier.card.tuned == [ELSEWHERE, HERE]
    assert pickle.loads(pickle.dumps(classifier)).threads == classifier.threads == 1
    images = classifier.card.golden.images_nhwc
    assert np.array_equal(classifier.logits(images), load(model, threads=1).logits(images))


def test_threads_that_are_asked_for_count_more_than_the_card(model: Path, tmp_path: Path) -> None:
    opened = open_model(tuned(model, tmp_path, HERE), thread_count=2)
    assert opened.settings == Settings(threads=2, spinning=True)


def test_elsewhere_the_defaults_hold_and_it_is_said(model: Path, tmp_path: Path) -> None:
    with pytest.warns(TuningWarning, match=r"tuned for a family of another planet \(cpu, 1 threads\).* Tune it here"):
        assert open_model(tuned(model, tmp_path, ELSEWHERE)).settings == Settings(threads.available())


def test_settings_for_more_threads_than_there_are_do_not_hold(model: Path, tmp_path: Path) -> None:
    wide = replace(HERE, threads=threads.available() + 1)
    with pytest.warns(TuningWarning, match="it runs with the default ones"):
        assert open_model(tuned(model, tmp_path, wide)).settings == Settings(threads.available())


def test_the_provider_has_to_be_the_one_that_it_was_tuned_for(model: Path, tmp_path: Path) -> None:
    metadata = open_model(model).metadata | load(tuned(model, tmp_path, HERE)).card.metadata()
    with pytest.warns(TuningWarning):
        assert settings_of(metadata, "m", "openvino", None, family=family(), available=4) == Settings(4)


def test_a_file_that_was_not_tuned_says_nothing(model: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_model(model).settings == Settings(threads.available())


def test_a_number_of_threads_that_is_none_is_refused(model: Path) -> None:
    with pytest.raises(ProviderError, match="asked for 0 threads"):
        open_model(model, thread_count=0)


def test_bench_measures_what_load_would_run(model: Path, tmp_path: Path) -> None:
    report = bench([tuned(model, tmp_path, HERE), model], batches=[1], seconds=0.05)
    assert [timing.threads for timing in report.contenders] == [1, threads.available()]
