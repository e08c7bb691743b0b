"""edgecnn export"""

from pathlib import Path
from typing import Annotated

import typer

from . import console
from .options import AsJson, DataRoot, Dataset, next_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or a checkpoint (.safetensors).")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MODEL.onnx", help="Default: RUN.onnx here.")
    ] = None,
    calibrated: Annotated[
        bool, typer.Option("--calibrate", help="Fit a temperature on the validation split (temperature scaling).")
    ] = False,
    dataset: Dataset = None,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Export a run to one ONNX file that was compared with PyTorch on the whole test set.

    Example: edgecnn export runs/mnist-c1 -o mnist-c1.onnx
    """
    from edgecnn import export as export_run
    from edgecnn import metrics
    from edgecnn.data import is_named

    with console.stages(quiet=as_json) as say:
        say("exporting and comparing with PyTorch")
        exported = export_run(run, output, dataset=dataset, root=root, calibrated=calibrated)
    if as_json:
        console.show_json(exported)
        return
    score = exported.test_score
    said = "" if exported.agreement is None else f", same top-1 on {exported.agreement:.2%}"
    said += "" if score is None else f", {metrics.title(score.metric)} {metrics.digits(score.metric, score.value)}"
    console.say(
        f"{exported.path}: {console.size(exported.size_bytes)}, {exported.parameters:,} parameters, "
        f"opset {exported.opset}, IR {exported.ir_version}   card: {exported.card_path}"
    )
    console.verdict(
        True,
        f"same as PyTorch on {exported.parity_images:,} images ({exported.parity_source}): largest gap of "
        f"{exported.output} {exported.max_abs_gap:.1e}{said}",
    )
    own = None if is_named(exported.dataset) else exported.dataset
    console.say_next(next_command("quantize", exported.path, dataset=own, root=root))
