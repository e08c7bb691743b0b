"""What is spoiled, and the call that must answer or refuse: one class of files each, through the library's own door."""

import copy
import importlib
import io
import json
import os
import random
import struct
import tempfile
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mutations
import numpy as np

from edgecnn import zoo

Made = Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Case:
    """``make`` draws a spoiled file of that name; ``use`` is what a user would do with its path."""

    file: str
    make: Made
    use: Callable[[Path], object]


@cache
def _model(name: str) -> bytes:
    return zoo.find(name).read_bytes()


def _models(draw: random.Random) -> bytes:
    import onnx

    content = _model(draw.choice(("mnist-c1/fp32", "mnist-c1/fp32", "mnist-compact", "digit-finder")))
    if draw.random() < 0.25:
        return mutations.spoiled(content, _model("mnist-c1/fp32"), draw)
    message = onnx.load_model_from_string(content)
    mutations.spoil_message(draw.choice((message, message.graph, message.graph)), draw)
    return message.SerializeToString()


def _use_model(path: Path) -> object:
    from edgecnn.inspection import inspect
    from edgecnn.runtime.detector import Detector
    from edgecnn.runtime.load import load_model
    from edgecnn.runtime.selftest import selftest

    opened = load_model(path, threads=1)
    card = opened.card
    if isinstance(opened, Detector):
        opened.detect(np.zeros((64, 64), np.uint8))
    else:
        opened.predict(np.zeros((30, 20, 3), np.uint8))
        selftest(opened)
    return card, _shown(inspect(path))


def _shown(found: Any) -> object:
    from edgecnn_cli import console
    from edgecnn_cli.inspect import show

    with Path(os.devnull).open("w") as nowhere, _printing(nowhere):
        console.show_json({**vars(found), "parameters": found.parameters, "macs": found.macs})
        return show(found)


@contextmanager
def _printing(stream: Any) -> Any:
    with redirect_stdout(stream), redirect_stderr(stream):  # which the console looks up anew for each line
        yield


@cache
def _card() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zoo.find("mnist-compact").with_suffix(".card.json").read_text(encoding="utf-8"))
    return found


def _document(document: dict[str, Any], draw: random.Random) -> bytes:
    chance = draw.random()
    if chance < 0.2:
        return mutations.spoiled(json.dumps(document).encode(), b'{"a": [1, "\\ud800"]}', draw)
    if chance < 0.25:
        return b"[" * draw.choice((90, 2_000, 200_000))
    spoiled = mutations.spoil_document(copy.deepcopy(document), draw)
    return json.dumps(spoiled, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")


def _use_card(path: Path) -> object:
    from edgecnn_cli.inspect import _card_rows

    from edgecnn import documents
    from edgecnn.card import ModelCard
    from edgecnn.embed import targets

    card = ModelCard.from_json(path.read_bytes(), source=path.name)
    of_the_card = [name for name in targets.names() if "model.onnx" in targets.get(name).COPIED]
    generated = [targets.get(name).generated(card, b"") for name in of_the_card]
    return card.metadata(), documents.to_json(card), _card_rows(card), generated


@cache
def _checkpoint() -> bytes:
    """A small network with fresh weights, as a run has it."""
    import torch

    from edgecnn import checkpoint
    from edgecnn.card import DatasetRecord, ImageInput
    from edgecnn.recipes.read import read

    torch.manual_seed(0)
    recipe = read("digits-compact", {"network.parameters": {"filters": [4, 8]}})
    shape, labels = ImageInput(28, 28, 1), tuple("0123456789")
    network = checkpoint.build_classifier(recipe, shape, len(labels))
    written = Path(tempfile.gettempdir()) / f"seed-{os.getpid()}.safetensors"
    checkpoint.write(
        written,
        checkpoint.Checkpoint(
            recipe=recipe,
            labels=labels,
            input=shape,
            dataset=DatasetRecord("digits", 1238, 200, 0),
            epoch=1,
            figures={"accuracy": 0.5, "loss": 1.0},
            versions={"edgecnn": "0"},
            weights=network.state_dict(),
            golden_images_nhwc=torch.zeros(2, 28, 28, 1, dtype=torch.uint8),
        ),
    )
    content = written.read_bytes()
    written.unlink()
    return content


def _checkpoints(draw: random.Random) -> bytes:
    content = _checkpoint()
    if draw.random() < 0.2:
        return mutations.spoiled(content, b"\x00\xff" * 50, draw)
    (length,) = struct.unpack("<Q", content[:8])
    header, tensors = json.loads(content[8 : 8 + length]), content[8 + length :]
    if draw.random() < 0.75:
        document = json.loads(header["__metadata__"]["edgecnn"])
        header["__metadata__"]["edgecnn"] = json.dumps(mutations.spoil_document(document, draw))
    else:
        header = mutations.spoil_document(header, draw)
    encoded = json.dumps(header).encode()
    if draw.random() < 0.1:
        tensors = mutations.spoiled(tensors, tensors, draw)
    return struct.pack("<Q", len(encoded)) + encoded + tensors


def _use_checkpoint(path: Path) -> object:
    from edgecnn.contender import open_contender

    opened = open_contender(path, threads=1)
    return opened.logits(opened.golden_images_nhwc)


def _toml(folder: str, draw: random.Random) -> bytes:
    import tomllib

    import tomli_w

    import edgecnn

    files = sorted((Path(edgecnn.__file__).parent / folder).glob("*.toml"))
    text = draw.choice(files).read_bytes()
    chance = draw.random()
    if chance < 0.3:
        return mutations.spoiled(text, draw.choice(files).read_bytes(), draw)
    if chance < 0.4:
        return draw.choice(HOSTILE_TOML)
    spoiled = mutations.spoil_document(tomllib.loads(text.decode()), draw)
    try:
        return tomli_w.dumps(spoiled).encode("utf-8", "surrogatepass")
    except (TypeError, AttributeError, ValueError, RecursionError):  # what TOML cannot say
        return mutations.spoiled(text, b"[a]\nb = [1, {c = 2}]\n", draw)


HOSTILE_TOML = (
    b"a = " + b"[" * 3_000 + b"]" * 3_000,
    b"a = " + b"{b = " * 3_000,
    b".".join([b"a"] * 4_000) + b" = 1",
    b"[" + b".".join([b"network"] * 2_000) + b"]\nx = 1\n",
    b'extends = "used.toml"\n',
    b'extends = "../../../../../../dev/zero.toml"\n',
    b"seed = " + b"9" * 5_000,
    b"epochs = 1e400\n",
    b"description = '" + b"\x1b[2J" * 100 + b"'\n",
    b"x" * 3_000_000,
)


def _use_recipe(path: Path) -> object:
    from edgecnn.recipes.read import read, to_toml

    return to_toml(read(str(path)))


def _use_study(path: Path) -> object:
    from edgecnn.study.plan import plan
    from edgecnn.study.read import read

    study = read(str(path))
    return plan(study), plan(study, quick=True)


def _arrays(draw: random.Random) -> bytes:
    rng = np.random.default_rng(draw.randrange(2**32))
    shapes = (*[(20, 8, 8)] * 4, (20, 8, 8, 3), (20,), (0, 8, 8), (20, 0, 8), ())
    images = rng.integers(0, 256, draw.choice(shapes), np.uint8)
    two, many = np.arange(20) % 2, np.arange(20) % draw.choice((1, 5, 20))
    labels: Any = draw.choice((*[two] * 5, many, two[:7], two.astype(float), two - 3, np.array(3), two[:, None]))
    names = np.array(draw.choice((["a", "b"], ["a", "b"], ["x"] * 5, [1.5])))
    arrays = {"images": images, "labels": labels, "label_names": names}
    if draw.random() < 0.5:
        arrays = {f"{half}_{key}": value for half in ("train", "test") for key, value in arrays.items()}
    if draw.random() < 0.2:
        arrays.pop(draw.choice(list(arrays)))
    buffer = io.BytesIO()
    draw.choice((np.savez, np.savez_compressed))(buffer, **arrays)
    content = buffer.getvalue()
    chance = draw.random()
    if chance < 0.3:  # members that are no arrays, headers that say something else
        return content.replace(b".npy", draw.choice((b".txt", b".npz", b"/npy", b"\x1bnpy")))
    if chance < 0.5:
        return content.replace(b"(20", draw.choice((b"(99", b"(-1", b"(2L", b"(,,", b"(1e")))
    return content if chance < 0.6 else mutations.spoiled(content, content, draw)


def _use_arrays(path: Path) -> object:
    from edgecnn.data import read_split

    return read_split(str(path), "train", channels=1), read_split(str(path), "test", size=(5, 7))


FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM", "TGA", "ICO", "JPEG2000", "QOI", "PCX")


@cache
def _picture(kind: str, mode: str) -> bytes:
    from PIL import Image

    rng = np.random.default_rng(len(kind) + len(mode))
    picture = Image.fromarray(rng.integers(0, 256, (24, 32, 4), np.uint8), "RGBA").convert(mode)
    buffer = io.BytesIO()
    try:
        picture.save(buffer, kind)
    except (OSError, ValueError):  # a mode that the format lacks
        picture.convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def _pictures(draw: random.Random) -> bytes:
    mode = draw.choice(("RGB", "RGB", "L", "P", "RGBA", "I;16", "CMYK", "1", "LA", "F"))
    return mutations.spoiled(_picture(draw.choice(FORMATS), mode), _picture(draw.choice(FORMATS), "RGB"), draw)


@cache
def _classifier() -> Any:
    import edgecnn

    return edgecnn.load("mnist-c1", threads=1)


def _use_picture(path: Path) -> object:
    from edgecnn.errors import ImageError
    from edgecnn.runtime.files import predict_files
    from edgecnn.runtime.image import is_color

    is_color(path)
    (answer,) = predict_files(_classifier(), [path])
    if answer.error is not None:
        raise ImageError(answer.error)
    return answer


def _use_folder(path: Path) -> object:
    from edgecnn.data import read_split

    root = path.parent
    for label in ("a", "b\x1b[2J"):
        (root / label).mkdir(exist_ok=True)
        (root / label / "good.png").write_bytes(_picture("PNG", "RGB"))
        (root / label / "also.jpg").write_bytes(_picture("JPEG", "L"))
    path.rename(root / "a" / path.name)
    return read_split(f"folder:{root}", "train"), read_split(f"folder:{root}", "test")


def _archives(draw: random.Random) -> bytes:
    import gzip

    head = struct.pack(">IIII", draw.choice((2051, 2049, 0)), draw.choice((1, 60_000, 2**31)), 28, 28)
    return mutations.spoiled(gzip.compress(head + bytes(784)), head, draw)


def _use_archive(path: Path) -> object:
    from edgecnn.data import read_split

    raw = path.parent / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    path.rename(raw / "train-images-idx3-ubyte.gz")
    return read_split("mnist", "train", root=path.parent / "root")


CASES = {
    "models": Case("used.onnx", _models, _use_model),
    "cards": Case("used.card.json", lambda draw: _document(_card(), draw), _use_card),
    "checkpoints": Case("used.safetensors", _checkpoints, _use_checkpoint),
    "recipes": Case("used.toml", lambda draw: _toml("recipes", draw), _use_recipe),
    "studies": Case("used.toml", lambda draw: _toml("studies", draw), _use_study),
    "arrays": Case("used.npz", _arrays, _use_arrays),
    "folders": Case("used.png", _pictures, _use_folder),
    "archives": Case("used.gz", _archives, _use_archive),
    "pictures": Case("used.png", _pictures, _use_picture),
}


def warm() -> None:
    """Import what takes seconds, so that no mutant is blamed for it."""
    for module in ("torchvision.datasets", "edgecnn.inspection", "edgecnn.study.plan", "edgecnn_cli.console"):
        importlib.import_module(module)
    _checkpoint()
    _classifier()
