"""Forms by their names, and what they are made of."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Mixture
from edgecnn.quantize.parent import Parent
from edgecnn.registry import FORMS
from edgecnn.runtime import engine
from edgecnn.runtime.load import load_model

if TYPE_CHECKING:
    from edgecnn.quantize.trial import Trial

engine.onnxruntime()  # before a form imports its quantizer


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
        """Return the form that suffices on validation images, and what it is made of. Raises FormError."""


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


def is_needed(form: Form, tried: Iterable[Form], drops_pp: Mapping[str, float], max_drop_pp: float) -> bool:
    """Tell whether to try a form beside others that were tried, whose drops are known by name: one that is looked for
    where the calibrated ones drop too far."""
    calibrated = [drops_pp[one.NAME] for one in tried if one.CALIBRATED and one.NAME in drops_pp]
    return not form.SEARCHED or (bool(calibrated) and min(calibrated) > max_drop_pp)


def parent_of(file: Path) -> Parent:
    """Read the model file that forms are to be made of. Raises ModelError and CardError."""
    return Parent(file.read_bytes(), load_model(file).card)
