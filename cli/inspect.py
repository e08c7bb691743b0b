"""edgecnn inspect"""

from typing import TYPE_CHECKING

import typer

from . import console
from .options import AsJson, ModelFile

if TYPE_CHECKING:
    from edgecnn.card import Measured, ModelCard
    from edgecnn.inspection import Inspection
    from edgecnn.saturation import Saturation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(inspect)


def inspect(model: ModelFile, as_json: AsJson = False) -> None:
    """Show what is in a model file: layers with shapes, parameters, operations and bytes, and its card.

    Example: edgecnn inspect mnist-compact/fp32
    """
    from edgecnn.inspection import inspect as inspect_file

    with console.stages(quiet=as_json) as say:
        say("reading every layer")
        found = inspect_file(model)
    if as_json:
        totals = {name: getattr(found, name) for name in ("parameters", "stored_parameters", "macs")}
        console.show_json(vars(found) | totals)
    else:
        show(found)


def show(found: "Inspection") -> None:
    """Print the layer table, then the card."""
    rows = [
        (
            layer.operator,
            layer.output_shape,
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.macs:,}" if layer.macs else "",
            console.size(layer.weight_bytes) if layer.weight_bytes else "",
            layer.weight_type,
        )
        for layer in found.layers
    ]
    content, (_, height, width, _) = found.content, found.image_shape
    macs = "unknown" if found.macs is None else f"{found.macs:,}"
    total = console.size(sum(layer.weight_bytes for layer in found.layers))
    console.show_table(
        f"{found.path}: {console.size(found.size_bytes)}, opset {found.opset}, IR {found.ir_version}; "
        f"one image of {height}x{width}",
        ("layer", "output shape", "parameters", "multiply-adds", "weights", "type"),
        [*rows, ("all", "", f"{found.stored_parameters:,}", macs, total, "")],
        left=2,
        spare=("type", "multiply-adds"),
    )
    console.say(
        f"parameters: {found.parameters:,} of the network, {found.stored_parameters:,} in the file"
        + _why_others(found.parameters, found.stored_parameters)
    )
    console.say(
        f"bytes: {content.weights:,} weights + {content.constants:,} constants + {content.card:,} card + "
        f"{content.graph:,} graph = {found.size_bytes:,}"
    )
    console.say()
    console.show_table("card", ("", ""), _card_rows(found.card), left=2)
    if found.saturation.layers or found.saturation.unproven:
        console.say(f"int8: {_int8(found.saturation)}")


def _int8(found: "Saturation") -> str:
    """Say whether int8 sums can saturate, and what shows it."""
    from edgecnn.card import PAIR_BOUND

    if found.unproven:
        return f"not proven safe on processors that saturate: {'; '.join(found.unproven)}"
    worst = found.worst
    if worst is None:
        return "no signed int8 weights"
    where = f"the two largest weights of one sign sum to {worst.pair_sum} (channel {worst.channel} of {worst.layer})"
    if found.safe:
        return f"safe on any processor: {where}, of {PAIR_BOUND} that fit"
    return (
        f"NOT SAFE on processors without VNNI, which saturate: {where}, and only {PAIR_BOUND} fit. edgecnn computes it "
        "exactly there, other programs do not. Quantize its float32 parent again."
    )


def _why_others(trained: int, stored: int) -> str:
    if stored < trained:
        return " (norms are folded into the layers before them)"
    return "" if stored == trained else " (what is used at several sizes has a quantized bias for each)"


def _card_rows(card: "ModelCard") -> list[tuple[str, str]]:
    from edgecnn import metrics

    rows = [
        ("name", f"{card.name} ({card.network}, {card.form})"),
        ("input", f"image: uint8 (N, {', '.join(map(str, card.input.shape))}), 0..255, {card.input}"),
        ("labels", ", ".join(card.labels)),
        ("data set", _dataset(card)),
    ]
    rows += [*_adopted(card), *((metrics.title(score.metric), str(score)) for score in card.metrics)]
    if card.parity:
        rows.append(
            (
                "parity",
                f"largest gap of {card.parity.output} below {card.parity.max_abs_gap_below:g} against "
                f"{'the original' if card.adopted else 'PyTorch'} on "
                f"{card.parity.images:,} images ({card.parity.source})",
            )
        )
    if card.quantization and card.quantization.measured:
        measured = card.quantization.measured
        rows.append(
            (
                "quantized",
                f"from {(card.parent_sha256 or '')[:12]}: {measured.verdict} (latency x {measured.latency_ratio:.2f} "
                f"on {measured.place}), drop {measured.drop_pp:.2f} points{_interval(measured)}, "
                f"{'better than' if measured.preferred else 'not better than'} its parent",
            )
        )
    if card.appearance:
        looks = card.appearance
        rows.append(
            (
                "images",
                f"background {looks.background.low:.0f}..{looks.background.high:.0f} of 255, what stands out covers "
                f"{looks.share.low:.0%}..{looks.share.high:.0%} and reaches over {looks.reach.low:.0%}.."
                f"{looks.reach.high:.0%} of the side",
            )
        )
    rows.append(("golden", console.counted(len(card.golden.images_nhwc), "image") + _power(card)))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in sorted(card.versions.items()))))
    return rows


def _dataset(card: "ModelCard") -> str:
    if not card.dataset.is_known:
        return "none; say one with --data"
    return f"{card.dataset.name}: {card.dataset.train:,} to train, {card.dataset.validation:,} to validate"


def _adopted(card: "ModelCard") -> list[tuple[str, str]]:
    """Say of an adopted file what it was made of."""
    found = card.adopted
    if found is None:
        return []
    foreign = f", operators of {', '.join(found.foreign)}" if found.foreign else ""
    made = f"{found.file} (SHA-256 {found.sha256[:12]}, {found.producer}, opset {found.opset}{foreign})"
    return [("adopted", made), ("takes", f"{found.input}: {found.preprocessing}"), ("answers", found.answers)]


def _interval(measured: "Measured") -> str:
    if measured.drop_pp_ci95 is None or measured.max_drop_pp is None:
        return ""
    low, high = measured.drop_pp_ci95
    return f" (95 %: {low:.2f}..{high:.2f}, {measured.drop_verdict} at {measured.max_drop_pp:g})"


def _power(card: "ModelCard") -> str:
    """Say what the self-test is worth on this model, where that was measured."""
    power = card.golden.power
    if power is None:
        return ""
    return (
        f"; the self-test notices {power.noticed} of {power.harmful} damages that cost half a point on "
        f"{power.images:,} images, of {power.damages} tried"
    )
