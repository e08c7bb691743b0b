"""What Triton is told of a model: ``config.pbtxt``, made of what the graph takes and answers.

The fields are those of Triton's ModelConfig (protobuf/model_config.proto of its repository ``common``). With a
``max_batch_size`` above 0 the first size of every input and output has to be open, and ``dims`` leaves it out; with 0
``dims`` has all sizes, and -1 is any.
"""

from dataclasses import dataclass, replace
from typing import Any

from edgecnn.card import ModelCard
from edgecnn.errors import EmbedError
from edgecnn.runtime import engine

TYPES = {"tensor(uint8)": "TYPE_UINT8", "tensor(float)": "TYPE_FP32"}
MAX_BATCH = 32
QUEUE_US = 100  # that a request waits for others where nothing else is to be done
LABELED, LABELS = ("logits", "probabilities"), "labels.txt"

ABOUT = """\
# Written by edgecnn embed. Triton reads it; edit it to fit the server:
# - count times intra_op_thread_count should be the cores that the model may use
# - requests that wait are answered together, at most max_batch_size images; max_queue_delay_microseconds is what a
#   lonely request waits for others; preferred_batch_size is for models that are much faster at certain sizes
# - the newest version answers who names none, and the one before stays for who names it
"""
ALONE = """\
# Written by edgecnn embed. Triton reads it; edit it to fit the server:
# - count times intra_op_thread_count should be the cores that the model may use
# - {why}
# - the newest version answers who names none, and the one before stays for who names it
"""


@dataclass(frozen=True)
class Tensor:
    """An input or output as Triton calls it; -1 is a size that is open."""

    name: str
    kind: str
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """What a graph takes and answers."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def is_batched(self) -> bool:
        """Whether it takes any number of images at once."""
        return all(tensor.sizes[:1] == (-1,) for tensor in (*self.inputs, *self.outputs))


def signature(model: bytes, name: str) -> Signature:
    """Read what a model file takes and answers. Raises EmbedError for a type that Triton would not be told of here."""
    ort = engine.onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4  # it was opened before, and said what there is to say
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # nothing is run
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return Signature(
        tuple(_tensor(node, name) for node in session.get_inputs()),
        tuple(_tensor(node, name) for node in session.get_outputs()),
    )


def max_batch(card: ModelCard, found: Signature) -> int:
    """Return how many images one call may have: 1 where an image's answer depends on the others, 0 for no batches."""
    if not found.is_batched:
        return 0
    return 1 if card.batch_dependent else MAX_BATCH


def config(name: str, card: ModelCard, found: Signature, digest: str) -> str:
    """Return ``config.pbtxt`` of a model whose version 1 has that SHA-256."""
    most = max_batch(card, found)
    parts = [
        _about(card, most),
        f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: {most}\n',
        _tensors("input", found.inputs, most),
        _tensors("output", found.outputs, most),
        "version_policy { latest { num_versions: 2 } }\n",
        "instance_group [ { count: 2 kind: KIND_CPU } ]\n",
        f"dynamic_batching {{ max_queue_delay_microseconds: {QUEUE_US} }}\n" if most > 1 else "",
        _warmups(card, found, most),
        _parameter("intra_op_thread_count", "1"),
    ]
    return with_version("".join(parts), 1, digest)


def with_version(text: str, number: int, digest: str) -> str:
    """Return ``config.pbtxt``, whoever edited it, with the SHA-256 of a version, which Triton shows of its models."""
    key = f"sha256_of_version_{number}"
    kept = [line for line in text.splitlines() if f'"{key}"' not in line]  # of one that is gone, or never came
    return "\n".join(kept) + "\n" + _parameter(key, digest)


def _tensor(node: Any, name: str) -> Tensor:
    if node.type not in TYPES:
        raise EmbedError(
            f"{name}: {node.name} is {node.type}, expected {' or '.join(TYPES)}, as exported models have. Export it "
            "again, or name another target with --to."
        )
    return Tensor(node.name, TYPES[node.type], tuple(size if isinstance(size, int) else -1 for size in node.shape))


def _about(card: ModelCard, most: int) -> str:
    if most > 1:
        return ABOUT
    dependent = "the ranges of this form follow from the whole batch, so that images are answered one by one"
    return ALONE.format(why=dependent if card.batch_dependent else "the graph takes one image at a time")


def _tensors(field: str, tensors: tuple[Tensor, ...], most: int) -> str:
    described = ",\n".join(_described(tensor, most) for tensor in tensors)
    return f"{field} [\n{described}\n]\n"


def _described(tensor: Tensor, most: int) -> str:
    lines = [f'name: "{tensor.name}"', f"data_type: {tensor.kind}", f"dims: {_dims(tensor, most)}"]
    if tensor.name in LABELED:
        lines.append(f'label_filename: "{LABELS}"')
    return "  {\n" + "".join(f"    {line}\n" for line in lines) + "  }"


def _dims(tensor: Tensor, most: int) -> str:
    return f"[ {', '.join(map(str, tensor.sizes[1:] if most else tensor.sizes))} ]"


def _warmups(card: ModelCard, found: Signature, most: int) -> str:
    """Have each instance run once with one image, and once with as many as it may get, before it answers anybody."""
    sizes = {1: "one", most: "most"} if most > 1 else {1: "one"}
    return "".join(_warmup(name, count, card, found, most) for count, name in sizes.items())


def _warmup(name: str, count: int, card: ModelCard, found: Signature, most: int) -> str:
    inputs = "".join(
        f'  inputs {{ key: "{tensor.name}" value {{ data_type: {tensor.kind} '
        f"dims: {_dims(_closed(tensor, card), most)} zero_data: true }} }}\n"
        for tensor in found.inputs
    )
    return f'model_warmup {{\n  name: "{name}"\n  batch_size: {count}\n{inputs}}}\n'


def _closed(tensor: Tensor, card: ModelCard) -> Tensor:
    """Put the sizes of the card in the places of those that are open."""
    sizes = zip(tensor.sizes, (1, *card.input.shape), strict=True)
    return replace(tensor, sizes=tuple(usual if own < 0 else own for own, usual in sizes))


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'
