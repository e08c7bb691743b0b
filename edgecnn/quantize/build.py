"""Build one form of a model file, hold it to what is promised of it, and say how it was lost where it does not hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgecnn import files, onnx_file
from edgecnn.card import PAIR_BOUND, Calibration, Golden, ModelCard, Overflow, Quantization
from edgecnn.errors import EdgecnnError
from edgecnn.quantize import forms
from edgecnn.quantize.figures import Lost
from edgecnn.saturation import Saturation, prove
from edgecnn.text import shortened


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
        return Lost(form, "build", f"ONNX Runtime's quantizer does not take this graph ({_said(error)}).")
    proof = prove(graph)
    if not proof.safe and form != forms.FULL:
        return Lost(form, "proof", f"{_unsafe(proof)} This onnxruntime's quantizer does not keep to seven bits.")
    try:
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
        onnx_file.check(path, card)
    except OSError:
        raise
    except Exception as error:  # a check that did not hold, or a runtime that does not take the form
        return Lost(form, "check", _said(error))
    return Built(graph, card, proof.overflow)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, EdgecnnError) else shortened(str(error).strip() or type(error).__name__, 300)


def _unsafe(proof: Saturation) -> str:
    worst = f"{proof.worst.pair_sum} in channel {proof.worst.channel} of {proof.worst.layer}" if proof.worst else ""
    return f"its int8 sums could saturate ({'; '.join(proof.unproven) or worst}, and {PAIR_BOUND} fit)."
