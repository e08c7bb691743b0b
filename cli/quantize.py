"""edgecnn quantize"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgecnn.registry import FORMS

from . import console
from .bench import show_device
from .options import AsJson, DataRoot, Dataset, MaxDrop, ModelFile, On, Provider, Seconds, next_command, one_of

if TYPE_CHECKING:
    from edgecnn.card import Mixture
    from edgecnn.quantize import Candidate, Quantized


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(quantize)


def quantize(
    model: ModelFile,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT.onnx", help="Default: MODEL-preferred.onnx, MODEL-static.onnx, …"),
    ] = None,
    method: Annotated[
        str,
        one_of(
            FORMS,
            "--method",
            "auto tries every form that is safe on any processor; a name makes that form, whatever it is worth.",
            also=("auto",),
        ),
    ] = "auto",
    max_drop_pp: MaxDrop = 0.5,
    dataset: Dataset = None,
    root: DataRoot = None,
    seconds: Seconds = 4.0,
    provider: Provider = "cpu",
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Quantize a model and measure whether that was worth it. auto writes the form to ship, if not the parent.

    static is int8 throughout, dense in dense layers alone; fp16 stores weights in two bytes. mixed is static with as
    many layers in float32 as bring the drop within --max-drop-pp; auto looks for it where static drops too far.

    With --provider it is the form for that one, on which latency is measured and golden images are answered.

    With --on, both on a device that ssh reaches, so that it is the form for that device; accuracy is measured here.

    Example: edgecnn quantize mnist-c1.onnx -o mnist-c1-preferred.onnx --max-drop-pp 0.2
    """
    from edgecnn import quantize as quantize_file

    with console.stages(quiet=as_json) as say:
        result = quantize_file(
            model,
            output,
            method=method,
            max_drop_pp=max_drop_pp,
            dataset=dataset,
            root=root,
            seconds=seconds,
            provider=provider,
            on=on,
            on_stage=say,
        )
    if as_json:
        console.show_json(result)
    else:
        show(result, dataset, root)


def show(result: "Quantized", dataset: str | None, root: Path | None) -> None:
    """Print the forms side by side, what was chosen, and how to see what it is worth on the test split."""
    from edgecnn import metrics
    from edgecnn.verify.shown import flips_text

    score = metrics.digits(result.metric, result.parent_validation_score)
    rows = [(result.parent_form, console.size(result.parent_size_bytes), score, "", "", "1.00", "", "parent")]
    for found in result.candidates:
        low, high = found.latency_ratio_ci95
        least, most = found.drop_pp_ci95
        rows.append(
            (
                found.form,
                console.size(found.size_bytes),
                metrics.digits(result.metric, found.validation_score),
                f"{found.drop_pp:+.2f}",
                f"{least:.2f}..{most:.2f}",
                f"{found.latency_ratio:.2f}",
                f"{low:.2f}..{high:.2f}",
                _words(found),
            )
        )
    rows += [(lost.form, "", "", "", "", "", "", f"lost at its {lost.stage}") for lost in result.lost]
    console.show_table(
        f"{result.validation_images:,} validation images; latency at batch 1 over the parent's"
        + (f", both on {result.provider}" if result.provider != "cpu" else ""),
        ("form", "size", metrics.title(result.metric), "drop pp", "95 %", "latency", "95 %", "verdict"),
        rows,
    )
    show_device(result.environment)
    for found in result.candidates:
        if found.mixture is not None:
            _show_mixture(found.form, found.mixture)
    for found in result.candidates:
        if found.flip_counts is not None:
            console.say(f"{found.form}: {flips_text(found.flip_counts, result.validation_images)}")
    for lost in result.lost:
        console.say(f"{lost.form} was lost at its {lost.stage}: {lost.reason}")
    console.say(result.reason, style="bold")
    if result.output_form != result.preferred:
        console.warn(f"{result.output} is {result.output_form}, which is not the preferred form.")
    if result.output_form == result.parent_form:
        console.say(f"{result.output}: stays the file to ship, nothing was written")
        console.say_next(next_command("evaluate", result.parent, dataset=dataset, root=root))
        return
    console.say(f"{result.output}: {result.output_form}")
    there = ("--on", result.environment.place) if result.environment else ()
    console.say_next(next_command("verify", result.parent, result.output, *there, dataset=dataset, root=root))


def _show_mixture(form: str, mixture: "Mixture") -> None:
    """Print which layers stayed in float, what their integers cost, and what was left of the drop with each."""
    drop = mixture.static_drop_pp
    rows: list[tuple[str, ...]] = [("none", "", "", "", f"{drop:+.2f}", "")]
    for layer in mixture.in_float:
        ratios = ("" if ratio is None else f"{ratio:.1f}" for ratio in (layer.snr_db, layer.alone_db))
        rows.append((layer.name, layer.title, *ratios, f"{layer.drop_pp:+.2f}", f"{drop - layer.drop_pp:+.2f}"))
        drop = layer.drop_pp
    console.show_table(
        f"{form}: {len(mixture.in_float)} of {mixture.layers} layers in float32, one after the other; signal to noise "
        "of int8 in dB",
        ("in float", "layer", "of its values", "alone, at the end", "drop pp", "brings pp"),
        rows,
    )


def _words(found: "Candidate") -> str:
    words = found.verdict
    if not found.accurate:
        words += ", but drops too far"
    elif found.drop_verdict == "undecided":
        words += ", drop undecided"
    return words + ("" if found.overflow.safe else "; only for processors that do not saturate")
