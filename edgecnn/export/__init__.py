"""From a checkpoint to one ONNX file that proves, before it gets its name, that it is still the same model."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.export.model_file import Exported, export

__all__ = ["Exported", "export"]

lazy.stage(
    __name__,
    {
        "Exported": "model_file",
        "export": "model_file",
    },
)
