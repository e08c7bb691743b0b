"""Networks that look at an image several times, as at its mirror image, and average."""

import numpy as np
import onnx

from edgecnn.audit.checks._float import percent
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found
from edgecnn.insight.graph import Network

NAME, PLACE = "views", 70


def look(evidence: Evidence) -> Found:
    """Find where images and their mirror images are put together."""
    for node in evidence.network.model.graph.node:
        if node.op_type == "Concat" and _axis(node) == 0 and _mirrors(evidence.network, node):
            return _finding(evidence, node)
    return Fine(NAME, "each image is looked at once")


def _finding(evidence: Evidence, node: onnx.NodeProto) -> Finding:
    ran, views = evidence.ran, len(node.input)
    start = next((kernel.index for kernel in ran.kernels if kernel.name == node.name), None)
    behind = ran.share(ran.downstream(start)) if start is not None and ran.linked else None
    return Finding(
        NAME,
        [node.name],
        f"each image is computed {views} times, as it is and mirrored",
        'leave the mirrored view out (average = "none" in a recipe); edgecnn verify says what accuracy that costs',
        None if behind is None else behind * (1 - 1 / views),
        f"{views - 1} of {views} of what runs behind it, which takes {percent(behind or 0)} of the time",
    )


def _mirrors(network: Network, node: onnx.NodeProto) -> bool:
    """Tell whether one of a node's values is another one's mirror image."""
    makers = [network.constants.made_by.get(name) for name in node.input]
    return any(
        maker is not None and maker.op_type == "Slice" and maker.input[0] in node.input and _is_backward(network, maker)
        for maker in makers
    )


def _is_backward(network: Network, node: onnx.NodeProto) -> bool:
    steps = network.constants.array(node.input[4]) if len(node.input) > 4 else None
    return steps is not None and bool((np.asarray(steps) < 0).any())


def _axis(node: onnx.NodeProto) -> int:
    return next((part.i for part in node.attribute if part.name == "axis"), 0)
