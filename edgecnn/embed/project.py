"""A project is written: the templates of its target, the model file, its card, and what is generated from the card.

A project is a folder or two of ``templates/``, real files with a few ``@PLACEHOLDERS@`` in the README, plus
``model.onnx`` and ``card.json`` as the target wants them, and what the target generates from these: the card for
languages that have no JSON at hand, the model for devices that have no runtime.
"""

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from edgecnn import zoo
from edgecnn.card import ModelCard
from edgecnn.embed import targets
from edgecnn.errors import EmbedError
from edgecnn.files import clear_leftovers, making_folder
from edgecnn.runtime.int8 import may_saturate
from edgecnn.runtime.load import load_model
from edgecnn.text import markdown

MODEL, CARD = "model.onnx", "card.json"


@dataclass(frozen=True)
class Embedded:
    """A project that was written; ``selftest`` has the commands that build and test it, to be run in ``folder``.

    ``may_saturate`` says that it may answer wrongly on processors without VNNI: only edgecnn computes its file exactly.
    """

    model: str
    form: str
    target: str
    folder: Path
    files: list[str]
    selftest: list[str]
    may_saturate: bool


def embed(model: str | Path, target: str, folder: str | Path) -> Embedded:
    """Write the project that runs a model file (a path, or a name of the zoo) in a target, all of it or nothing.

    Example::

        import edgecnn

        project = edgecnn.embed("digits-int8.onnx", "python", "digits-app")
        print(project.files, project.selftest)

    Raises EmbedError for a target that is not there or has no project for the model's task, and for a folder that is in
    the way, ModelError and CardError for a file that is no model.
    """
    folder, chosen = Path(folder), targets.get(target)
    _refuse_to_replace(folder)
    path = zoo.find(model)
    card = replace(load_model(path).card, name=zoo.title(model))
    templates, content = _templates(targets.templates(target, card)), path.read_bytes()
    texts = templates | chosen.generated(card, content)
    filled = {name: _fill(text, card, len(content)).encode() for name, text in texts.items()}
    copied = {MODEL: content, CARD: card.to_json().encode()}
    contents = filled | {name: copied[name] for name in chosen.COPIED}
    with making_folder(folder) as partial:
        for name, written in contents.items():
            (partial / name).write_bytes(written)
    unsafe = MODEL in contents and may_saturate(card)  # without a model file no runtime computes it
    return Embedded(card.name, card.form, target, folder, sorted(contents), list(chosen.SELFTEST), unsafe)


def _refuse_to_replace(folder: Path) -> None:
    clear_leftovers(folder)
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        found = "is a folder that is not empty" if folder.is_dir() else "is there and is no folder"
        raise EmbedError(f"{folder}: {found}, expected a new or an empty one. Remove it, or name another with -o.")


def _templates(names: tuple[str, ...]) -> dict[str, str]:
    folders = [resources.files("edgecnn.embed") / "templates" / name for name in names]
    entries = (entry for folder in folders for entry in folder.iterdir() if entry.is_file())
    return {entry.name: entry.read_text(encoding="utf-8") for entry in entries}


def _fill(text: str, card: ModelCard, size_bytes: int) -> str:
    height, width, channels = card.input.shape
    some = ", ".join(markdown(label) for label in card.labels[:4])
    values = {
        "@MODEL@": f"{markdown(card.name)} ({markdown(card.form)}, {size_bytes / 1000:,.0f} kB)",
        "@INPUT@": str(card.input),
        "@SHAPE@": f"({height}, {width}, {channels})",
        "@BYTES@": f"{height * width * channels:,}",
        "@PICTURE@": "picture.pgm" if channels == 1 else "picture.ppm",
        "@CLASSES@": f"{len(card.labels)} labels ({some}{', …' if len(card.labels) > 4 else ''})",
        "@LABELS@": ", ".join(markdown(label) for label in card.labels),
        "@IMAGES@": str(len(card.golden.images_nhwc)),
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
