"""The options that several commands share, each defined once."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def _datasets() -> list[str]:
    """Complete the names of data sets."""
    from edgecnn import data

    return list(data.named())


def _recipes() -> list[str]:
    """Complete the names of recipes."""
    from edgecnn import recipes

    return list(recipes.names())


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
        help="A name (edgecnn list datasets), folder:PATH or a .npz file.",
        autocompletion=_datasets,
    ),
]
RecipeName = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="A name (edgecnn list recipes) or a .toml file.", autocompletion=_recipes),
]
MaxDrop = Annotated[
    float, typer.Option("--max-drop-pp", metavar="X", help="Largest drop in accuracy to accept, in percentage points.")
]
Provider = Annotated[
    Literal["cpu", "cuda", "openvino"],
    typer.Option("--provider", help="Execution provider: exactly that one, or an error."),
]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file (.onnx).")]
Seconds = Annotated[float, typer.Option("--seconds", metavar="S", help="Time to measure each model in each setting.")]


def integers(text: str) -> tuple[int, ...]:
    """Parse whole numbers separated by commas, or say what was found.

    >>> integers("1,8,64")
    (1, 8, 64)
    """
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a list of whole numbers such as 1,8,64") from None
