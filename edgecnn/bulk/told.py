"""What is written and told of a bulk prediction, as documents: the manifest, what each part has, and all together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

MOST_ERRORS = 5  # of a part and of all, that are told; each row has its own


@dataclass(frozen=True)
class Asked:
    """What the answers in a folder are of: a model, and the detector before it where digits are read."""

    model: str
    model_sha256: str
    detector: str | None
    detector_sha256: str | None


@dataclass(frozen=True)
class Planned:
    """A part file: its name, the argument that its pictures come from, and what they are."""

    part: str
    source: str
    pictures: str


@dataclass(frozen=True)
class Manifest:
    """What a folder of answers is made of. A part that is not there has still to be made."""

    SCHEMA: ClassVar[int] = 1

    asked: Asked
    edgecnn_version: str
    parts: list[Planned]


@dataclass(frozen=True)
class Counted:
    """What the rows of a part, or of all, come to.

    ``failed`` pictures could not be read, ``unlike`` ones are not like those that the model was made for; ``labels``
    has the classes by how often they were answered, and ``errors`` the first few errors.
    """

    pictures: int = 0
    failed: int = 0
    unlike: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bulk:
    """All answers of a folder.

    ``kept`` of its ``parts`` were there already. ``lost`` says which pictures have no answer, since the workers that
    were given them died each time.
    """

    output: Path
    model: str
    detector: str | None
    parts: int
    kept: int
    lost: list[str]
    counted: Counted
    workers: int
    seconds: float


def together(counted: Iterable[Counted]) -> Counted:
    """Add up what parts have.

    >>> together([Counted(2, 1, 0, {"a": 1}, ["x"]), Counted(1, 0, 0, {"b": 1})]).pictures
    3
    """
    pictures, failed, unlike = 0, 0, 0
    labels: Counter[str] = Counter()
    errors: list[str] = []
    for one in counted:
        pictures, failed, unlike = pictures + one.pictures, failed + one.failed, unlike + one.unlike
        labels.update(one.labels)
        errors += one.errors[: MOST_ERRORS - len(errors)]
    return Counted(pictures, failed, unlike, dict(labels.most_common()), errors)
