"""What the camera's tests share: the fixtures of reading, and what a source tells."""

import pytest
from digits.fixtures import classifier, digits, finder_file

__all__ = ["classifier", "digits", "finder_file"]


@pytest.fixture
def told() -> list[str]:
    """Collects what a source tells: pass its append."""
    return []
