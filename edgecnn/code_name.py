"""FILE.py:NAME, something in a user's file of Python: the text alone, nothing is read or run."""

from pathlib import Path

from edgecnn.errors import RecipeError
from edgecnn.text import excerpt

SUFFIX = ".py:"


def is_code(name: str) -> bool:
    """Tell whether this is FILE.py:NAME."""
    return SUFFIX in name


def parts(name: str) -> tuple[Path, str]:
    """Return file and name.

    >>> parts("nets/net.py:Net")[1]
    'Net'
    """
    file, _, attribute = name.rpartition(":")
    return Path(file), attribute


def public(name: str) -> str:
    """Return a name without the folders that lead to its file.

    >>> public("/home/me/net.py:Net"), public("compact")
    ('net.py:Net', 'compact')
    """
    path, attribute = parts(name)
    return f"{path.name}:{attribute}" if is_code(name) else name


def placed(name: str, folder: Path) -> str:
    """Return the name of a network whose file lies in a folder or below it. Raises RecipeError where it does not."""
    file, attribute = parts(name)
    if file.is_absolute() or ".." in file.parts:
        raise RecipeError(
            f"network.name is '{excerpt(name)}'; expected a file beside the recipe or below it, such as net.py:Net. "
            "One that lies elsewhere is named on the command line: --set network.name=FILE.py:NAME"
        )
    return f"{(folder / file).absolute()}:{attribute}"
