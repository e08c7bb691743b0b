"""edgecnn demo"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .options import AsJson, DataRoot

if TYPE_CHECKING:
    from edgecnn.demo import Demo


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where everything goes.")] = Path(
        "edgecnn-demo"
    ),
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Go the whole path on the embedded digits in under a minute, without a network.

    Example: edgecnn demo -o edgecnn-demo
    """
    from edgecnn.demo import run_demo
    from edgecnn.train.device import keep_freed_memory

    keep_freed_memory()
    with console.stages(quiet=as_json) as say:
        result = run_demo(folder, root=root, on_stage=say)
    if as_json:
        console.show_json(result)
    else:
        show(result)
    raise typer.Exit(0 if result.passed else 1)


def show(result: "Demo") -> None:
    """Print one line a stage and the forms side by side."""
    from edgecnn.verify.gate import sentence

    trained, exported, verified = result.trained, result.exported, result.verified
    right = sum(answer.top[0].label in answer.path.stem for answer in result.predicted if answer.top)
    validation = trained.best.score
    stages = {
        "train": f"{trained.parameters:,} parameters, {trained.train_images:,} images, "
        f"{console.duration(trained.seconds)}, validation {validation:.2%}",
        "export": f"{console.size(exported.size_bytes)}, largest logit gap to PyTorch "
        f"{exported.max_abs_gap:.1e} on {exported.parity_images} images",
        "quantize": result.quantized.reason,
        "verify": f"test accuracy {verified.reference.accuracy:.2%} PyTorch, {verified.candidate.accuracy:.2%} "
        f"{verified.candidate.form}; {len(verified.flips)} of {verified.images} images flipped; drop "
        f"{sentence(verified.verdict, verified.images_needed, verified.max_drop_pp)}",
        "predict": f"{right} of {len(result.predicted)} pictures right",
    }
    console.show_table("", ("stage", "result"), list(stages.items()), left=2)
    sizes = {footprint.model: footprint for footprint in result.measured.footprints}
    console.say()
    console.show_table(
        f"latency of one image, {result.measured.environment.processor}",
        ("model", "form", "size", "p50 µs", "p99 µs", "images/s", "start ms", "memory"),
        [
            (
                Path(t.model).name,
                "PyTorch" if t.provider.startswith("PyTorch") else t.form,
                console.size(sizes[t.model].size_bytes),
                f"{t.p50_ms * 1e3:.0f}",
                f"{t.p99_ms * 1e3:.0f}",
                f"{t.images_per_second:,.0f}",
                f"{sizes[t.model].cold_start.total_ms:.0f}",
                console.size(sizes[t.model].cold_start.peak_bytes),
            )
            for t in result.measured.contenders
        ],
        left=2,
    )
    if result.measured.environment.warning:
        console.warn(result.measured.environment.warning)
    console.say(f"picture: {result.picture}")
    console.verdict(
        result.passed,
        f"{verified.candidate.accuracy:.2%} on {verified.images} held-out images in {console.duration(result.seconds)}",
    )
