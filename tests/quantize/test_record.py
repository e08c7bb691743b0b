"""What a form is worth on this family of processors goes into its card beside what it is worth on others."""

import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from edgecnn import card as cards
from edgecnn import onnx_file
from edgecnn.card import Measured, ModelCard
from edgecnn.errors import CardError
from edgecnn.machine import family
from edgecnn.quantize.record import record, with_record
from edgecnn.runtime.classifier import load
from edgecnn.runtime.selftest import selftest

OTHER, THIRD = "an older family", "a third one"


def measured_on(card: ModelCard, name: str | None) -> Measured:
    assert card.quantization is not None
    assert card.quantization.measured is not None
    return replace(card.quantization.measured, family=name)


def families(card: ModelCard) -> list[str]:
    assert card.quantization is not None
    return card.quantization.families()


@pytest.fixture
def made_elsewhere(static_model: Path, tmp_path: Path) -> Path:
    """A quantized file that was made on a processor of another family."""
    file, card = tmp_path / "m.onnx", load(static_model).card
    assert card.quantization is not None
    elsewhere = replace(card, quantization=replace(card.quantization, measured=measured_on(card, OTHER)))
    onnx_file.write_with_card(static_model.read_bytes(), elsewhere, file)
    return file


def test_a_form_is_measured_for_the_family_that_it_is_made_on(static_model: Path) -> None:
    assert families(load(static_model).card) == [family()]


def test_a_measurement_joins_those_of_other_families(
    made_elsewhere: Path, model: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = onnx.load(made_elsewhere).graph.SerializeToString(deterministic=True)
    monkeypatch.setenv("EDGECNN_DATA", str(data_root))
    found = record(made_elsewhere, model, seconds=0.1)
    card = load(made_elsewhere).card
    assert found.family == family()
    assert families(card) == [OTHER, family()]
    assert measured_on(card, OTHER) == card.quantization.measured
    assert card.quantization.measured_elsewhere == [found]
    assert cards.beside(made_elsewhere).read_text(encoding="utf-8") == card.to_json()
    assert onnx.load(made_elsewhere).graph.SerializeToString(deterministic=True) == before
    assert selftest(load(made_elsewhere)).passed


def test_a_family_is_measured_again_in_its_place(static_model: Path) -> None:
    card = load(static_model).card
    for name in (OTHER, THIRD, OTHER, family()):
        card = with_record(card, measured_on(card, name))
    assert families(card) == [family(), THIRD, OTHER]


def test_a_file_that_was_not_made_from_that_parent_is_refused(static_model: Path, model: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.onnx"
    shutil.copy(model, stranger)
    stranger.write_bytes(onnx_file_with_another_name(stranger))
    with pytest.raises(CardError, match=r"was not quantized from .*stranger\.onnx\. Name a quantized file, then its"):
        record(static_model, stranger)
    with pytest.raises(CardError, match="was not quantized from"):
        record(model, model)


def onnx_file_with_another_name(file: Path) -> bytes:
    changed = onnx.load(file)
    changed.graph.name = "another"
    return bytes(changed.SerializeToString())
