"""Build one form of a model file, hold it to what is promised of it, and say how it was lost where it does not hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgecnn import files, onnx_file
from edgecnn.card import Calibration, Golden, ModelCard, Overflow, Quantization
from edgecnn.errors import EdgecnnError
from edgecnn.quantize import forms
from edgecnn.quantize.figures import Lost
from edgecnn.saturation import prove


@dataclass(frozen=True)
class Built:
    """A form that was written and held. ``graph`` is the model without its card."""

    graph: bytes
    card: ModelCard
    overflow: Overflow


def build(
    form: str,
    path: Path,
    parent: Path,
    parent_card: ModelCard,
    calibration: Calibration | None,
    make_graph: Callable[[], bytes],
    make_golden: Callable[[bytes], Golden],
) -> Built | Lost:
    """Write a form of a graph to ``path``, with the golden images of that graph."""
    try:
        graph = make_graph()
    except OSError:
        raise  # the disk, not the form
    except Exception as error:  # whatever the quantizer raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Lost(form, "build", f"ONNX Runtime's quantizer does not take this graph ({reason})")
    proof = prove(graph)
    if not proof.safe and form != forms.FULL:
        return Lost(form, "proof", f"its weights could saturate: {proof.overflow}")
    card = replace(
        parent_card,
        form=form,
        parity=None,
        metrics=[],
        quantization=Quantization(form, calibration, measured=None, overflow=proof.overflow),
        parent_sha256=files.sha256(parent),
        versions=parent_card.versions | onnx_file.runtime_versions(),
        golden=make_golden(graph),
    )
    onnx_file.write_with_card(graph, card, path)
    try:
        onnx_file.check(path, card)
    except EdgecnnError as error:
        return Lost(form, "check", str(error))
    return Built(graph, card, proof.overflow)
