"""From a detector's checkpoint to one model: the network through PyTorch's exporter, everything else around it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.boxes import MULTIPLE
from edgecnn.card import ModelCard, Parity, Score
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.export.proven import Proven, public_recipe, trained_parameters
from edgecnn.export.trace import traced
from edgecnn.onnx_file import runtime_versions
from edgecnn.runtime.detector import load_detector
from edgecnn.runtime.session import open_model
from edgecnn.tasks._detection import graph as graphs
from edgecnn.tasks._detection.comparison import f1_on
from edgecnn.tasks._detection.examples import Part, is_here, is_own, read_for
from edgecnn.tasks._detection.golden import measured

if TYPE_CHECKING:
    from torch import Tensor

    from edgecnn.checkpoint import Checkpoint

SOURCE, OUTPUT = "golden image", "maps"
MAP_TOLERANCE = 1e-3
SIZES = ((160, 160), (64, 240))  # height and width that the parity check looks at: what was traced, and another
SMALLEST = 64  # pixels of a side while tracing, in both directions different


def proven(
    checkpoint: "Checkpoint", run: Path, *, dataset: str | None, root: str | Path | None, calibrated: bool
) -> Proven:
    """Return the detector's model after its network's maps were compared with PyTorch's. Raises ParityError.

    Its card has the F1 of the file on the validation images, where they can be read; what was measured while training
    is that of the network alone, without pyramid, merging and threshold.
    """
    if calibrated or (dataset is not None and not is_own(checkpoint.dataset.name)):
        raise EdgecnnError(
            f"{run}: holds a detector, which has no probabilities to calibrate and is proven on an image of its own. "
            "Leave out --calibrate and --data."
        )
    network = _network(checkpoint)
    gap = _largest_gap(checkpoint, network)
    if not gap <= MAP_TOLERANCE:
        raise ParityError(
            f"the exported network's maps differ from PyTorch's by {gap:.3g} (allowed {MAP_TOLERANCE:g}). "
            "No file was written. An operator of the network is exported wrongly; please report it with the recipe."
        )
    graph = graphs.compose(network).SerializeToString(deterministic=True)
    return Proven(graph, _card(checkpoint, graph, dataset, root), OUTPUT, gap, None, len(SIZES), SOURCE)


def _scores(checkpoint: "Checkpoint", graph: bytes, dataset: str | None, root: str | Path | None) -> list[Score]:
    """Run the file on the validation images, and on those of the test split where there is one; pages are not rendered
    for this alone."""
    name = dataset or checkpoint.dataset.name
    if not is_here(name, "validation", root):
        return []
    parts: tuple[Part, ...] = ("validation", "test") if is_own(name) else ("validation",)
    detector = load_detector(graph)
    every = {part: read_for(checkpoint, part, root, dataset=dataset) for part in parts}
    return [Score(part, len(boxes), "f1", f1_on(boxes, detector)) for part, boxes in every.items()]


def _card(checkpoint: "Checkpoint", graph: bytes, dataset: str | None, root: str | Path | None) -> ModelCard:
    return ModelCard(
        name=checkpoint.recipe.name,
        form="fp32",
        task="detection",
        labels=list(checkpoint.labels),
        input=checkpoint.input,
        network=checkpoint.recipe.network.name,
        parameters=trained_parameters(checkpoint),
        dataset=replace(checkpoint.dataset, name=data.public_name(checkpoint.dataset.name)),
        recipe=public_recipe(checkpoint),
        metrics=_scores(checkpoint, graph, dataset, root),
        parity=Parity(
            images=len(SIZES),
            source=SOURCE,
            output=OUTPUT,
            tolerance=MAP_TOLERANCE,
            max_abs_gap_below=MAP_TOLERANCE,
            agreement=None,
        ),
        quantization=None,
        parent_sha256=None,
        versions=checkpoint.versions | runtime_versions(),
        golden=measured(graph, checkpoint.golden_images_nhwc.numpy()),
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
