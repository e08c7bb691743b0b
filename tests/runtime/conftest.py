"""What tests of the runtime share: the small model, opened, and images that it answers."""

from pathlib import Path

import pytest

import edgecnn
from edgecnn import data


@pytest.fixture(scope="module")
def classifier(model: Path) -> edgecnn.Classifier:
    return edgecnn.load(model)


@pytest.fixture(scope="module")
def digits(data_root: Path) -> data.Split:
    return data.read_split("digits", "test", root=data_root)
