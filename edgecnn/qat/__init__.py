"""Quantization-aware training: a network that computes in float32 what its int8 form will compute in integers.

``prepared`` makes it of a trained network: norms are folded into the convolutions before them (Jacob et al. 2018,
"Quantization and training of neural networks for efficient integer-arithmetic-only inference"), weights and activations
are rounded to what int8 can hold, and gradients pass through the rounding as if it were not there (Bengio et al. 2013).
``deployed`` writes the same as quantizers and dequantizers, which the exporter turns into those of ONNX. Both follow
from the graph of torch.export, so any network that it takes can be trained so.
"""

from edgecnn.qat.deploy import deployed
from edgecnn.qat.graph import prepared
from edgecnn.qat.rounding import calibrate

__all__ = ["calibrate", "deployed", "prepared"]
