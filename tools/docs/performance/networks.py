"""What is measured: the nine networks of the reports, trained from their recipes, and the zoo.

Each has a folder: ``fp32.onnx``, each other form as NAME.onnx, ``facts.json``, and of the nine ``run-EPOCHS``,
``checkpoint.safetensors`` and ``plain.onnx``, what torch.onnx.export makes of the network alone. What is there is not
made again.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copyfile

import numpy as np
import torch

from edgecnn import checkpoint, documents, files, zoo
from edgecnn.checkpoint import BEST
from edgecnn.errors import EdgecnnError
from edgecnn.export import export
from edgecnn.inspection import inspect
from edgecnn.metadata import read_card
from edgecnn.quantize import forms
from edgecnn.quantize.yardstick import yardstick_for
from edgecnn.recipes.read import read
from edgecnn.train import train
from edgecnn.tune import graphs

REPORTS = {
    "A1": "mnist-a1", "A2": "cifar100-a2", "B1": "mnist-b1", "B2": "mnist-b2", "B4": "cifar10-b4", "C1": "mnist-c1",
    "D1": "fashion-mnist-d1", "E1": "mnist-e1", "E8": "cifar10-e8",
}  # fmt: skip
MAX_DROP_PP = 0.2
BRIEF = {"epochs": 1, "data.subset": 4000, "data.validation": 0.5}
FP32 = "fp32"
FACTS = "facts.json"


@dataclass(frozen=True)
class Form:
    """A form of a network with its drop on validation images, in points of the metric."""

    name: str
    drop_pp: float
    bytes: int


@dataclass(frozen=True)
class Facts:
    """What is known of a network before it is measured: multiply-adds and bytes of float32 weights of one image, its
    forms, and for how many epochs of how many it was trained: 0 is for a moment (BRIEF), or not known here."""

    name: str
    row: str
    parameters: int
    macs: int
    weight_bytes: int
    epochs: int
    epochs_stated: int
    forms: list[Form]
    sha256: str


def ready(folder: Path) -> Iterator[Facts]:
    """Yield the networks that are there, the nine first."""
    for name in (*REPORTS.values(), *(f"zoo-{model}" for model in zoo_names())):
        if (folder / name / FACTS).exists():
            yield documents.read(Facts, folder / name / FACTS)


def zoo_names() -> list[str]:
    """Return the models of the checkout's zoo whose float32 parent is there."""
    return [model.name for model in zoo.models_in(zoo.CHECKOUT) if FP32 in model.forms]


def prepare(folder: Path, root: Path, names: list[str], *, epochs: int | None = None, brief: bool = False) -> None:
    """Train, export and quantize what is not there yet; ``epochs`` cuts trainings short, and ``brief`` shows networks a
    few images alone: enough for latency, and for nothing else."""
    for row, recipe in REPORTS.items():
        if not names or recipe in names:
            _said(recipe, partial(_report, folder / recipe, row, recipe, root, 0 if brief else epochs))
    for name in zoo_names():
        if not names or f"zoo-{name}" in names:
            _said(f"zoo-{name}", partial(_of_zoo, folder / f"zoo-{name}", name, root))


def _said(name: str, make: Callable[[], None]) -> None:
    print(f"{name}: preparing", file=sys.stderr, flush=True)
    try:
        make()
    except EdgecnnError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)


def _report(folder: Path, row: str, name: str, root: Path, epochs: int | None) -> None:
    """Make what is there of a network's folder, unless it was trained for as many epochs; 0 is BRIEF."""
    stated = read(name).epochs
    count = stated if epochs is None else min(epochs, stated)
    if (folder / FACTS).exists() and documents.read(Facts, folder / FACTS).epochs >= count:
        return
    run = folder / f"run-{count}"
    if not (run / "outcome.json").exists():
        changes = {"epochs": count} if count else BRIEF
        train(read(name, changes), run, root=root, resume=(run / "state.pt").exists())
    for former in folder.glob("*.onnx"):
        former.unlink()
    export(run, folder / "fp32.onnx", root=root)
    copyfile(run / BEST, folder / "checkpoint.safetensors")
    _plain(folder)
    _write(folder, name, row, count, stated, _forms(folder, root))


def _of_zoo(folder: Path, name: str, root: Path) -> None:
    model = next(one for one in zoo.models_in(zoo.CHECKOUT) if one.name == name)
    if (folder / FACTS).exists():
        known = documents.read(Facts, folder / FACTS)
        if known.sha256 == files.sha256(model.forms[FP32]):
            return
    folder.mkdir(parents=True, exist_ok=True)
    for form, path in model.forms.items():
        copyfile(path, folder / ("fp32.onnx" if form == FP32 else "preferred.onnx"))
    made = []
    if (folder / "preferred.onnx").exists():
        quantization = read_card(folder / "preferred.onnx").quantization
        measured = None if quantization is None else quantization.measured
        size = (folder / "preferred.onnx").stat().st_size
        made = [Form("preferred", 0.0 if measured is None else measured.drop_pp, size)]
    _write(folder, f"zoo-{name}", name, 0, 0, made)


def _plain(folder: Path) -> None:
    """Write what a user gets from torch.onnx.export of the network: normalized pixels (N, C, H, W) in, logits out;
    and the golden images as such pixels."""
    found = checkpoint.read(folder / "checkpoint.safetensors")
    module = found.build().eval()
    pixels_nchw = module.normalized(found.golden_images_nhwc[:2])
    program = torch.onnx.export(
        module.network,
        (pixels_nchw,),
        dynamic_shapes=({0: torch.export.Dim("N")},),
        input_names=["pixels"],
        output_names=["logits"],
        verbose=False,
    )
    assert program is not None
    with files.replacing(folder / "plain.onnx") as partial:
        program.save(partial, external_data=False)
    np.save(folder / "plain.npy", module.normalized(found.golden_images_nhwc).numpy())


def _forms(folder: Path, root: Path) -> list[Form]:
    """Make every form that is right on all processors, and score it on validation images, as ``tune`` does."""
    file = folder / "fp32.onnx"
    parent = forms.parent_of(file)
    yardstick = yardstick_for(file, parent.card, dataset=None, root=root)
    wanted = [forms.get(name) for name in forms.names()]
    fitting = [form for form in wanted if form.AUTOMATIC and form.unfit(parent) is None]
    made, _ = graphs.made(fitting, parent, yardstick, MAX_DROP_PP, fresh=False, on_stage=lambda text: None)
    for graph in made:
        copyfile(graph.path, folder / f"{graph.form}.onnx")
    return [Form(graph.form, graph.scored.drop_pp, graph.path.stat().st_size) for graph in made]


def _write(folder: Path, name: str, row: str, epochs: int, stated: int, made: list[Form]) -> None:
    file = folder / "fp32.onnx"
    seen = inspect(file)
    whole = Form(FP32, 0.0, file.stat().st_size)
    found = Facts(
        name, row, seen.parameters, seen.macs or 0, sum(layer.weight_bytes for layer in seen.layers), epochs, stated,
        [whole, *made], files.sha256(file),
    )  # fmt: skip
    files.write_text(folder / FACTS, documents.to_json(found) + "\n")
