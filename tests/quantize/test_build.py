"""A graph in a form is held to what is promised of it, wherever it was made."""

from pathlib import Path

import pytest
from forming import made

from edgecnn import files, golden
from edgecnn.card import Golden
from edgecnn.quantize import forms
from edgecnn.quantize.build import Built, hold
from edgecnn.quantize.figures import Lost
from edgecnn.quantize.forms import Parent
from edgecnn.runtime.classifier import load
from edgecnn.runtime.selftest import selftest


@pytest.fixture(scope="module")
def parent(model: Path) -> Parent:
    return forms.parent_of(model)


def held(form: str, graph: bytes, parent: Parent, path: Path) -> Built | Lost:
    def own(graph: bytes) -> Golden:
        return golden.measured(graph, parent.card.golden.images_nhwc)

    return hold(forms.get(form), graph, parent, path, None, own)


def test_a_graph_that_was_made_elsewhere_gets_the_card_of_its_form(model: Path, parent: Parent, tmp_path: Path) -> None:
    """As one that a training quantized; only the parent's card has to be there, not its file."""
    built = held("dense", made("dense", model), parent, tmp_path / "own.onnx")
    assert isinstance(built, Built)
    opened = load(tmp_path / "own.onnx")
    assert (opened.card.form, opened.card.batch_dependent) == ("int8-dense", True)
    assert opened.card.parent_sha256 == files.sha256(model)
    assert selftest(opened).passed


def test_a_graph_that_may_saturate_is_none_of_a_form_that_must_not(
    full_model: Path, parent: Parent, tmp_path: Path
) -> None:
    lost = held("static", full_model.read_bytes(), parent, tmp_path / "own.onnx")
    assert isinstance(lost, Lost)
    assert (lost.form, lost.stage) == ("int8-static", "proof")
    assert list(tmp_path.iterdir()) == []
