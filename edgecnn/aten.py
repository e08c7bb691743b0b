"""A network as the graph of operators that torch.export makes of it, for what rewrites networks."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node
from torch.fx.graph import CodeGen

from edgecnn.errors import RecipeError

CONVOLUTION, LINEAR, NORM = "conv2d", "linear", "batch_norm"
WEIGHTED = (CONVOLUTION, LINEAR)
ACTIVATIONS = ("relu", "relu_", "relu6", "relu6_", "hardtanh", "hardtanh_", "clamp", "clamp_")
SUMS = ("add", "add_")


def exported(network: nn.Module, example_nchw: Tensor, wanted_for: str) -> GraphModule:
    """Return a network in inference as a graph for batches of any size, its parameters under their names.

    Raises RecipeError, which begins with what it is ``wanted_for``, where torch.export does not take the network.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(
                network.eval(), (example_nchw,), dynamic_shapes=({0: torch.export.Dim("N")},), strict=False
            )
    except Exception as error:  # torch.export raises whatever the network's own code makes it raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RecipeError(
            f"{wanted_for}: torch.export does not take this network ({reason}). Leave {wanted_for} out."
        ) from error
    traced = program.module(check_guards=False)
    graph = Graph()
    output = graph.graph_copy(traced.graph, {})
    graph.output(output[0] if isinstance(output, tuple | list) else output)
    graph.set_codegen(CodeGen())
    return GraphModule(traced, graph)  # one that can be put into training and inference, which that of export cannot


def kind(node: Node) -> str:
    """Return the name of the operator that a node calls, nothing where it calls none of PyTorch's."""
    return node.target._schema.name.removeprefix("aten::") if isinstance(node.target, torch._ops.OpOverload) else ""


def arguments(node: Node) -> tuple[Any, ...]:
    """Return what an operator is called with."""
    return node.args


def put_behind(node: Node, new: Node) -> None:
    """Let all that took from a node take from a new one, which takes from it."""
    node.replace_all_uses_with(new, delete_user_cb=lambda user: user is not new)


def attribute(graph: GraphModule, name: str) -> Any:
    """Return what a node of the kind get_attr names."""
    owner, _, last = name.rpartition(".")
    return getattr(graph.get_submodule(owner), last)


def last_weighted(graph: Graph) -> Node | None:
    """Return the last layer with weights."""
    return next((node for node in reversed(graph.nodes) if kind(node) in WEIGHTED), None)
