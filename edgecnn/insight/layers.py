"""The layer table: what each layer is, gives, holds and computes for one image."""

from dataclasses import dataclass

from edgecnn import inspection
from edgecnn.insight.graph import Layer, Network
from edgecnn.onnx_file import reading
from edgecnn.shapes import Shape, fixed_shapes

WITHOUT_BIASES = ("MatMul", "MatMulInteger", "ConvInteger")


@dataclass(frozen=True)
class Row:
    """One layer for one image. ``parameters`` and ``weight_bytes`` (as they lie in the file) are of the tensors that no
    layer before it has; ``macs`` are multiply-accumulates, None where its size is not known."""

    index: int
    title: str
    name: str
    operators: tuple[str, ...]
    output_shape: tuple[int | str, ...]
    parameters: int
    macs: int | None
    weight_bytes: int
    weight_type: str


def table(network: Network) -> list[Row]:
    """Return a row for each layer, in order of computation. Raises ModelError for a graph that contradicts itself."""
    with reading(network.path):
        by_node = {one.name: one for one in inspection.operators(network.model, network.input.shape)[0]}
        shapes = value_shapes(network)
        return [
            Row(
                index=layer.index,
                title=layer.title,
                name=layer.name,
                operators=layer.operators,
                output_shape=shapes.get(layer.name, ()),
                parameters=sum(
                    by_node[node].parameters + _added(network, layer, by_node[node]) for node in layer.nodes
                ),
                macs=_sum([by_node[node].macs for node in layer.nodes]),
                weight_bytes=sum(by_node[node].weight_bytes for node in layer.nodes),
                weight_type=next((kind for node in layer.nodes if (kind := by_node[node].weight_type)), ""),
            )
            for layer in network.layers
        ]


def value_shapes(network: Network, images: int = 1) -> dict[str, Shape]:
    """Return the shapes of all values for so many images, or for as many as the graph is fixed to."""
    _, *sides = network.input.shape
    return fixed_shapes(network.model, (network.input.batch or images, *sides))


def _added(network: Network, layer: Layer, operator: inspection.Layer) -> int:
    """Return how many biases an addition adds to a product that has no place for them."""
    if operator.operator != "Add" or operator.parameters or layer.operator not in WITHOUT_BIASES:
        return 0
    found = (network.constants.array(name) for name in network.nodes[operator.name].input)
    return sum(biases.size for biases in found if biases is not None)


def _sum(counts: list[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)
