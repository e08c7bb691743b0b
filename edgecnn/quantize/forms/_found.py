"""Forms by their names, and what they are made of."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn.card import Mixture, ModelCard
from edgecnn.registry import FORMS
from edgecnn.runtime import engine
from edgecnn.runtime.load import load_model

if TYPE_CHECKING:
    from edgecnn.quantize.trial import Trial

engine.onnxruntime()  # before a form imports its quantizer


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


class Form(Protocol):
    """What the module of a form has."""

    NAME: str
    AUTOMATIC: bool
    CALIBRATED: bool
    BATCH_DEPENDENT: bool
    SEARCHED: bool

    def unfit(self, parent: Parent) -> str | None:
        """Say why there is no such form of a model, as what follows its name; None where there is."""

    def build(self, parent: Parent, images_nhwc: NDArray[np.uint8]) -> bytes:
        """Return the form as a serialized model; there are no images for one that is not calibrated."""


class SearchedForm(Form, Protocol):
    """What the module of a form that is looked for has beside."""

    def search(self, parent: Parent, images_nhwc: NDArray[np.uint8], trial: "Trial") -> tuple[bytes, Mixture]:
        """Return the form that suffices on validation images, and what it is made of. Raises NotFoundError."""


def names() -> tuple[str, ...]:
    """Return the names of the forms, sorted."""
    return FORMS.names()


def get(name: str) -> Form:
    """Return the form of that name, or raise EdgecnnError."""
    return cast(Form, FORMS.module(name))


def automatic(parent: Parent) -> dict[str, Form]:
    """Return the forms to try of a model, by name; those that are calibrated, which are mostly the faster, first, and
    those that are looked for last."""
    known = {name: get(name) for name in names()}
    found = [name for name, form in known.items() if form.AUTOMATIC and form.unfit(parent) is None]
    return {
        name: known[name] for name in sorted(found, key=lambda name: (known[name].SEARCHED, not known[name].CALIBRATED))
    }


def parent_of(file: Path) -> Parent:
    """Read the model file that forms are to be made of. Raises ModelError and CardError."""
    return Parent(file.read_bytes(), load_model(file).card)
