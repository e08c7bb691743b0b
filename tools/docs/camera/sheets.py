"""Contact sheets: the first small pages of each kind of those that are measured, with what was read drawn on them."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from camera import rendered
from edgecnn import files, progress
from edgecnn.digits import Reader
from edgecnn.digits.overlay import overlay
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.scenes import SCENES

COLUMNS, ROWS, GAP = 3, 2, 6
PAPER = (255, 255, 255)
QUALITIES, LARGEST = (88, 80, 70, 60), 190_000  # of JPEG; bytes


def draw(folder: Path, material: Material, reader: Reader) -> list[Path]:
    """Write one sheet per kind; those of kinds that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.jpg"):
        if path.stem not in SCENES:
            path.unlink()
    return [_sheet(folder / f"{kind}.jpg", kind, material, reader) for kind in progress.told(list(SCENES))]


def _sheet(path: Path, kind: str, material: Material, reader: Reader) -> Path:
    wide, tall = rendered.SMALL
    sheet = Image.new("RGB", (COLUMNS * (wide + GAP) - GAP, ROWS * (tall + GAP) - GAP), PAPER)
    for place, picture in enumerate(_read(kind, material, reader)):
        row, column = divmod(place, COLUMNS)
        sheet.paste(picture, (column * (wide + GAP), row * (tall + GAP)))
    with files.replacing(path) as beside:
        for quality in QUALITIES:
            sheet.save(beside, "JPEG", quality=quality, optimize=True)
            if beside.stat().st_size <= LARGEST:
                break
    return path


def _read(kind: str, material: Material, reader: Reader) -> Iterator[Image.Image]:
    """Yield the first pages of a kind and the small size, in the order in which they are measured."""
    kinds, found = list(SCENES), 0
    for number in range(kinds.index(kind), len(kinds) * len(rendered.SIZES) * COLUMNS * ROWS, len(kinds)):
        _, size = rendered.what(number)
        if size == rendered.SMALL and found < COLUMNS * ROWS:
            page, found = rendered.page_of(material, number, kind, size), found + 1
            yield overlay(page.image_hw[..., None], reader.read(page.image_hw).digits)
