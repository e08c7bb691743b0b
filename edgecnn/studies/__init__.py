"""Studies: recipes and what varies between their runs, one per .toml file (``edgecnn/study/schema.py``)."""

from edgecnn.registry import STUDIES

names = STUDIES.names  # of the studies that come with edgecnn, sorted; needs nothing that training needs
