"""Model files of others, each made once a test run."""

from collections.abc import Callable

import onnx
import pytest
from foreign import Foreign, built, exported, handmade, images, outputs

from edgecnn.insight import graph
from edgecnn.insight.graph import Network


@pytest.fixture(scope="session")
def foreign(once) -> Callable[[str], Foreign]:
    """Export a network of PyTorch by its name, once."""

    def make(name: str) -> Foreign:
        module = built(name)
        path = once(f"foreign-{name}.onnx", lambda target: exported(module, target))
        images_nhwc = images(3)
        return Foreign(module, graph.read(path), images_nhwc, outputs(module, images_nhwc))

    return make


@pytest.fixture(scope="session")
def by_hand(once) -> Network:
    """A network of another opset, made node by node: no names, constants as nodes, weights among the inputs."""
    return graph.read(once("by-hand.onnx", lambda path: onnx.save(handmade(), path)))
