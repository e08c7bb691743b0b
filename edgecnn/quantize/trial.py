"""What a form that is looked for is tried on: the validation images, and what may be lost on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import onnx_file
from edgecnn.card import Quantization
from edgecnn.quantize.parent import Parent
from edgecnn.quantize.yardstick import Yardstick
from edgecnn.saturation import prove
from edgecnn.verify import Compared


@dataclass(frozen=True, eq=False)
class Trial:
    """The validation images of a parent, what is allowed, and whom to tell how far it is. ``file`` is written over."""

    parent: Parent
    yardstick: Yardstick
    max_drop_pp: float
    file: Path
    say: Callable[[str], None]

    def compare(self, graph: bytes) -> Compared:
        """Compare a graph that has the parent's inputs and outputs with the parent."""
        made = Quantization("trial", None, None, prove(graph).overflow)
        onnx_file.write_with_card(graph, replace(self.parent.card, form="trial", quantization=made), self.file)
        return self.yardstick.compare(self.file, self.max_drop_pp)

    def decisive(self, ends: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the metric hangs on, of the values that the network ends with."""
        return self.yardstick.decisive(ends)

    def suffices(self, found: Compared) -> bool:
        """Tell whether the drop is shown to be within what is allowed; where so few images could not show it even of a
        form that answers as the parent does, whether it is."""
        if found.verdict == "within":
            return True
        return found.drop_pp <= self.max_drop_pp and not self._can_show

    @cached_property
    def _can_show(self) -> bool:
        return self.compare(self.parent.graph).verdict == "within"
