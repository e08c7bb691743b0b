"""The fastest, smallest or leanest file that is as good as a model: a search over forms and session settings."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.tune.figures import Tuned, Variant
    from edgecnn.tune.search import tune

__all__ = ["Tuned", "Variant", "tune"]

lazy.stage(__name__, {"Tuned": "figures", "Variant": "figures", "tune": "search"})
