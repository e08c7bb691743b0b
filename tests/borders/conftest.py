"""What the tests of the borders share: a small model of the zoo, and ways to make hostile files of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from edgecnn import zoo
from edgecnn.card import CARD_KEY


@pytest.fixture(scope="session")
def content() -> bytes:
    """A model file of 34 kB."""
    return zoo.find("mnist-c1/fp32").read_bytes()


@pytest.fixture
def altered(content: bytes, tmp_path: Path) -> Callable[[Callable[[onnx.ModelProto], None]], Path]:
    """Write the model after a function has changed it."""

    def write(change: Callable[[onnx.ModelProto], None]) -> Path:
        model = onnx.load_model_from_string(content)
        change(model)
        path = tmp_path / "altered.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.fixture
def with_card(altered) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Write the model after a function has changed its card."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        def alter(model: onnx.ModelProto) -> None:
            entry = next(entry for entry in model.metadata_props if entry.key == CARD_KEY)
            document = json.loads(entry.value)
            change(document)
            entry.value = json.dumps(document)

        return altered(alter)

    return write
