"""What checks look at: a file, what ran of it, and what is known beside."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgecnn.audit.islands import Island, islands
from edgecnn.audit.measuring import Measured
from edgecnn.audit.ran import BLOCKED, Kernel, Ran
from edgecnn.insight.graph import Network
from edgecnn.insight.noise import LayerNoise
from edgecnn.saturation import PRODUCTS, Saturation


@dataclass(frozen=True, eq=False)
class Evidence:
    """``macs`` are multiply-accumulates by layer, ``noise`` is there where a reference is, and ``opset`` is the file's.

    ``saturates`` says whether int8 sums of 16 bits overflow on this processor.
    """

    network: Network
    measured: Measured
    reference: Measured | None
    macs: dict[int, int]
    noise: list[LayerNoise] | None
    saturation: Saturation
    saturates: bool
    opset: int

    @property
    def ran(self) -> Ran:
        """What ran of the file."""
        return self.measured.ran

    @property
    def is_integer(self) -> bool:
        """Whether the file has integers to compute with."""
        return self.network.quantized or any(k.is_product and k.precision == "int8" for k in self.ran.kernels)

    @cached_property
    def islands(self) -> list[Island]:
        """What is in float of a quantized file."""
        return islands(self.network, self.ran)

    def macs_of(self, kernel: Kernel) -> int:
        """Return the multiply-accumulates of a product, 0 where they are not known."""
        return 0 if kernel.layer is None else self.macs.get(kernel.layer, 0)

    @cached_property
    def integer_rate(self) -> float | None:
        """The share of the time that a multiply-accumulate takes in int8: the median over those of the file."""
        return self._rate(lambda kernel: kernel.is_convolution and kernel.precision == "int8")

    @cached_property
    def blocked_rate(self) -> float | None:
        """The same in float, of convolutions that take channels in blocks."""
        return self._rate(lambda kernel: kernel.is_convolution and kernel.domain == BLOCKED)

    def _rate(self, counts: Callable[[Kernel], bool]) -> float | None:
        known = [(k.share / macs, macs) for k in self.ran.kernels if counts(k) and (macs := self.macs_of(k))]
        if not known:
            return None
        rates, macs_of_rates = np.array(sorted(known), np.float64).T
        behind = macs_of_rates.cumsum()
        return float(rates[np.searchsorted(behind, behind[-1] / 2)])

    def weight_shape(self, kernel: Kernel) -> tuple[int, ...] | None:
        """Return the shape of a product's weights as the file has them."""
        if kernel.layer is None:
            return None
        for name in self.network.layers[kernel.layer].nodes:
            node = self.network.nodes[name]
            if node.op_type in PRODUCTS:
                found = self.network.constants.array(node.input[PRODUCTS[node.op_type][1]])
                return None if found is None else tuple(found.shape)
        return None
