"""A folder of pictures by class: ``PATH/<class>/*``, or ``PATH/{train,val,test}/<class>/*``. Sizes and modes may vary.

In place of ``train`` the first folder may be ``training``; in place of ``val`` ``valid`` or ``validation``; in place of
``test`` ``testing``. Capitals are as good. Beside ``train`` alone, ``val`` is the test split. Which files of a class
are pictures, ``edgecnn/runtime/pictures.py`` says.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.data import names as class_names
from edgecnn.data.npz import SplitName, held_out
from edgecnn.data.split import SHOWN, Split, refuse_unknown
from edgecnn.data.whole import HELD_OUT, Left, Sources, Whole
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import is_color, read_picture, to_input
from edgecnn.runtime.pictures import is_hidden, is_picture, listing, pictures_in

DEFAULT_SIZE = 32
TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation")
TEST = ("test", "testing")


@dataclass(frozen=True)
class _Places:
    """The folder of each split; without ``test`` a part of ``train`` is held out. ``unread`` lie there too."""

    train: Path
    validation: Path | None = None
    test: Path | None = None
    unread: tuple[Path, ...] = ()

    @property
    def all(self) -> list[Path]:
        """The folders that are read."""
        return [place for place in (self.train, self.validation, self.test) if place is not None]


def read(path: Path, split: SplitName, size: tuple[int, int] | None, channels: int | None) -> Split:
    """Read one split. Without train and test inside, a stratified fifth, always the same, is the test split.

    Images come in ``size`` (height, width), or 32x32; with ``channels``, or 1 when all pictures are gray and 3
    otherwise. One picture is decoded at a time; one that cannot be read is left out and named in ``skipped``.
    Raises DataError when none is left, or where there is no such split.
    """
    places, names, shape = _layout(path, size, channels)
    if split == "validation":
        if places.validation is None:
            raise DataError(f"folder:{path}: has no validation split of its own (val beside train and test).")
        return _read_classes(places.validation, names, shape)
    if places.test is None:
        return held_out(_with_every_class(_read_classes(places.train, names, shape), path), split, f"folder:{path}")
    if split == "test":
        return _read_classes(places.test, names, shape)
    return _with_every_class(_read_classes(places.train, names, shape), path)


def read_whole(path: Path, size: tuple[int, int] | None, channels: int | None) -> Whole:
    """Read all splits at once, and what was left out of them."""
    places, names, shape = _layout(path, size, channels)
    train = _with_every_class(_read_classes(places.train, names, shape), path)
    validation = None if places.validation is None else _read_classes(places.validation, names, shape)
    if places.test is None:
        parts = [held_out(train, part, f"folder:{path}") for part in ("train", "test")]
        return Whole(parts[0], None, parts[1], Sources("all folders", None, HELD_OUT), _left(places, path))
    test = _read_classes(places.test, names, shape)
    own = None if places.validation is None else f"{places.validation.name}/"
    return Whole(
        train, validation, test, Sources(f"{places.train.name}/", own, f"{places.test.name}/"), _left(places, path)
    )


def read_undivided(path: Path, labels: Sequence[str], size: tuple[int, int] | None, channels: int | None) -> Split:
    """Read all pictures of a folder of classes, which may lack some of ``labels``, as one split with these labels."""
    shape = _shape(path, _classes(path), size, channels)
    refuse_unknown(_classes(path), labels, f"folder:{path}")
    return _read_classes(path, tuple(labels), shape)


def classes_of_flat(path: Path) -> tuple[str, ...] | None:
    """Return the classes of a folder without train and test inside; None for one that has them."""
    places = _places(path)
    return None if places.test is not None else _classes(path)


def _layout(
    path: Path, size: tuple[int, int] | None, channels: int | None
) -> tuple[_Places, tuple[str, ...], ImageInput]:
    places = _places(path)
    names = _classes(places.train)
    for place in places.all:
        _refuse_unknown(place, names, f"folder:{path}: {place.name} has classes that {places.train.name} lacks")
    return places, names, _shape(places.train, names, size, channels)


def _places(path: Path) -> _Places:
    """Return where the pictures of each split lie."""
    if not path.is_dir():
        raise DataError(f"folder:{path}: no such folder; expected one subfolder of pictures a class.")
    folders = {child.name.lower(): child for child in _folders_in(path)}
    trains, own, tests = ([folders[name] for name in known if name in folders] for known in (TRAIN, VALIDATION, TEST))
    if trains and (own or tests):
        validation = own[0] if own and tests else None
        read = {trains[0], (tests or own)[0], validation}
        return _Places(trains[0], validation, (tests or own)[0], tuple(sorted(set(folders.values()) - read)))
    if trains and len(folders) == 1:
        raise DataError(
            f"folder:{path}: has {trains[0].name} and nothing beside it; expected a folder test (or val) too, or the "
            f"folder that has the classes: --data folder:{trains[0]}"
        )
    if folders and set(folders) <= {*VALIDATION, *TEST}:
        found = " and ".join(sorted(folder.name for folder in folders.values()))
        raise DataError(
            f"folder:{path}: has {found} and no train beside it; expected a folder train too, or the folder that has "
            f"the classes: --data folder:{(tests or own)[0]}"
        )
    return _Places(path)


def _with_every_class(found: Split, path: Path) -> Split:
    """Return ``found`` when there is something to learn of each class, else raise DataError."""
    empty = [name for label, name in enumerate(found.names) if label not in found.labels_n]
    if empty:
        raise DataError(
            f"folder:{path}: no readable picture of {', '.join(empty)}; add some, or remove the folder of that class."
            f"{_instead(_places(path).train, empty)}"
        )
    return found


def _instead(place: Path, names: Sequence[str]) -> str:
    """Say what lies in the folders of classes that have no picture, for whoever wonders why."""
    folders = [child for child in _folders_in(place) if class_names.normal(child.name) in names]
    found = [listing(folder) for folder in folders]
    others = Counter(file.suffix.lower() or file.name for one in found for file in one.others)
    kinds = [f"{count:,} {suffix} (not read)" for suffix, count in others.most_common(SHOWN)]
    broken = sum(len(one.pictures) for one in found)
    hidden = [str(one.relative_to(place)) for listed in found for one in listed.hidden]
    there = [
        *kinds,
        *([f"{broken:,} that cannot be read"] if broken else []),
        *(f"{one} (hidden)" for one in hidden[:SHOWN]),
    ]
    return f" There is {', '.join(there)}." if there else ""


def _classes(path: Path) -> tuple[str, ...]:
    """Return the names of a folder's classes, accents composed, in the order of the labels."""
    given = sorted(child.name for child in _folders_in(path))
    if not given:
        raise DataError(f"folder:{path}: no subfolders; expected one subfolder of pictures a class.")
    names = tuple(sorted({class_names.normal(name) for name in given}))
    if len(names) < len(given):
        alike = [name for name in given if name != class_names.normal(name)]
        raise DataError(
            f"folder:{path}: two classes have one name.{class_names.unlike(alike, names)} Put their pictures into one "
            "folder, or give one of them another name."
        )
    return names


def _refuse_unknown(place: Path, names: Sequence[str], found: str) -> None:
    unknown = sorted(set(_classes(place)) - {class_names.normal(name) for name in names})
    if unknown:
        raise DataError(f"{found}: {', '.join(unknown)}.{class_names.unlike(unknown, names)}")


def _folders_in(path: Path) -> list[Path]:
    try:
        return [child for child in path.iterdir() if child.is_dir() and not is_hidden(child.name)]
    except OSError as error:
        raise DataError(f"folder:{path}: cannot be listed ({error.strerror or error}).") from error


def _shape(place: Path, names: Sequence[str], size: tuple[int, int] | None, channels: int | None) -> ImageInput:
    height, width = size or (DEFAULT_SIZE, DEFAULT_SIZE)
    return ImageInput(height, width, channels or _channels(place, names))


def _channels(path: Path, names: Sequence[str]) -> int:
    return 3 if any(is_color(file) for _, file in _pictures_of(path, names)) else 1


def _pictures_of(path: Path, names: Sequence[str]) -> Iterator[tuple[int, Path]]:
    """Yield the pictures of each class with its label; a class may have none, and its folder any form of accents."""
    folders = {class_names.normal(child.name): child for child in _folders_in(path)}
    for label, name in enumerate(names):
        folder = folders.get(class_names.normal(name))
        yield from ((label, file) for file in (pictures_in(folder) if folder else ()))


def _read_classes(path: Path, names: tuple[str, ...], shape: ImageInput) -> Split:
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    files: list[str] = []
    skipped: list[str] = []
    assumed: list[tuple[str, str]] = []
    for label, file in _pictures_of(path, names):
        try:
            picture = read_picture(file)
            images.append(to_input(picture.pixels_hwc, shape))
            assumed += [(str(file), picture.assumed)] if picture.assumed else []
            labels.append(label)
            files.append(str(file))
        except ImageError as error:
            skipped.append(str(error))
    if not images:
        raise DataError(
            f"folder:{path}: no readable picture in {', '.join(names)} ({len(skipped)} could not be read"
            f"{': ' + skipped[0] if skipped else ''}). Expected files such as .png or .jpg."
        )
    labels_n = np.array(labels, dtype=np.int64)
    return Split(np.stack(images), labels_n, names, tuple(skipped), tuple(files), tuple(assumed))


def _left(places: _Places, path: Path) -> Left:
    """List what lies in the classes and is not learned from."""
    found = [listing(folder) for place in places.all for folder in sorted(_folders_in(place))]
    beside = [child for place in places.all for child in sorted(place.iterdir())]
    hidden = [child for child in beside if child.is_dir() and is_hidden(child.name)]
    hidden += [one for listed in found for one in listed.hidden]
    loose = [child for child in beside if child.is_file() and not is_hidden(child.name) and is_picture(child)]
    others = Counter(file.suffix.lower() or file.name for one in found for file in one.others)
    return Left(
        hidden=tuple(str(one.relative_to(path)) for one in hidden),
        passed_over=dict(sorted(others.items())),
        unlisted=tuple(text for one in found for text in one.unlisted),
        unread=(*(f"{place.name}/" for place in places.unread), *(str(one.relative_to(path)) for one in loose)),
    )
