"""The model zoo: models that are known by name, wherever a model file is asked for.

A zoo folder has one folder a model, with ``preferred.onnx`` (the form to ship, where that is not the parent) and
``fp32.onnx``. ``mnist-compact`` stands for the preferred form, ``mnist-compact/fp32`` for that one. Folders are looked
into in this order, and the first that has a name gives all of its forms: the one in ``EDGECNN_MODELS``, ``exported/``
of a checkout, ``models/`` of the installed package.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from edgecnn.errors import ModelError, nearest

VARIABLE = "EDGECNN_MODELS"
FORMS = ("preferred", "fp32")  # a bare name stands for the first that is there


@dataclass(frozen=True)
class ZooModel:
    """One model of the zoo with its files by form; the first is the preferred one."""

    name: str
    folder: Path
    forms: dict[str, Path]

    @property
    def preferred(self) -> Path:
        """The file that the bare name stands for."""
        return next(iter(self.forms.values()))


def roots() -> list[Path]:
    """Return the zoo folders, the first to be looked into first; none of them needs to exist."""
    given, package = os.environ.get(VARIABLE), Path(__file__).resolve().parent
    return [*([Path(given)] if given else []), package.parent / "exported", package / "models"]


def models_in(root: Path) -> list[ZooModel]:
    """Return the models of one zoo folder, by name."""
    folders = sorted({file.parent for form in FORMS for file in root.glob(f"*/{form}.onnx")})
    return [ZooModel(folder.name, folder, _forms(folder)) for folder in folders if not folder.name.startswith(".")]


def models() -> list[ZooModel]:
    """Return the models that are there, by name."""
    found = {model.name: model for root in reversed(roots()) for model in models_in(root)}
    return [found[name] for name in sorted(found)]


def names() -> dict[str, Path]:
    """Return everything that stands for a file of the zoo: ``name`` and ``name/form``."""
    return {
        name: path
        for model in models()
        for name, path in (
            (model.name, model.preferred),
            *((f"{model.name}/{form}", path) for form, path in model.forms.items()),
        )
    }


def find(given: str | Path) -> Path:
    """Return the path that is meant: ``given`` where that exists, else the file of the zoo with that name.

    Raises ModelError for what is neither.
    """
    if os.path.exists(given):  # noqa: PTH110 - False, and no error, for what cannot be a path
        return Path(given)
    known, wanted = names(), Path(given).as_posix()
    if wanted in known:
        return known[wanted]
    model, _, form = wanted.partition("/")
    if model in known:
        forms = ", ".join(name.partition("/")[2] for name in known if name.startswith(f"{model}/"))
        raise ModelError(f"no file named '{given}', and {model} of the zoo has no form '{form}'; it has {forms}.")
    listed = ", ".join(name for name in known if "/" not in name) or "no models"
    raise ModelError(f"no file and no model of the zoo named '{given}'; the zoo has {listed}.{nearest(wanted, known)}")


def _forms(folder: Path) -> dict[str, Path]:
    return {form: path for form in FORMS if (path := folder / f"{form}.onnx").is_file()}
