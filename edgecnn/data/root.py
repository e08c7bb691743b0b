"""Where data sets live on this machine."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "EDGECNN_DATA"


def data_root(given: str | Path | None = None) -> Path:
    """Return ``given``, else the folder in ``EDGECNN_DATA``, else edgecnn's place in the platform's cache folder."""
    if given is not None:
        return Path(given)
    from_environment = os.environ.get(VARIABLE)
    return Path(from_environment) if from_environment else Path(platformdirs.user_cache_dir("edgecnn"))
