"""Set the zoo beside figures that others have published: docs/results/peers.md and its pictures.

    python tools/docs/peers_page.py prepare --folder FOLDER --data-root ROOT   # builds the networks
    python tools/docs/peers_page.py record --folder FOLDER                     # measures; nothing else may run
    python tools/docs/peers_page.py                                            # writes page and pictures

Accuracy is what is published. Size and latency depend on a network alone, not on what it was trained for: each is built
here, shown a few images for an epoch, exported and quantized as the zoo's files are, and measured beside those, in one
run. What has no network here has its published number of parameters alone, and stands in no picture.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

import numpy as np
from page_table import table
from zoo_pictures import write

from edgecnn import data, documents, files, zoo
from edgecnn.bench import bench
from edgecnn.data import npz
from edgecnn.export import export
from edgecnn.inspection import inspect
from edgecnn.machine.environment import Environment
from edgecnn.quantize import forms
from edgecnn.quantize.yardstick import yardstick_for
from edgecnn.recipes.read import read
from edgecnn.report import model_card, pareto, ranking, style
from edgecnn.report.ranking import Board, Row
from edgecnn.train import train
from edgecnn.tune import graphs

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "records" / "peers.json"
TARGET = ROOT / "docs" / "results" / "peers.md"
PICTURES = ROOT / "docs" / "pictures" / "peers"
FORM, GONE = "static", " (before)"
FEW = {"train": 800, "test": 200}  # images that are shown, as many of each class
BRIEF: dict[str, Any] = {
    "epochs": 1, "data.validation": 0.5, "optimizer.learning_rate": 1e-3, "regularization.ema": 0.0,
}  # fmt: skip
CIFAR_MODELS = "https://github.com/chenyaofo/pytorch-cifar-models"
DENSENETS = "https://github.com/bearpaw/pytorch-classification"
FASHION = "https://github.com/zalandoresearch/fashion-mnist"
TINY = "https://mlcommons.org/benchmarks/inference-tiny"
AIRBENCH = "https://github.com/KellerJordan/cifar10-airbench"
LECUN = "https://yann.lecun.com/exdb/mnist/"
RECIPE = "cifar10-resnet20"
DATASETS = ("cifar10", "cifar100", "fashion-mnist", "mnist")
BEFORE = "a05dc51167"  # the commit of the zoo before its files were replaced


@dataclass(frozen=True)
class Published:
    """An accuracy on the test images, in percent, with its source; and the network here that is the same, with its
    parameters."""

    dataset: str
    name: str
    percent: float
    parameters: float
    source: str
    network: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def _resnet(dataset: str, depth: int, percent: float, millions: float) -> Published:
    settings = {"depth": depth, "width": 16}
    return Published(dataset, f"ResNet-{depth}", percent, 1e6 * millions, CIFAR_MODELS, "resnetcifar", settings)


def _mobilenet(dataset: str, width: float, percent: float, millions: float) -> Published:
    settings = {"width": width, "last": round(1280 * max(1.0, width))}
    name = f"MobileNetV2 x{width:g}"
    return Published(dataset, name, percent, 1e6 * millions, CIFAR_MODELS, "mobilenetv2", settings)


def _densenet(dataset: str, percent: float, source: str, millions: float = 0.77) -> Published:
    settings = {"depth": 100, "growth": 12}
    return Published(dataset, "DenseNet-BC 100", percent, 1e6 * millions, source, "densenet", settings)


PEERS = (
    Published("cifar10", "MLPerf Tiny, asked for", 85.0, 78_042, TINY, "resnet8"),
    _resnet("cifar10", 20, 92.60, 0.27),
    _resnet("cifar10", 32, 93.53, 0.47),
    _resnet("cifar10", 56, 94.37, 0.86),
    _mobilenet("cifar10", 0.75, 93.72, 1.37),
    _densenet("cifar10", 95.46, DENSENETS),
    Published("cifar10", "airbench94, six views", 94.01, 1_972_792, AIRBENCH),
    _resnet("cifar100", 56, 72.63, 0.86),
    _mobilenet("cifar100", 0.5, 70.88, 0.82),
    _mobilenet("cifar100", 0.75, 73.61, 1.48),
    _mobilenet("cifar100", 1.4, 75.98, 4.50),
    _densenet("cifar100", 77.12, DENSENETS),
    _densenet("fashion-mnist", 95.4, FASHION, 0.768),
    Published("mnist", "LeNet-5, distortions", 99.2, 60_000, LECUN, "lenet"),
)


@dataclass(frozen=True)
class Measured:
    """A network as a file here: parameters, bytes of the int8 file, median milliseconds of one image."""

    name: str
    parameters: int
    size_bytes: int
    latency_ms: float


@dataclass(frozen=True)
class Replaced:
    """A file that the zoo had before, with its accuracy in percent."""

    measured: Measured
    percent: float


@dataclass(frozen=True)
class Record:
    """What was measured: by data set, the peers and the zoo's preferred files, and those that it had ``before`` and has
    no more, in one run each."""

    measured: dict[str, list[Measured]]
    before: dict[str, list[Replaced]]
    environment: Environment
    date: str


PAGE = """\
# The zoo beside what others published

Generated by `tools/docs/peers_page.py`. Accuracy of the others is what their sources say, in float32; those of
[pytorch-cifar-models]({cifar_models}) are of the epoch that was best on
the test images. Ours are those of the files, read once, with the epoch chosen on validation images. Size and latency
follow from a network alone: each was built here, trained for a moment, exported and quantized as the zoo's files are
(int8 that no processor gets wrong), and measured beside those in one run: one thread of
{machine}, {date}.
Ours are in the form that the zoo prefers, which is float32 where int8 was not shown to be faster.
Squares are published figures, circles the zoo, gray ones what it had before, where that was replaced.

{boards}

What has no network here stands in the tables alone, with its published number of parameters.

## What this says of the zoo

{behind}
"""


def prepare(folder: Path, root: Path) -> None:
    """Build all that have a network and are not there yet."""
    for peer in PEERS:
        if peer.network and not _path(folder, peer).exists():
            print(f"{peer.dataset}: {peer.name}", file=sys.stderr, flush=True)
            _build(peer, _path(folder, peer), _few(peer.dataset, folder, root))


def record(folder: Path) -> None:
    """Measure what was built beside the zoo's preferred files, a data set at a time."""
    found, before, environment = {}, {}, None
    for dataset in DATASETS:
        gone = {f"{model.name}{GONE}": model for model in _replaced(dataset, folder)}
        every = {model.name: model.preferred for model in _zoo(dataset)}
        every |= {peer.name: _path(folder, peer) for peer in _of(dataset)}
        every |= {name: model.preferred for name, model in gone.items()}
        said = partial(print, file=sys.stderr, flush=True)
        report = bench([str(path) for path in every.values()], batches=[1], threads=[1], on_setting=said)
        environment = report.environment
        measured = [
            Measured(name, inspect(path).parameters, path.stat().st_size, timing.p50_ms)
            for (name, path), timing in zip(every.items(), report.contenders, strict=True)
        ]
        found[dataset] = [one for one in measured if one.name not in gone]
        before[dataset] = [Replaced(one, _percent(gone[one.name])) for one in measured if one.name in gone]
    assert environment is not None
    text = documents.to_json(Record(found, before, environment, f"{datetime.now(UTC):%Y-%m-%d}"))
    files.write_text(RECORD, text + "\n")


def _percent(model: zoo.ZooModel) -> float:
    score = model_card.summary(model).forms[0].score
    assert score is not None
    return 100 * score.value


def _replaced(dataset: str, folder: Path) -> list[zoo.ZooModel]:
    """Return what the zoo had at BEFORE and has not now."""
    there = folder / f"before-{BEFORE}"
    if not there.exists():
        archive = subprocess.run(["git", "-C", ROOT, "archive", BEFORE, "exported"], capture_output=True, check=True)
        there.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", there], input=archive.stdout, check=True)
    now = {model.preferred.read_bytes() for model in _zoo(dataset)}
    return [model for model in _zoo(dataset, there / "exported") if model.preferred.read_bytes() not in now]


def _of(dataset: str) -> Iterator[Published]:
    return (peer for peer in PEERS if peer.dataset == dataset and peer.network)


def _zoo(dataset: str, where: Path = zoo.CHECKOUT) -> list[zoo.ZooModel]:
    models = zoo.models_in(where)
    return [model for model in models if model_card.summary(model).dataset == dataset]


def _path(folder: Path, peer: Published) -> Path:
    name = "".join(letter if letter.isalnum() else "-" for letter in peer.name.lower())
    return folder / f"{peer.dataset}-{name}" / f"{FORM}.onnx"


def _few(dataset: str, folder: Path, root: Path) -> Path:
    """Return a data set of a few images of another one."""
    target = folder / f"{dataset}.npz"
    if not target.exists():
        whole = data.read_whole(dataset, None, None, root=root)
        arrays: dict[str, Any] = {"label_names": np.array(whole.train.names)}
        for split, count in FEW.items():
            given = getattr(whole, split)
            of_each = [
                np.flatnonzero(given.labels_n == label)[: count // len(given.names)] for label in set(given.labels_n)
            ]
            some = np.concatenate(of_each)
            arrays |= {f"{split}_images": given.images_nhwc[some], f"{split}_labels": given.labels_n[some]}
        npz.write(target, arrays)
    return target


def _build(peer: Published, target: Path, few: Path) -> None:
    """Write the int8 file of a network that has seen a few images."""
    folder, shown = target.parent, str(few)
    rmtree(folder, ignore_errors=True)
    train(
        read(RECIPE, {**BRIEF, "data.name": shown, "network": {"name": peer.network, "parameters": peer.settings}}),
        folder / "run",
    )
    export(folder / "run", folder / "fp32.onnx", dataset=shown)
    parent = forms.parent_of(folder / "fp32.onnx")
    yardstick = yardstick_for(folder / "fp32.onnx", parent.card, dataset=shown, root=None)
    made, lost = graphs.made([forms.get(FORM)], parent, yardstick, 100.0, fresh=True, on_stage=lambda text: None)
    if not made:
        raise SystemExit(f"{peer.name}: {lost}")
    with files.replacing(target) as partial:
        copyfile(made[0].path, partial)


def boards(found: Record) -> dict[str, Board]:
    """Return by data set the zoo's preferred files and the others, with what was measured in one run."""
    ours = model_card.boards([model_card.summary(model) for model in zoo.models_in(zoo.CHECKOUT)])
    result = {}
    for dataset, measured in found.measured.items():
        by_name = {one.name: one for one in measured}
        rows = [
            replace(row, size_bytes=by_name[row.model].size_bytes, latency_ms=by_name[row.model].latency_ms)
            for row in ours[dataset].rows
            if row.model in by_name
        ]
        for peer in _of(dataset):
            one = by_name[peer.name]
            share = peer.percent / 100
            rows.append(Row(peer.name, "published", share, None, one.size_bytes, one.latency_ms, one.parameters))
        for gone in found.before[dataset]:
            one, share = gone.measured, gone.percent / 100
            rows.append(Row(one.name, "before", share, None, one.size_bytes, one.latency_ms, one.parameters))
        result[dataset] = ranking.ranked(dataset, "test", "accuracy", ours[dataset].images, rows)
    return result


def page(record: Path = RECORD) -> str:
    """Return the page."""
    found = documents.read(Record, record)
    every = boards(found)
    return PAGE.format(
        cifar_models=CIFAR_MODELS,
        machine=machine(found.environment),
        date=found.date,
        boards="\n\n".join(_shown(board) for board in every.values()),
        behind="\n".join(_behind(board) for board in every.values()),
    )


def machine(environment: Environment) -> str:
    """Return processor, its kind, and ONNX Runtime's version."""
    return f"{environment.processor}, {environment.family}, ONNX Runtime {environment.versions['onnxruntime']}"


def _shown(board: Board) -> str:
    sources = {peer.name: peer for peer in PEERS if peer.dataset == board.dataset}
    rows = []
    for row in board.rows:
        peer = sources.pop(row.model, None)
        name = f"[{row.model}]({peer.source})" if peer else row.model if row.form == "before" else f"**{row.model}**"
        size, latency = f"{row.size_bytes / 1e3:,.0f} kB", f"{row.latency_ms or 0:.2f} ms"
        rows.append((name, f"{100 * row.score:.2f}%", f"{row.parameters:,}", size, latency, "yes" if row.front else ""))
    rows += [
        (f"[{peer.name}]({peer.source})", f"{peer.percent:.2f}%", f"{peer.parameters:,.0f}", "", "", "")
        for peer in sources.values()
    ]
    titles = ("network", "test accuracy", "parameters", "file", "one image", "on the front")
    picture = f"![{board.title}: the zoo and published figures](../pictures/peers/{board.dataset}.png)"
    return f"## {board.dataset}\n\n{table(titles, rows, 'lrrrrl')}\n\n{picture}"


def _behind(board: Board) -> str:
    """Say which published figures are at least as accurate as a file of the zoo, and smaller."""
    theirs = [row for row in board.rows if row.form == "published"]
    said = []
    for row in board.rows:
        better = [other for other in theirs if other.score >= row.score and other.size_bytes < row.size_bytes]
        if row.form not in ("published", "before") and better:
            smaller = min(better, key=lambda other: other.size_bytes)
            share, slower = smaller.size_bytes / row.size_bytes, (smaller.latency_ms or 0) / (row.latency_ms or 1)
            said.append(
                f"- `{row.model}`: {smaller.model} was published with as much, in {share:.2f} of the bytes and "
                f"{slower:.2f} times the latency."
            )
    return "\n".join(said) or f"- {board.dataset}: no published figure here is as accurate and smaller."


def draw(record: Path = RECORD) -> None:
    """Draw a picture for each data set."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with style.style():
        for dataset, board in boards(documents.read(Record, record)).items():
            published, before = (
                frozenset(row.model for row in board.rows if row.form == form) for form in ("published", "before")
            )
            others = pareto.Others(published, before)
            write(PICTURES / f"{dataset}.png", pareto.draw(board, others=others))


def main() -> None:
    """Build, measure, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    for name in ("prepare", "record"):
        command = commands.add_parser(name)
        command.add_argument("--folder", type=Path, required=True)
        if name == "prepare":
            command.add_argument("--data-root", type=Path, required=True)
    given = parser.parse_args()
    if given.command == "prepare":
        prepare(given.folder, given.data_root)
        return
    if given.command == "record":
        record(given.folder)
    draw()
    files.write_text(TARGET, page())


if __name__ == "__main__":
    main()
