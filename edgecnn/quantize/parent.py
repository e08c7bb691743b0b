"""What forms are made of."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import onnx

from edgecnn.card import ModelCard


@dataclass(frozen=True)
class Parent:
    """The float32 model that forms are made of: its file's bytes, wherever they come from, and its card."""

    graph: bytes
    card: ModelCard

    @cached_property
    def sha256(self) -> str:
        """What a form's card says of the file that it was made of."""
        return hashlib.sha256(self.graph).hexdigest()

    @cached_property
    def nodes(self) -> list[onnx.NodeProto]:
        """The operators, in topological order."""
        return list(onnx.load_model_from_string(self.graph).graph.node)
