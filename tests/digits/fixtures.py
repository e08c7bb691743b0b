"""What tests of reading share: the small detector, a digit model of the zoo, its golden digits."""

from pathlib import Path

import numpy as np
import pytest
from digits.drawn import golden_digits, write_detector

import edgecnn


@pytest.fixture(scope="session")
def detector_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_detector(tmp_path_factory.mktemp("detector") / "cells.onnx")


@pytest.fixture(scope="session")
def digits() -> dict[str, np.ndarray]:
    """A golden image (28, 28) of each label."""
    return golden_digits("mnist-compact")


@pytest.fixture(scope="session")
def classifier() -> edgecnn.Classifier:
    return edgecnn.load("mnist-compact", threads=1)
