"""What a file of others, and the files beside it, tell of its labels and its preprocessing.

Each place that may tell is a function here, from the surest to the least sure: the file's own metadata (Ultralytics',
and the ``names`` and ``Image.*`` keys of the ONNX standard), config.json and preprocessor_config.json of Hugging Face
and timm, labels.txt as Teachable Machine writes it. What two tell differently is an error.
"""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgecnn.adopt.labels import by_line, by_place
from edgecnn.adopt.said import Said
from edgecnn.adopt.source import Source
from edgecnn.errors import EdgecnnError, ModelError
from edgecnn.text import excerpt

MOST_BYTES = 4_000_000  # of a file beside it
RANGES = {  # of the ONNX standard: what pixels of 0..255 become
    "NominalRange_0_255": Said(scale=1.0),
    "Normalized_0_1": Said(scale=1 / 255),
    "Normalized_1_1": Said(scale=1 / 127.5, mean=(1.0,)),
}
FORMATS = {"Gray8": False, "Rgb8": False, "Srgb": False, "Bgr8": True}


@dataclass(frozen=True)
class Found:
    """What was found. ``sources`` says of each what it is and where it stands, ``remarks`` what is left to the user."""

    said: Said = field(default_factory=Said)
    sources: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def beside(self, said: Said, place: str, remarks: tuple[str, ...] = ()) -> "Found":
        """Return this with what is said in another place. Raises EdgecnnError where the two differ."""
        for name in set(said.names()) & set(self.said.names()):
            if getattr(said, name) != getattr(self.said, name):
                raise EdgecnnError(
                    f"{name}: {place} has {_shown(name, said)}, and {self.sources[name]}. Say which holds, with "
                    f"--{name}."
                )
        new = {name: f"{_shown(name, said)} ({place})" for name in said.names() if name not in self.sources}
        return Found(self.said.over(said), self.sources | new, (*self.remarks, *remarks))


def known_of(source: Source) -> Found:
    """Return what is known of a file without being said. Raises EdgecnnError for what contradicts itself."""
    found = Found()
    for tell in (_ultralytics, _standard_metadata):
        found = tell(source, found)
    folders = [source.path.parent, *([source.path.parent.parent] if source.path.parent.name == "onnx" else [])]
    for name, read in (("config.json", _config), ("preprocessor_config.json", _preprocessor), ("labels.txt", _labels)):
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is not None:
            found = read(_content(path), found, path.name)
    return _fitting(source, found)


def _fitting(source: Source, found: Found) -> Found:
    """Leave out a size that is not the one that the file is fixed to, and say so."""
    size, sides = found.said.size, [side for side in source.inputs[0].shape[1:] if isinstance(side, int)]
    if size is None or len(sides) < len(source.inputs[0].shape) - 1 or set(size) <= set(sides):
        return found
    remark = f"it was made for {found.sources['size']}, and takes {source.inputs[0]}."
    sources = {name: text for name, text in found.sources.items() if name != "size"}
    return Found(replace(found.said, size=None), sources, (*found.remarks, remark))


def _ultralytics(source: Source, found: Found) -> Found:
    metadata = source.metadata
    if "ultralytics" not in f"{metadata.get('author', '')} {metadata.get('description', '')}".lower():
        return found
    task = metadata.get("task", "classify")
    if task != "classify":
        raise ModelError(
            f"{source.path}: is for Ultralytics' task {excerpt(task)}, as its metadata say; a classifier was expected. "
            "It cannot be adopted."
        )
    size = tuple(int(side) for side in re.findall(r"\d+", metadata.get("imgsz", "")))[:2]
    said = Said(scale=1 / 255, mean=(0.0,), std=(1.0,), size=size if len(size) == 2 else None)
    return found.beside(said, "Ultralytics' metadata", ("Ultralytics crops the middle of a picture, as edgecnn does.",))


def _standard_metadata(source: Source, found: Found) -> Found:
    metadata = source.metadata
    labels = _names(metadata.get("names"))
    if labels:
        found = found.beside(Said(labels=labels), "its metadata, names")
    if (place := metadata.get("Image.NominalPixelRange")) in RANGES:
        found = found.beside(RANGES[place], "its metadata, Image.NominalPixelRange")
    if (place := metadata.get("Image.BitmapPixelFormat")) in FORMATS:
        found = found.beside(Said(bgr=FORMATS[place]), "its metadata, Image.BitmapPixelFormat")
    return found


def _names(text: str | None) -> tuple[str, ...] | None:
    """Read what Ultralytics and edgecnn write as ``names``: a dictionary or a list, in Python's or JSON's notation."""
    try:
        found = ast.literal_eval(text or "")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return by_place(found)


def _config(content: str, found: Found, place: str) -> Found:
    """Read config.json: ``id2label`` of Hugging Face; ``label_names`` and ``pretrained_cfg`` of timm."""
    config = _mapping(content)
    cfg = config.get("pretrained_cfg")
    timm: dict[str, Any] = cfg if isinstance(cfg, dict) else {}
    labels = by_place(config.get("label_names") or timm.get("label_names") or config.get("id2label"))
    found = found.beside(Said(labels=labels), f"{place} beside it") if labels else found
    if not timm:
        return found
    said = Said(scale=1 / 255, mean=_numbers(timm.get("mean")), std=_numbers(timm.get("std")), size=_input_size(timm))
    return found.beside(said, f"{place} beside it, timm's pretrained_cfg", _outside(timm.get("crop_pct")))


def _input_size(timm: dict[str, Any]) -> tuple[int, int] | None:
    found = timm.get("input_size")
    return (int(found[1]), int(found[2])) if isinstance(found, list) and len(found) == 3 else None


def _outside(crop_pct: object) -> tuple[str, ...]:
    if not isinstance(crop_pct, int | float) or crop_pct == 1:
        return ()
    return (
        f"its pictures were enlarged and cropped to {crop_pct:.1%} of their side, which is no part of the file: "
        "edgecnn takes the whole middle square. evaluate --data tells what that changes.",
    )


def _preprocessor(content: str, found: Found, place: str) -> Found:
    """Read Hugging Face's preprocessor_config.json, whose keys have defaults: pixels are rescaled by 1/255."""
    config = _mapping(content)
    scale = config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1.0
    normal = config.get("do_normalize", True)
    said = Said(
        scale=float(scale) if isinstance(scale, int | float) else None,
        mean=_numbers(config.get("image_mean")) if normal else (0.0,),
        std=_numbers(config.get("image_std")) if normal else (1.0,),
        bgr=True if config.get("do_flip_channel_order") else None,
        size=_sides(config),
    )
    cropped = ("it was made for pictures that are resized, then cropped, which is no part of the file.",)
    return found.beside(said, f"{place} beside it", cropped if config.get("do_center_crop") else ())


def _sides(config: dict[str, Any]) -> tuple[int, int] | None:
    """Return height and width of what Hugging Face's processor makes of pictures, where it says both."""
    size = config.get("crop_size") if config.get("do_center_crop") else config.get("size")
    if isinstance(size, int):
        return (size, size)
    if isinstance(size, dict) and isinstance(size.get("height"), int) and isinstance(size.get("width"), int):
        return (size["height"], size["width"])
    return None


def _labels(content: str, found: Found, place: str) -> Found:
    """Read one label a line; the numbers that Teachable Machine puts before them are left out."""
    labels = by_line(content)
    if not labels or "labels" in found.sources:  # of what is surer
        return found
    return found.beside(Said(labels=labels), f"{place} beside it")


def _numbers(found: object) -> tuple[float, ...] | None:
    if isinstance(found, list) and found and all(isinstance(number, int | float) for number in found):
        return tuple(float(number) for number in found)
    return None


def _mapping(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _content(path: Path) -> str:
    """Return the start of a text file, as far as any that tells something is long."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", errors="replace")


def _shown(name: str, said: Said) -> str:
    value = getattr(said, name)
    tell: dict[str, Callable[[Any], str]] = {
        "labels": lambda labels: f"{len(labels):,} labels: {', '.join(labels[:3])}{', …' if len(labels) > 3 else ''}",
        "size": lambda size: f"{size[0]}x{size[1]}",
        "scale": lambda scale: f"pixels x {scale:.6g}",
        "bgr": lambda bgr: "BGR" if bgr else "RGB",
    }
    return excerpt(tell.get(name, str)(value))
