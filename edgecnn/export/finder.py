"""From a finder's checkpoint to one file: the network through PyTorch's exporter, everything else around it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn import golden
from edgecnn.card import FINDER, Accuracy, ModelCard, Parity
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import ParityError
from edgecnn.export import finder_graph
from edgecnn.export.proof import Proven, public_recipe, trained_parameters
from edgecnn.export.trace import traced
from edgecnn.networks.finder import MULTIPLE
from edgecnn.onnx_file import runtime_versions
from edgecnn.runtime.finder import load_finder
from edgecnn.runtime.session import open_model
from edgecnn.verify.finds import f1_on

if TYPE_CHECKING:
    from torch import Tensor

    from edgecnn.checkpoint import Checkpoint

SOURCE = "golden page, the network's maps"
MAP_TOLERANCE = 1e-3
SIZES = ((160, 160), (64, 240))  # height and width that the parity check looks at: what was traced, and another
SMALLEST = 64  # pixels of a side while tracing, in both directions different


def prove(checkpoint: "Checkpoint", root: str | Path | None) -> Proven:
    """Return the finder's model after its network's maps were compared with PyTorch's. Raises ParityError.

    Its card has the F1 of the file on the validation pages, where they lie in the data root; what was measured while
    training is that of the network alone, without pyramid, merging and threshold.
    """
    network = _network(checkpoint)
    gap = _largest_gap(checkpoint, network)
    if not gap <= MAP_TOLERANCE:
        raise ParityError(
            f"the exported network's maps differ from PyTorch's by {gap:.3g} (allowed {MAP_TOLERANCE:g}). "
            "No file was written. An operator of the network is exported wrongly; please report it with the recipe."
        )
    graph = finder_graph.compose(network).SerializeToString(deterministic=True)
    return Proven(graph, _card(checkpoint, graph, root), gap, 1.0, len(SIZES), SOURCE, None)


def _measured(graph: bytes, root: str | Path | None) -> list[Accuracy]:
    """Run the file on the validation pages; they are not rendered for this alone."""
    if not digit_pages.is_here(root, "test"):
        return []
    pages = digit_pages.read(root, "test")
    return [Accuracy("validation", len(pages), f1_on(pages, load_finder(graph)))]


def _card(checkpoint: "Checkpoint", graph: bytes, root: str | Path | None) -> ModelCard:
    page_nhwc = checkpoint.golden_images_nhwc.numpy()
    return ModelCard(
        name=checkpoint.recipe.name,
        form="fp32",
        kind=FINDER,
        labels=list(checkpoint.labels),
        input=checkpoint.input,
        network=checkpoint.recipe.network.name,
        parameters=trained_parameters(checkpoint),
        dataset=checkpoint.dataset,
        recipe=public_recipe(checkpoint),
        metrics=_measured(graph, root),
        parity=Parity(
            images=len(SIZES),
            source=SOURCE,
            tolerance=MAP_TOLERANCE,
            max_abs_logit_gap_below=MAP_TOLERANCE,
            agreement=1.0,
        ),
        quantization=None,
        parent_sha256=None,
        versions=checkpoint.versions | runtime_versions(),
        golden=golden.measured_finder(graph, page_nhwc),
    )


def _network(checkpoint: "Checkpoint") -> onnx.ModelProto:
    import torch

    class Maps(torch.nn.Module):
        """The network with its preprocessing, on pixels as they lie in the pyramid."""

        def __init__(self) -> None:
            super().__init__()
            self.classifier = checkpoint.build()

        def forward(self, pixels_nchw: "Tensor") -> "Tensor":
            maps_nchw: Tensor = self.classifier.network(pixels_nchw * self.classifier.scale + self.classifier.shift)
            return maps_nchw

    sides = {axis: MULTIPLE * torch.export.Dim(name, min=1, max=512) for axis, name in ((2, "h"), (3, "w"))}
    example = torch.rand(1, 1, SMALLEST, 2 * SMALLEST)
    return traced(
        Maps().eval(), example, checkpoint.recipe.network.name, inputs=["pixels"], outputs=["maps"], dynamic=sides
    )


def _largest_gap(checkpoint: "Checkpoint", network: onnx.ModelProto) -> float:
    import torch

    original = checkpoint.build()
    session = open_model(network.SerializeToString()).session
    page = checkpoint.golden_images_nhwc
    gaps = []
    for height, width in SIZES:
        pixels_nhwc = page.repeat(1, 2, 2, 1)[:, :height, :width].float()
        with torch.inference_mode():
            wanted: NDArray[Any] = original(pixels_nhwc).numpy()
        found = session.run(["maps"], {"pixels": pixels_nhwc.permute(0, 3, 1, 2).contiguous().numpy()})[0]
        gaps.append(float(np.abs(found - wanted).max()))
    return max(gaps)
