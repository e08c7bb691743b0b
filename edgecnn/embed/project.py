"""A project is written: the templates of its target, the model file, its card, and what is generated from the card.

A project is a folder or more of ``templates/``, real files with a few ``@PLACEHOLDERS@`` in the README, plus
``model.onnx`` and ``card.json`` as the target wants them, and what the target generates from these: the card for
languages that have no JSON at hand, the model for devices that have no runtime, the folders of a server.
"""

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePosixPath

from edgecnn import zoo
from edgecnn.card import ModelCard
from edgecnn.embed import targets
from edgecnn.errors import EmbedError
from edgecnn.files import clear_leftovers, making_folder, write_bytes
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

    A folder that has a project of a target with versions (triton) gets the model as its next version: nothing that is
    there is replaced but the configuration, which gets a line.

    Example::

        import edgecnn

        project = edgecnn.embed("digits-int8.onnx", "python", "digits-app")
        print(project.files, project.selftest)

    Raises EmbedError for a target that is not there or has no project for the model's task, for a folder that is in
    the way, and for a version that does not fit those before it; ModelError and CardError for a file that is no model.
    """
    folder, chosen = Path(folder), targets.get(target)
    clear_leftovers(folder)
    growing = chosen if isinstance(chosen, targets.Growing) and chosen.holds(folder) else None
    if growing is None:
        _refuse_to_replace(folder)
    path = zoo.find(model)
    card, content = replace(load_model(path).card, name=zoo.title(model)), path.read_bytes()
    templates = targets.templates(target, card)
    if growing is None:
        contents = _contents(chosen, templates, card, content)
        _write(folder, contents)
    else:
        contents = growing.addition(folder, card, content)
        _add(folder, contents)
    has_model = any(PurePosixPath(name).name == MODEL for name in contents)
    unsafe = has_model and may_saturate(card)  # without a model file no runtime computes it
    return Embedded(card.name, card.form, target, folder, sorted(contents), list(chosen.SELFTEST), unsafe)


def _contents(chosen: targets.Target, templates: tuple[str, ...], card: ModelCard, content: bytes) -> dict[str, bytes]:
    """Return the files of a project by their paths in it."""
    texts = {**_templates(templates), **chosen.generated(card, content)}
    filled = {
        name: _fill(text, card, len(content)).encode() if isinstance(text, str) else text
        for name, text in texts.items()
    }
    copied = {MODEL: content, CARD: card.to_json().encode()}
    return filled | {name: copied[name] for name in chosen.COPIED}


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    with making_folder(folder) as partial:
        for name, written in contents.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written)


def _add(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files into a project, in their order: each at once, and with its folder where that is not there."""
    for name, written in contents.items():
        path = folder / name
        if path.parent.exists():
            write_bytes(path, written)
        else:
            with making_folder(path.parent) as partial:
                (partial / path.name).write_bytes(written)


def _refuse_to_replace(folder: Path) -> None:
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
