"""Why a classifier answers as it does on one image: the parts that it rests on, training images like it, its maps."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.explain.answer import Explanation, Neighbor, explain
    from edgecnn.explain.picture import write_picture

__all__ = ["Explanation", "Neighbor", "explain", "write_picture"]

lazy.stage(
    __name__,
    {
        "Explanation": "answer",
        "Neighbor": "answer",
        "explain": "answer",
        "write_picture": "picture",
    },
)
