"""What benchmarks share: one exported model of the default network, and images of MNIST's kind."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgecnn import data
from edgecnn.recipes.read import read


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default network after one epoch on the embedded digits, exported; its accuracy does not matter here."""
    from edgecnn.export import export
    from edgecnn.train import train

    folder = tmp_path_factory.mktemp("model")
    train(read("digits-compact", {"epochs": 1}), folder / "run", root=folder)
    return export(folder / "run", folder / "digits.onnx", root=folder).path


@pytest.fixture(scope="session")
def mnist_like(tmp_path_factory: pytest.TempPathFactory) -> data.Split:
    """MNIST's 60,000 training images where EDGECNN_REAL_DATA has them, else as many repeated digits.

    EDGECNN_BENCH_IMAGES takes fewer, to see that a benchmark runs; its figures then say nothing.
    """
    count = int(os.environ.get("EDGECNN_BENCH_IMAGES", 60_000))
    if "EDGECNN_REAL_DATA" in os.environ:
        images = data.read_split("mnist", "train", root=Path(os.environ["EDGECNN_REAL_DATA"]))
    else:
        images = data.read_split("digits", "train", root=tmp_path_factory.mktemp("data"))
    return images.take(np.resize(np.arange(len(images)), count))


@pytest.fixture(scope="session")
def real_data_root() -> Path:
    """The data root with the real data sets, for benchmarks that mean nothing without them."""
    if "EDGECNN_REAL_DATA" not in os.environ:
        pytest.skip("set EDGECNN_REAL_DATA to a data root that has the real data sets")
    return Path(os.environ["EDGECNN_REAL_DATA"])
