"""Studies: recipes and what varies between their runs, one per .toml file (``edgecnn/study/schema.py``)."""

from edgecnn.registry import STUDIES


def names() -> tuple[str, ...]:
    """Return the names of the studies that come with edgecnn, sorted; needs nothing that training needs."""
    return STUDIES.names()
