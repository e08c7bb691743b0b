"""What the camera's tests share: the fixtures of reading, and what a source tells."""

import pytest
from digits.fixtures import classifier, detector_file, digits

__all__ = ["classifier", "detector_file", "digits"]


@pytest.fixture
def told() -> list[str]:
    """Collects what a source tells: pass its append."""
    return []
