"""The card of an adopted file: what its user and the file said, what was measured, and where it comes from."""

import math

import numpy as np
import onnx

from edgecnn import golden
from edgecnn.adopt import proof
from edgecnn.adopt.answers import Answers
from edgecnn.adopt.images import Images
from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.preprocessing import Preprocessing
from edgecnn.adopt.proof import Same
from edgecnn.adopt.source import Source
from edgecnn.card import Adoption, ModelCard, Parity, Pixels, Quantization, Score
from edgecnn.inspection import operators
from edgecnn.onnx_file import runtime_versions
from edgecnn.saturation import prove

LEAST_GAP = 1e-9  # what no gap at all is said to be below
NETWORK = "adopted"  # what stands in a card for the network and the recipe


def card_of(
    source: Source, taken: Taken, done: Preprocessing, answers: Answers, labels: tuple[str, ...], images: Images,
    same: Same, graph: bytes, known: dict[str, str],
) -> ModelCard:  # fmt: skip
    """Return the card, but for the name, of a graph that was compared with the original."""
    form, quantization = _form(source, graph)
    return ModelCard(
        name="",
        form=form,
        labels=list(labels),
        input=taken.image,
        network=NETWORK,
        parameters=_parameters(graph, taken),
        dataset=images.record,
        recipe={"name": NETWORK, "description": f"The file {source.path.name} of others, wrapped by edgecnn adopt"},
        metrics=_scores(graph, images),
        parity=Parity(
            images=same.images,
            source=images.source,
            output=same.output,
            tolerance=same.tolerance,
            max_abs_gap_below=10.0 ** math.ceil(math.log10(max(same.max_abs_gap, LEAST_GAP))),
            agreement=same.agreement,
        ),
        quantization=quantization,
        parent_sha256=None,
        versions=runtime_versions(),
        golden=golden.measured(graph, _golden_images(graph, images)),
        appearance=images.appearance,
        adopted=Adoption(
            file=source.path.name,
            sha256=source.sha256,
            producer=source.producer,
            opset=source.opset,
            ir_version=source.ir_version,
            input=f"{taken.name}: {taken.shape}",
            preprocessing=str(done),
            answers=f"{answers.output}: {answers.kind}",
            known=known,
            foreign=list(source.foreign),
            pixels=Pixels(done.scale, list(done.mean), list(done.std), done.bgr),
        ),
    )


def _parameters(graph: bytes, taken: Taken) -> int:
    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    return sum(layer.parameters for layer in operators(model, (1, *taken.image.shape))[0])


def _form(source: Source, graph: bytes) -> tuple[str, Quantization | None]:
    """Return the name of the form that a file is in, and what is to be said of its int8 sums."""
    types = {node.op_type for node in source.model.graph.node}
    weights = {onnx.TensorProto.DataType.Name(tensor.data_type) for tensor in source.model.graph.initializer}
    if source.batch_dependent:
        form = "int8-dynamic"
    elif any(operator.startswith("QLinear") or operator == "QGemm" for operator in types):
        form = "int8-qoperator"
    elif "DequantizeLinear" in types:
        form = "int8-qdq"
    else:
        return ("fp16" if "FLOAT16" in weights and "FLOAT" not in weights else "fp32"), None
    overflow = prove(graph).overflow
    return form, Quantization(
        method=f"adopted as {form}", calibration=None, measured=None, overflow=overflow,
        batch_dependent=form == "int8-dynamic" or None,
    )  # fmt: skip


def _scores(graph: bytes, images: Images) -> list[Score]:
    if images.test is None:
        return []
    answers_n = proof.answered(graph, images.test.images_nhwc, "logits").argmax(axis=1)
    return [Score("test", len(images.test), "accuracy", float((answers_n == images.test.labels_n).mean()))]


def _golden_images(graph: bytes, images: Images) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Choose among validation images, or among those that were made up, whose answers stand for their classes."""
    if images.validation is not None:
        pictures_nhwc, labels_n = images.validation.images_nhwc, images.validation.labels_n
    else:
        pictures_nhwc = images.parity_nhwc
        labels_n = proof.answered(graph, pictures_nhwc, "logits").argmax(axis=1).astype(np.int64)
    return golden.of_split(lambda part_nhwc: proof.answered(graph, part_nhwc, "logits"), pictures_nhwc, labels_n)
