"""Measure a quantized file against its parent on this machine, and keep that in its card beside what was measured
on processors of other families."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgecnn import card as cards
from edgecnn import files, onnx_file, zoo
from edgecnn.card import Measured, ModelCard
from edgecnn.errors import CardError
from edgecnn.metadata import read_card
from edgecnn.quantize.choose import measure
from edgecnn.quantize.figures import with_measurement
from edgecnn.quantize.yardstick import yardstick_for
from edgecnn.saturation import prove


def record(
    model: Path,
    parent: Path,
    *,
    max_drop_pp: float = 0.5,
    root: str | Path | None = None,
    seconds: float = 1.0,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Measured:
    """Measure, write the file and the card beside it anew, and return what was found. The file's graph stays as it is.

    Raises CardError where ``parent`` is not what the file was quantized from, DataError where the validation images
    are not there.
    """
    file, original = zoo.find(model), zoo.find(parent)
    known = read_card(file)
    if known.quantization is None or known.parent_sha256 != files.sha256(original):
        raise CardError(f"{model}: was not quantized from {parent}. Name a quantized file, then its float32 parent.")
    on_stage("comparing scores and latency")
    yardstick = yardstick_for(original, read_card(original), dataset=None, root=root)
    candidate = measure(file, original, known, yardstick, max_drop_pp, seconds, prove(file).overflow)
    measured = _quantization(with_measurement(known, candidate, yardstick, max_drop_pp)).measured
    assert measured is not None
    card = with_record(known, measured)
    with files.replacing(file) as partial:
        onnx_file.write_with_card(file.read_bytes(), card, partial)
    files.write_text(cards.beside(file), card.to_json())
    return measured


def with_record(card: ModelCard, measured: Measured) -> ModelCard:
    """Put a measurement into a card: in the place of one of the same family, else beside those that are there."""
    known = _quantization(card)
    if known.measured is None or known.measured.family == measured.family:
        return replace(card, quantization=replace(known, measured=measured))
    elsewhere = [found for found in known.measured_elsewhere or [] if found.family != measured.family]
    return replace(card, quantization=replace(known, measured_elsewhere=[*elsewhere, measured]))


def _quantization(card: ModelCard) -> cards.Quantization:
    assert card.quantization is not None
    return card.quantization
