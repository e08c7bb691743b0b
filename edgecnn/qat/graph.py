"""A trained network as a graph whose norms are folded and whose int8 tensors are rounded.

What is rounded is what the form int8-static quantizes: whatever an operator that has an integer kernel takes or makes,
from the input on. What such an operator and the activation behind it make is rounded once, after the activation. The
last layer with weights stays in float32, so that logits keep their resolution.
"""

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from edgecnn import aten
from edgecnn.aten import arguments, attribute, kind
from edgecnn.qat.rounding import Activations, rounded_weights

MAKERS = (*aten.WEIGHTED, *aten.ACTIVATIONS, *aten.SUMS, "cat", "avg_pool2d", "adaptive_avg_pool2d")
# What leaves values on the grid that they are on.
MOVERS = (
    "max_pool2d", "view", "reshape", "flatten", "permute", "transpose", "pad", "constant_pad_nd", "dropout", "dropout_",
    "contiguous", "clone", "unsqueeze", "squeeze", "expand",
)  # fmt: skip
MAKING = "quantize_{}"


def prepared(network: nn.Module, example_nchw: Tensor) -> GraphModule:
    """Return a network, its weights included, as one that rounds as int8 does; ranges of activations are still empty.

    It takes batches of any number of images of the example's size. Raises RecipeError where torch.export does not take
    the network.
    """
    graph = aten.exported(network, example_nchw, "quantization")
    _fold_norms(graph)
    _give_dropout_back(graph)
    _round(graph)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _fold_norms(graph: GraphModule) -> None:
    """Bring each norm into the convolution before it. One that has none stays, with its statistics as they are."""
    for norm in [node for node in graph.graph.nodes if kind(node) == aten.NORM]:
        convolution = arguments(norm)[0]
        if kind(convolution) != aten.CONVOLUTION or len(convolution.users) > 1 or len(convolution.args[1].users) > 1:
            continue
        gain, offset, mean, variance = (attribute(graph, value.target) for value in arguments(norm)[1:5])
        name = convolution.args[1].target
        weights, bias = attribute(graph, name), _bias(graph, convolution)
        scale_c = gain.detach() / (variance + arguments(norm)[7]).sqrt()
        folded = weights.detach() * scale_c.reshape(-1, 1, 1, 1)
        moved_c = offset.detach() + ((0 if bias is None else bias.detach()) - mean) * scale_c
        owner = graph.get_submodule(name.rpartition(".")[0])
        learns = weights.requires_grad
        owner.weight, owner.bias = nn.Parameter(folded, learns), nn.Parameter(moved_c, offset.requires_grad)
        with graph.graph.inserting_before(convolution):
            added = graph.graph.get_attr(f"{name.rpartition('.')[0]}.bias")
        rest = list(convolution.args[3:])
        convolution.args = (convolution.args[0], convolution.args[1], added, *rest)
        norm.replace_all_uses_with(convolution)
        graph.graph.erase_node(norm)


def _bias(graph: GraphModule, node: Node) -> Tensor | None:
    given = arguments(node)[2] if len(node.args) > 2 else None
    return None if given is None else attribute(graph, given.target)


def _give_dropout_back(graph: GraphModule) -> None:
    """Make modules of dropouts, which a graph has as they were when it was traced; and let views take any layout."""
    for place, node in enumerate(list(graph.graph.nodes)):
        if kind(node) == "view":
            node.target = torch.ops.aten.reshape.default
        if kind(node) in ("dropout", "dropout_"):
            graph.add_submodule(f"dropout_{place}", nn.Dropout(arguments(node)[1]))
            with graph.graph.inserting_before(node):
                given = graph.graph.call_module(f"dropout_{place}", (node.args[0],))
            node.replace_all_uses_with(given)
            graph.graph.erase_node(node)


def _round(graph: GraphModule) -> None:
    """Insert what rounds weights and activations."""
    last = aten.last_weighted(graph.graph)
    nodes = list(graph.graph.nodes)
    before_last = nodes[: nodes.index(last)] if last is not None else nodes
    for node in before_last:
        if kind(node) in aten.WEIGHTED:
            with graph.graph.inserting_before(node):
                weights = graph.graph.call_function(rounded_weights, (node.args[1],))
            node.update_arg(1, weights)
    wanted = [node for node in before_last if _is_rounded(node, last)]
    for number, node in enumerate(wanted):
        name = MAKING.format(number)
        graph.add_submodule(name, Activations())
        with graph.graph.inserting_after(node):
            rounded = graph.graph.call_module(name, (node,))
        aten.put_behind(node, rounded)


def _is_rounded(node: Node, last: Node | None) -> bool:
    """Tell whether an operator with an integer kernel makes what a node gives, or takes it, moved or not."""
    if not _is_activation(node) or _is_mover(node):
        return False
    if kind(node) not in MAKERS and not _is_taken(node, last):
        return False
    users = list(node.users)
    is_followed = len(users) == 1 and kind(users[0]) in aten.ACTIVATIONS
    return not (is_followed and kind(node) in (*aten.WEIGHTED, *aten.SUMS, aten.NORM))


def _is_activation(node: Node) -> bool:
    """Tell whether a node gives a tensor of floating point that depends on the images."""
    value = node.meta.get("val")
    return node.op != "get_attr" and isinstance(value, Tensor) and value.is_floating_point()


def _is_mover(node: Node) -> bool:
    return kind(node) in MOVERS or (node.op == "call_module" and str(node.target).startswith("dropout"))


def _is_taken(node: Node, last: Node | None) -> bool:
    """Tell whether an operator with an integer kernel takes what a node gives, as it is or moved."""
    return any(
        (kind(user) in MAKERS and user is not last) or (_is_mover(user) and _is_taken(user, last))
        for user in node.users
    )
