"""The path on the real MNIST: run with EDGECNN_REAL_DATA=/path/to/data."""

from pathlib import Path

import pytest

from edgecnn.export import Exported, export
from edgecnn.recipes.read import read
from edgecnn.train import Outcome, train
from edgecnn.verify import Comparison, compare_files

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

CHANGES = {"epochs": 1, "batch_size": 64, "data.subset": 12_000, "data.validation": 1_000}


@pytest.fixture(scope="module")
def trained(real_data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train(read("mnist-compact", CHANGES), tmp_path_factory.mktemp("real") / "run", root=real_data_root)


@pytest.fixture(scope="module")
def exported(trained: Outcome, real_data_root: Path) -> Exported:
    return export(trained.run, trained.run.with_name("mnist.onnx"), root=real_data_root)


@pytest.fixture(scope="module")
def comparison(trained: Outcome, exported: Exported, real_data_root: Path) -> Comparison:
    return compare_files(trained.run, exported.path, root=real_data_root)


def test_one_epoch_learns_mnist(trained: Outcome) -> None:
    assert (trained.train_images, trained.validation_images) == (11_000, 1_000)
    assert trained.best.validation["accuracy"] > 0.95


def test_export_has_parity_on_all_test_images(exported: Exported) -> None:
    assert (exported.parity_images, exported.parity_source) == (10_000, "mnist test split")
    assert exported.max_abs_gap < 1e-4
    assert exported.agreement == 1


def test_verify_takes_both_on_all_test_images(comparison: Comparison, trained: Outcome, exported: Exported) -> None:
    assert (comparison.reference.model, comparison.candidate.model) == (str(trained.run), str(exported.path))
    assert comparison.images == 10_000


def test_verify_finds_the_same_classifier(comparison: Comparison) -> None:
    assert (comparison.agreement, comparison.flips, comparison.drop_pp, comparison.passed) == (1, [], 0, True)


def test_verify_and_export_measure_the_same_accuracy(comparison: Comparison, exported: Exported) -> None:
    assert comparison.candidate.accuracy == pytest.approx(exported.test_score.value)
    assert comparison.candidate.accuracy > 0.95
