"""Build one form of a model, hold it to what is promised of it, and say how it was lost where it does not hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgecnn import onnx_file
from edgecnn.card import PAIR_BOUND, Calibration, Golden, Mixture, ModelCard, Overflow, Quantization
from edgecnn.errors import EdgecnnError, FormError
from edgecnn.quantize import zeros
from edgecnn.quantize.figures import Lost
from edgecnn.quantize.forms import Form, Parent, SearchedForm
from edgecnn.quantize.trial import Trial
from edgecnn.saturation import Saturation, prove
from edgecnn.text import shortened


@dataclass(frozen=True)
class Built:
    """A form that was written and held. ``graph`` is the model without its card."""

    graph: bytes
    card: ModelCard
    overflow: Overflow


def build(
    form: Form,
    parent: Parent,
    path: Path,
    images_nhwc: NDArray[np.uint8],
    calibration: Calibration | None,
    make_golden: Callable[[bytes], Golden],
    trial: Trial,
) -> Built | Lost:
    """Write a form of a model to ``path``, calibrated on images where the form is, with golden images of its own.

    A form that is looked for is tried on the images of ``trial``.
    """
    try:
        if form.SEARCHED:
            graph, mixture = cast(SearchedForm, form).search(parent, images_nhwc, trial)
        else:
            graph, mixture = form.build(parent, images_nhwc), None
    except OSError:
        raise  # the disk, not the form
    except FormError as error:
        return Lost(form.NAME, "search", str(error))
    except Exception as error:  # whatever the quantizer raises
        return Lost(form.NAME, "build", f"ONNX Runtime's quantizer does not take this graph ({_said(error)}).")
    return hold(form, graph, parent, path, calibration, make_golden, mixture)


def hold(
    form: Form,
    graph: bytes,
    parent: Parent,
    path: Path,
    calibration: Calibration | None,
    make_golden: Callable[[bytes], Golden],
    mixture: Mixture | None = None,
) -> Built | Lost:
    """Write a graph that is in this form, wherever it was made: here, or by a training that knows of the form."""
    graph = zeros.stored_once(graph)
    proof = prove(graph)
    if form.AUTOMATIC and not proof.safe:
        return Lost(form.NAME, "proof", f"{_unsafe(proof)} This onnxruntime's quantizer does not keep to seven bits.")
    try:
        card = replace(
            parent.card,
            form=form.NAME,
            parity=None,
            metrics=[],
            quantization=Quantization(
                form.NAME,
                calibration,
                measured=None,
                overflow=proof.overflow,
                batch_dependent=form.BATCH_DEPENDENT or None,
                mixture=mixture,
            ),
            parent_sha256=parent.sha256,
            versions=parent.card.versions | onnx_file.runtime_versions(),
            golden=make_golden(graph),
        )
        onnx_file.write_with_card(graph, card, path)
        onnx_file.check(path, domains=card.adopted.foreign if card.adopted else ())
    except OSError:
        raise
    except Exception as error:  # a check that did not hold, or a runtime that does not take the form
        return Lost(form.NAME, "check", _said(error))
    return Built(graph, card, proof.overflow)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, EdgecnnError) else shortened(str(error).strip() or type(error).__name__, 300)


def _unsafe(proof: Saturation) -> str:
    worst = f"{proof.worst.pair_sum} in channel {proof.worst.channel} of {proof.worst.layer}" if proof.worst else ""
    return f"its int8 sums could saturate ({'; '.join(proof.unproven) or worst}, and {PAIR_BOUND} fit)."
