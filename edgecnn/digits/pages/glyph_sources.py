"""What pages are made of: handwriting from MNIST and EMNIST, and the fonts that are installed.

Pages to train on and pages to choose by share no handwriting: the first 50,000 of MNIST's training images are for the
one, its last 10,000 for the other, and letters are divided alike. A few fonts appear on the latter alone.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn.data import npz
from edgecnn.data.read import read_split
from edgecnn.data.root import data_root
from edgecnn.errors import missing_package

Part = Literal["train", "test"]

TRAIN_SHARE = 5 / 6  # 50,000 of MNIST's 60,000
LETTERS_SEED = 0  # EMNIST's letters lie sorted

# Faces of matplotlib that have digits, letters and nothing odd in their place.
BUNDLED = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmb10", "cmss10", "cmtt10", "cmti10"),
)
# Font packages that are used where they are installed, all under the SIL Open Font License or Apache's.
PACKAGES = (
    *("font-amatic-sc", "font-caladea", "font-fredoka-one", "font-hanken-grotesk"),
    *("font-intuitive", "font-manrope", "font-roboto", "font-source-sans-pro", "font-source-serif-pro"),
)
VARIABLE = "VariableFont"  # in the names of files that have all weights of a face at once
# On pages to choose by, and on no other.
HELD_OUT = ("STIXGeneralBol", "cmss10", "Caladea-Regular", "HankenGrotesk-Medium", "SourceSansPro-Semibold")


@dataclass(frozen=True, eq=False)
class Material:
    """Handwriting as MNIST has it, bright on dark in 28x28, and font files.

    ``letter_labels_n`` is 0 for A to 25 for Z, of either case; there may be no letters. Both are sorted by label.
    """

    digits_nhw: NDArray[np.uint8]
    digit_labels_n: NDArray[np.int64]
    letters_nhw: NDArray[np.uint8]
    letter_labels_n: NDArray[np.int64]
    fonts: tuple[str, ...]


def read_material(part: Part, root: str | Path | None = None) -> Material:
    """Read what pages of one part are made of: MNIST, and ``emnist-letters`` where the data root has it.

    Raises DataError and MissingPackageError.
    """
    split = read_split("mnist", "train", root=root)
    chosen = part_of(len(split), part)
    letters_nhw, letter_labels_n = _letters(data_root(root) / "emnist-letters" / "train.npz", part)
    digits_nhw, digit_labels_n = sorted_by_label(split.images_nhwc[chosen, ..., 0], split.labels_n[chosen])
    return Material(digits_nhw, digit_labels_n, letters_nhw, letter_labels_n, fonts_of(part))


def sorted_by_label(
    images_nhw: NDArray[np.uint8], labels_n: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images and labels in the order that a Material has them."""
    order = np.argsort(labels_n, kind="stable")
    return images_nhw[order], labels_n[order]


def part_of(count: int, part: Part) -> slice:
    """Return which of ``count`` images in their order belong to a part."""
    border = round(count * TRAIN_SHARE)
    return slice(border) if part == "train" else slice(border, None)


def fonts_of(part: Part) -> tuple[str, ...]:
    """Return the font files of a part; on pages to choose by, every second draw is one that training never sees."""
    found = sorted(_found(), key=lambda path: path.name)
    seen = [str(path) for path in found if path.stem not in HELD_OUT]
    if part == "train":
        return tuple(seen)
    held = [str(path) for path in found if path.stem in HELD_OUT]
    return (*seen, *(held * (len(seen) // len(held))))


def _found() -> Iterator[Path]:
    place = importlib.util.find_spec("matplotlib")
    if place is None or place.origin is None:
        raise missing_package("matplotlib")
    bundled = Path(place.origin).parent / "mpl-data" / "fonts" / "ttf"
    yield from (bundled / f"{name}.ttf" for name in BUNDLED)
    for package in PACKAGES:
        yield from _in_package(package)


def _in_package(package: str) -> Iterator[Path]:
    """Yield a package's faces without importing it; a face that comes as .otf and .ttf counts once."""
    try:
        files = importlib.metadata.files(package) or ()
    except importlib.metadata.PackageNotFoundError:
        return
    by_name = {Path(str(file)).stem: Path(str(file.locate())) for file in files if file.suffix in (".ttf", ".otf")}
    yield from (path for name, path in by_name.items() if VARIABLE not in name)


def _letters(path: Path, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if not path.exists():
        return np.empty((0, 28, 28), np.uint8), np.empty(0, np.int64)
    arrays = npz.load(path, "put it there again", "letters", ("images", "labels"))
    images_nhw, labels_n = arrays["images"], arrays["labels"].astype(np.int64) - 1
    shuffled = np.random.default_rng(LETTERS_SEED).permutation(len(labels_n))[part_of(len(labels_n), part)]
    return sorted_by_label(images_nhw[shuffled], labels_n[shuffled])
