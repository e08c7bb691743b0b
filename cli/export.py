"""edgecnn export"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import console, said
from .options import AsJson, DataRoot, Dataset, InputShape, Labels, Mean, Scale, Std, Weights, next_command

if TYPE_CHECKING:
    from edgecnn.export import Exported


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|FILE.py:NAME",
            help="A run's folder or a checkpoint (.safetensors); or a module of yours in a file of Python, or .pt2; or "
            "timm:NAME, torchvision:NAME.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MODEL.onnx", help="Default: RUN.onnx here.")
    ] = None,
    calibrated: Annotated[
        bool, typer.Option("--calibrate", help="Fit a temperature on the validation split (temperature scaling).")
    ] = False,
    labels: Labels = None,
    shape: InputShape = None,
    weights: Weights = None,
    transform: Annotated[
        str | None,
        typer.Option(
            "--transform",
            metavar="FILE.py:NAME",
            help="What pictures go through before a module, of torchvision or timm, as for inference.",
        ),
    ] = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    answers: Annotated[
        str | None, typer.Option("--answers", metavar="KIND", help="What a module answers: logits or probabilities.")
    ] = None,
    dataset: Dataset = None,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Export a run, or a module of your own, to one ONNX file that was compared with PyTorch.

    A run is compared on the whole test set; a module on the test images of --data, or on noise and edge cases.

    Example: edgecnn export runs/mnist-c1 -o mnist-c1.onnx
    """
    from edgecnn import export as export_model
    from edgecnn.adopt.labels import labels_of

    numbers: dict[str, Any] = {
        "scale": scale and said.number(scale, "--scale"),
        "mean": mean and said.numbers(mean, "--mean"),
        "std": std and said.numbers(std, "--std"),
    }
    with console.stages(quiet=as_json) as say:
        exported = export_model(
            model,
            output,
            dataset=dataset,
            root=root,
            calibrated=calibrated,
            labels=None if labels is None else labels_of(labels),
            input=None if shape is None else said.shape(shape),
            preprocess=_preprocess(transform, {name: value for name, value in numbers.items() if value is not None}),
            weights=weights,
            answers=said.answers(answers)[1],
            on_stage=say,
        )
    if as_json:
        console.show_json(exported)
    else:
        _show(exported, model, root)


def _show(exported: "Exported", model: Path, root: Path | None) -> None:
    from edgecnn.card import TRAINED_FORM, UNKNOWN_DATASET
    from edgecnn.data import is_named
    from edgecnn.metadata import read_card

    for remark in exported.remarks:
        console.say(f"note: {remark}")
    console.say(
        f"{exported.path}: {console.size(exported.size_bytes)}, {exported.parameters:,} parameters, "
        f"opset {exported.opset}, IR {exported.ir_version}   card: {exported.card_path}"
    )
    console.show_parity("PyTorch", exported)
    own = None if is_named(exported.dataset) else exported.dataset
    if read_card(exported.path).form == TRAINED_FORM:
        console.say_next(next_command("verify", _start_of(model), exported.path, dataset=own, root=root))
        return
    step = "selftest" if exported.dataset == UNKNOWN_DATASET.name else "quantize"  # which needs images
    console.say_next(next_command(step, exported.path, dataset=own, root=root))


def _start_of(run: Path) -> Path:
    """Return the run in float32 that one with quantization started from."""
    from edgecnn import checkpoint

    return Path(str(checkpoint.read(run).recipe.start_from))


def _preprocess(transform: str | None, numbers: dict[str, Any]) -> Any:
    """Return what a module's pixels go through, as one of the two ways to say it has it."""
    if transform is None:
        return numbers or None
    if numbers:
        raise typer.BadParameter("say it once: --transform, or --scale, --mean and --std", param_hint="--transform")
    from edgecnn import own

    return own.transform(transform)
