"""The options that several commands share, each defined once."""

import glob
import math
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from edgecnn.digits.defaults import MIN_CONFIDENCE, MIN_CONFIDENCE_ALWAYS_A_DIGIT
from edgecnn.registry import DATASETS, DEVICES, PROVIDERS, RECIPES, STUDIES, Registry

MODEL_SUFFIXES = (".onnx", ".safetensors")


def one_of(registry: Registry, flag: str, text: str, *, also: tuple[str, ...] = ()) -> Any:
    """Return an option that takes a name of what there is one file of each for, or a word beside these."""
    names = (*also, *registry.names())
    return typer.Option(
        flag,
        metavar=f"<{'|'.join(names)}>",
        callback=lambda value: value if value in also else registry.check(value),
        autocompletion=lambda: list(names),
        help=text,
    )


def renamed(old: str, new: str) -> Any:
    """Return an option that is refused with the name that it has now; it goes with the next release."""

    def refuse(value: str | None) -> None:
        if value is not None:
            raise typer.BadParameter(f"{old} is called {new} now; use {new} {value}.")

    return typer.Option(old, hidden=True, callback=refuse)


def data_set_names() -> list[str]:
    """Complete the names of data sets."""
    return list(DATASETS.names())


def _recipes() -> list[str]:
    """Complete the names of recipes."""
    return list(RECIPES.names())


def _studies() -> list[str]:
    """Complete the names of studies."""
    return list(STUDIES.names())


def _models(incomplete: str) -> list[str]:
    """Complete the names of the zoo, with the files beside them; where no name fits, files are left to the shell."""
    from edgecnn import zoo

    names = [name for name in zoo.names() if name.startswith(incomplete)]
    beside = (path for path in sorted(Path().glob(f"{glob.escape(incomplete)}*")) if names)
    return names + [str(path) for path in beside if path.is_dir() or path.suffix in MODEL_SUFFIXES]


AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        help="Folder that holds the data sets. Default: EDGECNN_DATA, else the platform's cache folder.",
        file_okay=False,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATASET",
        help="A name (edgecnn list datasets), folder:PATH, csv:FILE, parquet:PATH, tar:PATH, hf:FOLDER or a .npz file.",
        autocompletion=data_set_names,
    ),
]
RecipeToTrain = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE",
        help="A name (edgecnn list recipes) or a .toml file; with --resume also a run.",
        show_default=False,
        autocompletion=_recipes,
    ),
]
StudyName = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="A name (edgecnn list studies) or a .toml file.", autocompletion=_studies),
]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to compare with.")
    return value


Detector = Annotated[
    Path, typer.Option("--detector", metavar="FILE", help="What finds the digits: a model file or a name of the zoo.")
]
MinScore = Annotated[
    float, typer.Option("--min-score", metavar="S", min=0, max=1, help="Reject detections of a lower score.")
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="C",
        min=0,
        max=1,
        help="Reject what has less as score times probability. "
        f"Default: {MIN_CONFIDENCE}, {MIN_CONFIDENCE_ALWAYS_A_DIGIT} with a model that has no class none.",
    ),
]
MaxDrop = Annotated[
    float,
    typer.Option(
        "--max-drop-pp",
        metavar="X",
        callback=_finite,
        help="Largest drop in accuracy to accept, in percentage points.",
    ),
]


def _finite_or_none(value: float | None) -> float | None:
    return None if value is None else _finite(value)


MaxClassDrop = Annotated[
    float | None,
    typer.Option(
        "--max-class-drop-pp",
        metavar="X",
        callback=_finite_or_none,
        help="Judge each class too: the largest drop of any to accept.",
        show_default=False,
    ),
]
Slices = Annotated[
    Path | None,
    typer.Option(
        "--slice",
        metavar="FILE.csv",
        help="Show slices of the images apart. Columns: index,slice or path,slice.",
        show_default=False,
    ),
]
MaxSliceDrop = Annotated[
    float | None,
    typer.Option(
        "--max-slice-drop-pp",
        metavar="X",
        callback=_finite_or_none,
        help="Judge each slice too: the largest drop of any to accept.",
        show_default=False,
    ),
]
Provider = Annotated[str, one_of(PROVIDERS, "--provider", "Execution provider: exactly that one, or an error.")]
Providers = Annotated[
    str,
    typer.Option(
        "--provider",
        metavar="P[,P]",
        callback=lambda value: ",".join(PROVIDERS.check(name) for name in dict.fromkeys(value.split(","))),
        autocompletion=lambda: list(PROVIDERS.names()),
        help=f"Execution providers: exactly these, or an error. There is {', '.join(PROVIDERS.names())}.",
    ),
]


def _device(value: str | None) -> str | None:
    """Refuse what names no device before anything is read."""
    if value is not None:
        from edgecnn.devices.place import place_of

        place_of(value)
    return value


On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar=f"<{'|'.join(f'{kind}:…' for kind in DEVICES.names())}>",
        callback=_device,
        help="A device to run it on, such as ssh://pi@raspberrypi. Default: here.",
    ),
]
ModelFile = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A model file (.onnx) or a name (edgecnn list models).", autocompletion=_models
    ),
]
Reference = Annotated[
    Path,
    typer.Argument(
        metavar="REFERENCE",
        help="A run, a checkpoint, a model file, a name (edgecnn list models), or a module: FILE.py:NAME.",
        autocompletion=_models,
    ),
]
Candidate = Annotated[
    Path,
    typer.Argument(
        metavar="CANDIDATE",
        help="A run, a checkpoint, a model file, a name (edgecnn list models), or a module: FILE.py:NAME.",
        autocompletion=_models,
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="LABELS",
        help="Classes in the order of the answers: a,b,c, or 0..9, or a .txt with one a line, or a .json.",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option("--scale", metavar="X", help="What pixels 0..255 are multiplied with first: 1/255, 1, 1/127.5."),
]
Mean = Annotated[
    str | None, typer.Option("--mean", metavar="X[,X,X]", help="What is subtracted then: one number, or one a channel.")
]
Std = Annotated[
    str | None, typer.Option("--std", metavar="X[,X,X]", help="What is divided by then: one, or one a channel.")
]
Weights = Annotated[
    Path | None, typer.Option("--weights", metavar="FILE", help="A module's state dict: .pth or .safetensors.")
]
InputShape = Annotated[
    str | None,
    typer.Option("--input", metavar="HxWxC", help="The pictures that a module takes, such as 28x28x1."),
]
AnyModel = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A run, a checkpoint, a model file or a name (edgecnn list models).",
        autocompletion=_models,
    ),
]
Contenders = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL...",
        help="Model files, names (edgecnn list models), runs, checkpoints, or modules (FILE.py:NAME, timm:NAME); the "
        "first is what the others are compared with.",
        autocompletion=_models,
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        "--seconds",
        metavar="S",
        min=0.01,
        callback=_finite,
        help="Time to measure each model in each setting, at most.",
    ),
]


def integers(text: str) -> tuple[int, ...]:
    """Parse positive integers separated by commas, or say what was found.

    >>> integers("1,8,64")
    (1, 8, 64)
    """
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a list of positive integers such as 1,8,64") from None


def next_command(*words: object, dataset: str | None = None, root: Path | None = None) -> str:
    """Return a command line that works as it is typed: with the data where they were found.

    >>> next_command("quantize", "my model.onnx", dataset="folder:pictures")
    "edgecnn quantize 'my model.onnx' --data folder:pictures"
    """
    options = [*(["--data", dataset] if dataset else []), *(["--data-root", str(root)] if root else [])]
    return shlex.join(["edgecnn", *map(str, words), *options])
