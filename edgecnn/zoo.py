"""The model zoo: models that are known by name, wherever a model file is asked for.

A zoo folder has one folder a model, with ``preferred.onnx`` (the form to ship, where that is not the parent) and
``fp32.onnx``. ``mnist-compact`` stands for the preferred form, ``mnist-compact/fp32`` for that one. Folders are looked
into in this order, and the first that has a name gives all of its forms: the one in ``EDGECNN_MODELS``, ``exported/``
of a checkout, ``models/`` of the installed package.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from edgecnn.code_name import is_code
from edgecnn.errors import ModelError, nearest

VARIABLE = "EDGECNN_MODELS"
PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent / "exported"  # there in a checkout alone
CHECKPOINT, RUN_FILES = ".safetensors", ("recipe.toml", "best.safetensors")  # what is no model file yet
ARCHIVE, LIBRARIES = ".pt2", ("timm:", "torchvision:")  # how modules of PyTorch are named
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
    given = os.environ.get(VARIABLE)
    return [*([Path(given)] if given else []), CHECKOUT, PACKAGE / "models"]


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
    """Return the file that is meant: ``given`` where that is one, else the file of the zoo with that name.

    A folder is no model file, so one that is named like a model of the zoo does not hide it. Raises ModelError for what
    is neither, with the next step for a run and a checkpoint.
    """
    path = Path(given)
    is_folder = os.path.isdir(given)  # noqa: PTH112 - False, and no error, for what cannot be a path
    if os.path.exists(given) and not is_folder and path.suffix != CHECKPOINT:  # noqa: PTH110 - as above
        return path
    known, wanted = names(), path.as_posix()
    if wanted in known:
        return known[wanted]
    if is_module(given):
        raise ModelError(
            f"{given}: is a module of PyTorch; expected a model file. Make it one first: "
            f"edgecnn export {shlex.quote(str(given))} --labels LABELS --input HxWxC"
        )
    if is_folder or path.suffix == CHECKPOINT:
        raise ModelError(_no_model_file(path, is_folder))
    model, _, form = wanted.partition("/")
    if model in known:
        forms = ", ".join(name.partition("/")[2] for name in known if name.startswith(f"{model}/"))
        raise ModelError(f"no file named '{given}', and {model} of the zoo has no form '{form}'; it has {forms}.")
    listed = ", ".join(name for name in known if "/" not in name) or "no models"
    near = [*known, *_beside(path)]
    raise ModelError(f"no file and no model of the zoo named '{given}'; the zoo has {listed}.{nearest(wanted, near)}")


def _beside(path: Path) -> list[str]:
    """Return the model files of the folder that a path leads into."""
    try:
        return sorted(one.as_posix() for one in path.parent.glob("*.onnx"))
    except (OSError, ValueError):  # what cannot be a path
        return []


def title(given: str | Path) -> str:
    """Return what to call a model: the name of the zoo that was given, or that of its file, or of a zoo's folder.

    >>> title("mnist-compact/fp32"), title("flowers/roses.onnx"), title("zoo/roses/preferred.onnx")
    ('mnist-compact', 'roses', 'roses')
    """
    path = Path(given)
    if path.suffix != ".onnx":
        return path.parts[0] if path.as_posix() in names() else path.name
    return path.absolute().parent.name if path.stem in FORMS else path.stem


def is_run(folder: Path) -> bool:
    """Tell whether a training was finished, or began, in a folder."""
    return any((folder / name).is_file() for name in RUN_FILES)


def is_module(given: str | Path) -> bool:
    """Tell whether a module of PyTorch is named: FILE.py:NAME, LIBRARY:NAME or an archive of torch.export.

    >>> is_module("net.py:Net"), is_module("timm:resnet18"), is_module("net.onnx")
    (True, True, False)
    """
    name = str(given)
    return is_code(name) or name.startswith(LIBRARIES) or name.endswith(ARCHIVE)


def _no_model_file(path: Path, is_folder: bool) -> str:
    if not is_folder or is_run(path):
        return (
            f"{path}: is a {'run' if is_folder else 'checkpoint'}; expected a model file. Make it one first: "
            f"edgecnn export {shlex.quote(str(path))}"
        )
    inside = sorted(path.glob("*.onnx"))
    which = f", such as {inside[0]}" if inside else " (.onnx)"
    return f"{path}: is a folder; expected a model file{which}, or a name (edgecnn list models)."


def _forms(folder: Path) -> dict[str, Path]:
    return {form: path for form in FORMS if (path := folder / f"{form}.onnx").is_file()}
