"""A folder of pictures by class: ``PATH/<class>/*``, or ``PATH/{train,val,test}/<class>/*``. Sizes and modes may vary.

In place of ``train`` the first folder may be ``training``; in place of ``val`` ``valid`` or ``validation``; in place of
``test`` ``testing``. Capitals are as good. Beside ``train`` alone, ``val`` is the test split. Which files of a class
are pictures, ``edgecnn/runtime/pictures.py`` says.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecnn.data import names as class_names
from edgecnn.data.listed import Entries, Entry, Listed, decoded, shape_of
from edgecnn.data.parts import TEST, TRAIN, VALIDATION
from edgecnn.data.split import SHOWN, Split, refuse_unknown
from edgecnn.data.whole import HELD_OUT, Left, Sources
from edgecnn.errors import DataError
from edgecnn.runtime.pictures import is_hidden, is_picture, listing, pictures_in


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


def listed(path: Path) -> Listed:
    """List the pictures of a folder. Raises DataError."""
    places = _places(path)
    names = _classes(places.train)
    for place in places.all:
        _refuse_unknown(place, names, f"folder:{path}: {place.name} has classes that {places.train.name} lacks")
    return Listed(
        dataset=f"folder:{path}",
        names=names,
        train=_entries(places.train, names),
        validation=None if places.validation is None else _entries(places.validation, names),
        test=None if places.test is None else _entries(places.test, names),
        sources=_sources(places),
        left=_left(places, path),
        remedy=lambda empty: f"add some, or remove the folder of that class.{_instead(places.train, empty)}",
    )


def read_undivided(path: Path, labels: Sequence[str], size: tuple[int, int] | None, channels: int | None) -> Split:
    """Read all pictures of a folder of classes, which may lack some of ``labels``, as one split with these labels."""
    names = tuple(labels)
    entries = _entries(path, names)
    shape = shape_of(_entries(path, _classes(path)), size, channels)
    refuse_unknown(_classes(path), labels, f"folder:{path}")
    return decoded(entries, names, shape, f"folder:{path}")


def classes_of_flat(path: Path) -> tuple[str, ...] | None:
    """Return the classes of a folder without train and test inside; None for one that has them."""
    places = _places(path)
    return None if places.test is not None else _classes(path)


def _sources(places: _Places) -> Sources:
    if places.test is None:
        return Sources("all folders", None, HELD_OUT)
    own = None if places.validation is None else f"{places.validation.name}/"
    return Sources(f"{places.train.name}/", own, f"{places.test.name}/")


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


def _entries(path: Path, names: Sequence[str]) -> Entries:
    """List the pictures of each class with its label; a class may have none, and its folder any form of accents."""
    folders = {class_names.normal(child.name): child for child in _folders_in(path)}
    found = [
        (label, file)
        for label, name in enumerate(names)
        if (folder := folders.get(class_names.normal(name))) is not None
        for file in pictures_in(folder)
    ]
    return tuple(Entry(label, file, str(file)) for label, file in found)


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
