"""Here measuring is what is tested."""

from collections.abc import Iterator

import pytest
from brief import measure_briefly, measure_fully


@pytest.fixture(autouse=True, scope="module")
def _as_users_measure() -> Iterator[None]:
    measure_fully()
    yield
    measure_briefly()
