"""A model repository of Triton Inference Server, and a client of the protocol that it shares with KServe."""

import hashlib
import re
from importlib import resources
from pathlib import Path

from edgecnn.card import ModelCard
from edgecnn.embed.targets import _repository
from edgecnn.errors import EmbedError
from edgecnn.metadata import read_card
from edgecnn.text import excerpt

TEMPLATES = {
    "classification": ("triton", "triton_classification", "golden_classification"),
    "detection": ("triton", "triton_detection", "golden_detection"),
}
SELFTEST = ("pip install -r requirements.txt", "python client.py selftest")
COPIED = ()

REPOSITORY, CARDS, CONFIG, MODEL = "repository", "cards", "config.pbtxt", "model.onnx"
TAKES = {
    "classification": (
        "The model takes raw pixels, uint8 @SHAPE@ (@INPUT@, 0..255, rows from the top left), and answers logits and\n"
        "probabilities of @CLASSES@. There is no preprocessing: it is inside the model.\n"
        "Only bring pictures to that size."
    ),
    "detection": (
        "The model takes a gray frame of any size, uint8 (1, H, W, 1), 0..255, rows from the top left, and answers\n"
        "boxes (x, y, width, height in pixels of the frame) with scores, the surest first, and crops.\n"
        "What it detects: @LABELS@. There is no preprocessing: it is inside the model."
    ),
}
BATCHES = {
    0: "the graph takes one image a request",
    1: "the ranges of this form follow from the whole batch, so that a request has one image and is answered alone",
    _repository.MAX_BATCH: f"requests that wait are answered together, {_repository.MAX_BATCH} images at most",
}


def generated(card: ModelCard, model: bytes) -> dict[str, str | bytes]:
    """The repository with version 1, the client's card, and what names the model: the README, and KServe's file."""
    name, found = served(card.name), _repository.signature(model, card.name)
    config = _repository.config(name, card, found, hashlib.sha256(model).hexdigest())
    placeholders = {
        "@SERVED@": name,
        "@SERVICE@": service(name),
        "@TAKES@": TAKES[card.task],
        "@BATCHES@": BATCHES[_repository.max_batch(card, found)],
    }
    written: dict[str, str | bytes] = {each: _template(each, placeholders) for each in ("README.md", "kserve.yaml")}
    written[f"{REPOSITORY}/{name}/{CONFIG}"] = config.encode()
    if _repository.LABELS in config:
        written[f"{REPOSITORY}/{name}/{_repository.LABELS}"] = labels(card).encode()
    written[_card_at(name, 1)] = card.to_json().encode()
    written[_model_at(name, 1)] = model
    return written


def holds(folder: Path) -> bool:
    """Tell whether a project is in a folder that takes another version of its model."""
    return len(_models(folder)) == 1


def addition(folder: Path, card: ModelCard, model: bytes) -> dict[str, bytes]:
    """Return the files that make a model the next version of a project's, in the order in which they are to be written.

    Raises EmbedError where it is there already, or takes and answers something else than the versions before it.
    """
    home = _models(folder)[0]
    name, numbers = home.name, _numbers(home)
    files = {number: (home / str(number) / MODEL).read_bytes() for number in numbers}
    for number, there in files.items():
        if there == model:
            raise EmbedError(f"{folder}: version {number} of {name} is the same file as {card.name}. Nothing to add.")
    _check_fits(home, files[numbers[-1]], card, model)
    following = numbers[-1] + 1
    digest = hashlib.sha256(model).hexdigest()
    config = _repository.with_version((home / CONFIG).read_text(encoding="utf-8"), following, digest)
    return {
        _card_at(name, following): card.to_json().encode(),
        f"{REPOSITORY}/{name}/{CONFIG}": config.encode(),
        _model_at(name, following): model,  # the last, as it makes the others a version
    }


def served(name: str) -> str:
    """Return what Triton calls a model: a folder's name that stands in a URL as it is.

    >>> served("mnist-compact"), served("my model ü.1"), served("…")
    ('mnist-compact', 'my-model-.1', 'model')
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "model"


def service(name: str) -> str:
    """Return what Kubernetes may call a service.

    >>> service("My_model.1"), service("7segments")
    ('my-model-1', 'model-7segments')
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return (plain if plain[:1].isalpha() else f"model-{plain}")[:50].rstrip("-")


def labels(card: ModelCard) -> str:
    """Return the labels, one a line, by class_id."""
    return "".join(f"{' '.join(label.splitlines())}\n" for label in card.labels)


def _card_at(name: str, number: int) -> str:
    return f"{CARDS}/{name}/{number}.json"


def _model_at(name: str, number: int) -> str:
    return f"{REPOSITORY}/{name}/{number}/{MODEL}"


def _template(name: str, placeholders: dict[str, str]) -> str:
    text = (resources.files("edgecnn.embed") / "templates" / "triton" / name).read_text(encoding="utf-8")
    for placeholder, value in placeholders.items():
        text = text.replace(placeholder, value)
    return text


def _models(folder: Path) -> list[Path]:
    """Return the folder of each model that has a version, in the repository of a project."""
    found = sorted(path.parent for path in (folder / REPOSITORY).glob(f"*/{CONFIG}"))
    return [home for home in found if _numbers(home)]


def _numbers(folder: Path) -> list[int]:
    """Return the versions that Triton sees in a model's folder, the newest last."""
    names = (path.parent.name for path in folder.glob(f"*/{MODEL}"))
    return sorted(int(name) for name in names if re.fullmatch("[1-9][0-9]*", name))


def _check_fits(home: Path, newest: bytes, card: ModelCard, model: bytes) -> None:
    """Hold a version to the one before it, as the repository has one configuration and one list of labels for all."""
    before = read_card(newest)
    there, found = _repository.signature(newest, home.name), _repository.signature(model, card.name)
    batches = tuple(str(_repository.max_batch(*each)) for each in ((before, there), (card, found)))
    differs = {
        "labels": (", ".join(map(repr, before.labels)), ", ".join(map(repr, card.labels))),
        "inputs and outputs": (_said(there), _said(found)),
        "most images a call": batches,
    }
    for what, (wanted, given) in differs.items():
        if wanted != given:
            raise EmbedError(
                f"{home}: {what} of its versions: {excerpt(wanted)}; of {card.name}: {excerpt(given)}. One "
                "configuration is for all versions: name another folder with -o."
            )


def _said(found: _repository.Signature) -> str:
    tensors = (*found.inputs, *found.outputs)
    return ", ".join(f"{tensor.name} {tensor.kind} {list(tensor.sizes)}" for tensor in tensors)
