"""Which output answers, with how many classes, and whether in logits or in probabilities: read off the graph where it
ends in what tells, off the numbers where these are probabilities, else asked for.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn.adopt.said import Answering, Said
from edgecnn.adopt.source import Source, Value
from edgecnn.errors import EdgecnnError, ModelError

# What hands values on as they are, but for their shape or type.
PASSING = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Dropout")
QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")
# What ends in one of these has not been made probabilities of.
LINEAR = (
    "Gemm", "MatMul", "Conv", "QLinearConv", "QLinearMatMul", "QGemm", "MatMulInteger", "ConvInteger",
    "MatMulIntegerToFloat", "GlobalAveragePool", "AveragePool", "ReduceMean", "QLinearGlobalAveragePool",
    "QLinearAveragePool",
)  # fmt: skip
SUM_GAP = 1e-3  # how far a row of probabilities may be from one in sum, which 16 bits are
SUM_GAP_INT8 = 0.5  # and rows that were rounded to 8 bits


@dataclass(frozen=True)
class Answers:
    """``reason`` says how it is known what the output has. ``softmax`` is what the last softmax is made of, where the
    output is that and no more."""

    output: str
    kind: Answering
    classes: int
    reason: str
    softmax: str | None


def output_of(source: Source, said: Said) -> Value:
    """Return the output that answers. Raises ModelError where that is none, or not said which of several."""
    names = {value.name: value for value in source.outputs}
    if said.output is not None and said.output not in names:
        raise ModelError(f"{source.path}: has no output {said.output}; found {_listed(source)}.")
    if said.output is None and len(names) > 1:
        boxes = " As a detector's it cannot be adopted." if _looks_like_boxes(source) else ""
        raise ModelError(
            f"{source.path}: answers {len(names)} outputs ({_listed(source)}); a classifier answers one, a number for "
            f"each class.{boxes} Where one of them is that, say --answers NAME=logits or NAME=probabilities."
        )
    value = names[said.output] if said.output else source.outputs[0]
    if value.kind not in ("float", "float16", "double"):
        raise ModelError(
            f"{source.path}: answers {value.kind} ({value.name}); a classifier answers a floating-point number for "
            "each class. It cannot be adopted."
        )
    return value


def answers(
    source: Source, output: Value, tried: NDArray[np.floating], said: Said, missing: list[str]
) -> Answers | None:
    """Return what the output answers, which was ``tried`` on some images, one row for each; what has to be said for
    that goes to ``missing``. Raises ModelError for an output that is no row of classes."""
    rows_nk = _rows(source, output, tried)
    kind, reason, softmax = _told_by_graph(source, output)
    if kind is None and _are_probabilities(rows_nk, SUM_GAP):
        kind, reason = "probabilities", f"rows of {output.name} sum to one on {len(rows_nk)} images"
    if said.answers is not None:
        _refuse_contradiction(source, output, rows_nk, said.answers)
        kind, reason = said.answers, "as was said"
    if kind is None:
        missing.append(
            f"--answers logits or probabilities: output {output.name} ends in {reason}, which leaves open what it gives"
        )
        return None
    return Answers(output.name, kind, rows_nk.shape[1], reason, softmax if kind == "probabilities" else None)


def _rows(source: Source, output: Value, tried: NDArray[np.floating]) -> NDArray[np.floating]:
    found = tuple(tried.shape)
    if len(found) < 2 or sum(side > 1 for side in found[1:]) > 1:
        of_others = " As what it seems to be, a detector or a model of regions or sequences," if len(found) > 2 else ""
        raise ModelError(
            f"{source.path}: answers {output.name} of shape {found}; a classifier answers (N, classes), a number for "
            f"each class of a picture.{of_others or ' As it is,'} it cannot be adopted."
        )
    rows_nk: NDArray[np.floating] = tried.reshape(found[0], -1)
    if rows_nk.shape[1] < 2:
        raise ModelError(
            f"{source.path}: answers one number for a picture ({output.name}); a classifier answers one for each of at "
            "least two classes. It cannot be adopted."
        )
    if not np.isfinite(rows_nk).all():
        raise ModelError(
            f"{source.path}: answers {output.name} that are no numbers (NaN or infinite). Its weights are broken, "
            "or an operator overflows. It cannot be adopted."
        )
    return rows_nk


def _told_by_graph(source: Source, output: Value) -> tuple[Answering | None, str, str | None]:
    """Return what the last operator makes of an output, that operator, and what a softmax is made of."""
    made_by = {name: node for node in source.model.graph.node for name in node.output}
    node, is_plain = made_by.get(output.name), True
    while node is not None and node.op_type in (*PASSING, *QUANTIZERS):
        is_plain &= node.op_type in PASSING
        node = made_by.get(node.input[0])
    if node is None:
        return None, "its input", None
    if node.op_type == "Softmax":
        return "probabilities", f"ends in {node.op_type}", node.input[0] if is_plain else None
    if node.op_type == "QLinearSoftmax":
        return "probabilities", f"ends in {node.op_type}", None
    if node.op_type == "LogSoftmax":
        return "logits", "ends in LogSoftmax: logarithms of probabilities, which are logits", None
    if node.op_type in ("Sigmoid", "HardSigmoid"):
        raise ModelError(
            f"{source.path}: ends in {node.op_type}, a yes or no for each class by itself; edgecnn's classifiers "
            "answer one of several. It cannot be adopted."
        )
    if _is_linear(node, made_by):
        return "logits", f"ends in {node.op_type}", None
    return None, node.op_type, None


def _is_linear(node: onnx.NodeProto | None, made_by: dict[str, onnx.NodeProto], depth: int = 5) -> bool:
    """Tell whether a node gives what a product with weights gave, with a bias or the scales of integers at most."""
    if node is None or not depth:
        return False
    if node.op_type in LINEAR:
        return True
    parts = [made_by.get(name) for name in node.input]
    if node.op_type == "Mul":  # of sums of integers with their scale
        return any(
            part is not None and part.op_type == "Cast" and _is_linear(part, made_by, depth - 1) for part in parts
        )
    return node.op_type in ("Add", "Cast") and any(_is_linear(part, made_by, depth - 1) for part in parts)


def _are_probabilities(rows_nk: NDArray[np.floating], gap: float) -> bool:
    return bool((rows_nk >= 0).all() and (np.abs(rows_nk.sum(axis=1) - 1) <= gap).all())


def _refuse_contradiction(source: Source, output: Value, rows_nk: NDArray[np.floating], wanted: Answering) -> None:
    sums = rows_nk.sum(axis=1)
    if wanted == "probabilities" and not _are_probabilities(rows_nk, SUM_GAP_INT8):
        raise EdgecnnError(
            f"{source.path}: --answers said probabilities, but {output.name} has values from {rows_nk.min():.3g} to "
            f"{rows_nk.max():.3g} and rows that sum to {sums.min():.3g}..{sums.max():.3g}. Say --answers logits."
        )
    if wanted == "logits" and _are_probabilities(rows_nk, SUM_GAP):
        raise EdgecnnError(
            f"{source.path}: --answers said logits, but no value of {output.name} is negative and all {len(rows_nk)} "
            "rows sum to one. Say --answers probabilities."
        )


def _looks_like_boxes(source: Source) -> bool:
    return any(value.shape[-1:] == (4,) for value in source.outputs)


def _listed(source: Source) -> str:
    return "; ".join(map(str, source.outputs))
