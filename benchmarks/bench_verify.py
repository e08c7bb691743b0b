"""Verify 10,000 MNIST-sized images, two model files: seconds, not minutes; beside two bare runs of the same batches."""

from pathlib import Path

import numpy as np
import pytest

from edgecnn.contender import BATCH, open_contender
from edgecnn.data import Split
from edgecnn.verify.compare import compare


@pytest.fixture(scope="module")
def ten_thousand(mnist_like: Split) -> Split:
    return mnist_like.take(np.arange(10_000))


@pytest.mark.benchmark(group="10,000 images, two models")
def test_verify(benchmark, model: Path, ten_thousand: Split) -> None:
    first, second = open_contender(model), open_contender(model)
    options = {"dataset": "mnist", "split_name": "test", "max_drop_pp": 0.5}
    benchmark.pedantic(lambda: compare(first, second, ten_thousand, **options), rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="10,000 images, two models")
def test_bare_runs(benchmark, model: Path, ten_thousand: Split) -> None:
    contender = open_contender(model)
    parts = [ten_thousand.images_nhwc[start : start + BATCH] for start in range(0, 10_000, BATCH)]
    benchmark.pedantic(lambda: [contender.answer(part) for part in parts * 2], rounds=3, warmup_rounds=1)
