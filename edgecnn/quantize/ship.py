"""Put a finished form where it was asked for, with its card beside it."""

import shutil
from pathlib import Path

from edgecnn import card as cards
from edgecnn import files
from edgecnn.runtime.finder import load_either


def ship(source: Path, target: Path) -> None:
    """Copy the chosen file and write its card beside it."""
    with files.replacing(target) as partial:
        shutil.copyfile(source, partial)
    files.write_text(cards.beside(target), load_either(target).card.to_json())
