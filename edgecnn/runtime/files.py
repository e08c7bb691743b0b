"""Classify picture files: each on its own, so that a broken one does not take the others with it."""

import glob
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecnn.card import Appearance
from edgecnn.errors import EdgecnnError, ImageError
from edgecnn.runtime import appearance
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.image import Picture, read_picture, to_input
from edgecnn.runtime.pictures import pictures_in


@dataclass(frozen=True)
class Given:
    """A picture to be classified: what it is called, and where its bytes come from when it is no file of that name."""

    path: Path
    content: bytes | None = None


@dataclass(frozen=True)
class Ranked:
    """One class of a picture's answer."""

    label: str
    class_id: int
    probability: float


@dataclass(frozen=True)
class FileAnswer:
    """What a model says of one file, best first; or why it could not be asked.

    ``unlike`` says in what the picture differs from those that the model was made for, where it does; ``assumed`` what
    reading it had to assume.
    """

    path: Path
    top: list[Ranked]
    error: str | None
    unlike: str | None = None
    assumed: str | None = None


@dataclass(frozen=True)
class Tally:
    """All answers together: how many pictures got which label, the most frequent first.

    ``right`` and ``accuracy`` (a fraction of the classified ones) are known where a table says the label of each
    picture, or each lies in a folder that is named like a class: its own, or the next above that is.
    """

    pictures: int
    failed: int
    unlike: int
    labels: dict[str, int]
    right: int | None
    accuracy: float | None


def expand(arguments: Iterable[str]) -> list[Path]:
    """Turn files, folders (searched to the bottom) and glob patterns into picture files, in order, each once.

    A name that matches nothing is kept, so that it is reported rather than passed over.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        matches = [argument] if path.exists() else sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - patterns may be absolute
        for match in matches or [argument]:
            found |= dict.fromkeys(_inside(Path(match)))
    return list(found)


def predict_files(
    classifier: Classifier, paths: Iterable[Path | Given], *, top_k: int = 1, ink: bool = False
) -> Iterator[FileAnswer]:
    """Classify files one by one, as they come; with ``ink`` what is drawn on them alone, framed as the model knows it.

    Raises EdgecnnError for ``ink`` where the model's own images have backgrounds of all kinds.
    """
    expected = appearance.known(classifier.card)
    if ink and expected is None:
        raise EdgecnnError(
            f"{classifier.card.name}: learned from pictures with backgrounds of all kinds, so there is no ink to take "
            "alone. Leave out --ink."
        )
    for one in paths:
        given = Given(one) if isinstance(one, Path) else one
        try:
            yield _answer(classifier, given, expected, top_k, ink)
        except ImageError as error:
            path, told = given.path, str(error)
            yield FileAnswer(path, [], told if told.startswith(str(path)) else f"{path}: {told}")


def tally(answers: Sequence[FileAnswer], labels: Sequence[str], truth: Mapping[Path, str] | None = None) -> Tally:
    """Count answers; ``labels`` are the model's, ``truth`` those of pictures whose label a table says."""
    classified = [answer for answer in answers if answer.top]
    said = Counter(answer.top[0].label for answer in classified)
    known = truth or {}
    wanted = [known.get(answer.path) or _class_of_folder(answer.path, labels) for answer in classified]
    right = None
    if classified and None not in wanted:
        right = sum(answer.top[0].label == label for answer, label in zip(classified, wanted, strict=True))
    return Tally(
        pictures=len(answers),
        failed=len(answers) - len(classified),
        unlike=sum(answer.unlike is not None for answer in answers),
        labels=dict(said.most_common()),
        right=right,
        accuracy=None if right is None else right / len(classified),
    )


def least_sure_of(answers: Sequence[FileAnswer], count: int) -> list[FileAnswer]:
    """Return so many of the answers whose best class has the least probability, least first."""
    return sorted((answer for answer in answers if answer.top), key=lambda answer: answer.top[0].probability)[:count]


def _class_of_folder(path: Path, labels: Sequence[str]) -> str | None:
    return next((part for part in reversed(path.parts[:-1]) if part in labels), None)


def _answer(classifier: Classifier, given: Given, expected: Appearance | None, top_k: int, ink: bool) -> FileAnswer:
    picture, wanted = _read(given), classifier.card.input
    frame = picture.pixels_hwc
    image_hwc = appearance.ink_alone(frame, wanted, expected) if ink and expected else to_input(frame, wanted)
    prediction = classifier.predict(image_hwc)
    top = [Ranked(classifier.labels[index], index, p) for index, p in prediction.top(top_k)]
    unlike = appearance.difference(image_hwc, expected) if expected else None
    return FileAnswer(given.path, top, None, unlike, picture.assumed)


def _inside(path: Path) -> list[Path]:
    """Return the pictures of a folder; anything else, and a folder without one, is returned as it is."""
    if not path.is_dir():
        return [path]
    return pictures_in(path) or [path]


def _read(given: Given) -> Picture:
    if given.content is not None:
        return read_picture(given.content, str(given.path))
    if given.path.is_dir():
        raise ImageError(f"{given.path}: no pictures in this folder; expected files such as .png or .jpg.")
    return read_picture(given.path)
