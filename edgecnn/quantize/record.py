"""Measure a quantized file against its parent on this machine, and keep that in its card beside what was measured
on processors of other families."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgecnn import card as cards
from edgecnn import files, onnx_file, zoo
from edgecnn.bench import compare_latency
from edgecnn.card import FINDER, Measured, ModelCard
from edgecnn.contender import open_contender
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import CardError
from edgecnn.metadata import read_card
from edgecnn.quantize.figures import Candidate, candidate_of, with_measurement
from edgecnn.runtime.finder import load_finder
from edgecnn.saturation import prove
from edgecnn.verify import compare
from edgecnn.verify.compare import read_for
from edgecnn.verify.finds import compare_on


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
    on_stage("comparing accuracy and latency")
    measure = _finder_here if known.kind == FINDER else _classifier_here
    candidate, images = measure(file, original, known, max_drop_pp, root, seconds)
    measured = _quantization(with_measurement(known, candidate, images, max_drop_pp)).measured
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


def _classifier_here(
    file: Path, parent: Path, card: ModelCard, max_drop_pp: float, root: str | Path | None, seconds: float
) -> tuple[Candidate, int]:
    validation = read_for(card.dataset, card.input.shape, "validation", root=root)
    found = compare(
        open_contender(parent),
        open_contender(file),
        validation,
        dataset=card.dataset.name,
        split_name="validation",
        max_drop_pp=max_drop_pp,
    )
    latency = compare_latency(file, parent, seconds=seconds)
    accuracy, overflow = found.candidate.accuracy, prove(file).overflow
    return candidate_of(card.form, file, parent, accuracy, found, latency, overflow), len(validation)


def _finder_here(
    file: Path, parent: Path, card: ModelCard, max_drop_pp: float, root: str | Path | None, seconds: float
) -> tuple[Candidate, int]:
    pages = digit_pages.read(root, "test")
    found = compare_on(pages, load_finder(parent), load_finder(file), max_drop_pp)
    latency = compare_latency(file, parent, seconds=seconds)
    return candidate_of(card.form, file, parent, found.candidate.f1, found, latency, prove(file).overflow), len(pages)
