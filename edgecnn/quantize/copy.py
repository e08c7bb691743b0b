"""Put a finished form where it was asked for, with its card beside it."""

import shutil
from pathlib import Path

from edgecnn import card as cards
from edgecnn import files
from edgecnn.metadata import read_card


def copy_to(target: Path, source: Path, parent: Path) -> Path:
    """Copy the chosen file, write its card beside it, and return where it lies.

    That may be the parent: a copy of it under the name of another form would pass for one, so none is written.
    """
    if source == parent:
        return parent
    with files.replacing(target) as partial, files.replacing(cards.beside(target)) as partial_card:
        shutil.copyfile(source, partial)
        partial_card.write_bytes(read_card(source).to_json().encode())
    return target
