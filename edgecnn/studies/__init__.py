"""Studies: recipes and what varies between their runs, one per .toml file (``edgecnn/study/schema.py``)."""

from importlib import resources


def names() -> tuple[str, ...]:
    """Return the names of the studies that come with edgecnn, sorted; needs nothing that training needs."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))
