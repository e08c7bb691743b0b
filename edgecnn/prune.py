"""Channel pruning: the same network with fewer channels in each layer, the weakest left out.

Channels that are added to each other, or filtered one by one, are one group, and leave together (Fang et al. 2023,
"DepGraph: Towards any structural pruning"). Which are the weakest of a group follows from the norms of their weights,
each relative to its layer's mean (Li et al. 2017, "Pruning filters for efficient convnets"). The same share of every
group leaves, so that the shapes follow from the network and the share alone; the answers' own channels all stay.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from edgecnn import aten
from edgecnn.aten import kind
from edgecnn.errors import RecipeError

BLOCK = 8  # channels that kernels compute together; groups of at least twice as many keep a multiple
KEEPING = (  # operators that leave channels where they are
    *aten.ACTIVATIONS, "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "dropout", "dropout_", "pad",
    "constant_pad_nd", "sigmoid", "tanh", "gelu", "silu", "silu_", "elu", "leaky_relu", "hardswish", "hardswish_",
    "hardsigmoid", "mish", "contiguous", "clone",
)  # fmt: skip
FLATTENING = ("flatten", "view", "reshape")
SIZES = (("out_channels", 0), ("out_features", 0), ("num_features", 0), ("in_channels", 1), ("in_features", 1))


@dataclass
class Group:
    """Channels that stay or leave together, and the parameters that have them along an axis."""

    count: int
    fixed: bool = False
    parts: list["Part"] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """Where a parameter has the channels of a group: along ``axis`` from ``start``, each ``repeat`` times."""

    name: str
    axis: int
    start: int
    repeat: int


@dataclass(frozen=True)
class Segment:
    """Channels of a value that are those of one group, each ``repeat`` times."""

    group: Group
    repeat: int = 1


def cut(network: nn.Module, example_nchw: Tensor, share: float, *, weakest: bool) -> None:
    """Take that share of the channels of each group out of a network: the ``weakest``, or else the last ones.

    Raises RecipeError where torch.export does not take the network, or it has nothing to take out.
    """
    graph = aten.exported(network, example_nchw, "prune")
    groups = _Grouping(graph).groups()
    state = network.state_dict()
    kept: dict[str, dict[int, Tensor]] = {}
    for group in groups:
        keep = _kept(group.count, share)
        chosen = _strongest(group, state, keep) if weakest else torch.arange(keep)
        for part in group.parts:
            axis = kept.setdefault(part.name, {})
            left = axis.get(part.axis, torch.arange(state[part.name].shape[part.axis]))
            axis[part.axis] = _without(left, part, group.count, chosen)
    if not any(len(index) < state[name].shape[axis] for name, axes in kept.items() for axis, index in axes.items()):
        raise RecipeError(f"prune: {share:g} of its channels takes none out of this network. Take a larger share.")
    _shrink(network, kept)


def _kept(count: int, share: float) -> int:
    """Return how many of a group's channels stay.

    >>> _kept(64, 0.3), _kept(24, 0.5), _kept(8, 0.5), _kept(1, 0.9)
    (48, 16, 4, 1)
    """
    block = BLOCK if count >= 2 * BLOCK else 1
    return min(count, max(block, -(-round(count * (1 - share)) // block) * block))


def _strongest(group: Group, state: dict[str, Tensor], keep: int) -> Tensor:
    """Return the channels with the largest weights, in order; among equals the first ones."""
    strength_c = torch.zeros(group.count, dtype=torch.float64)
    for part in group.parts:
        if state[part.name].ndim < 2:
            continue
        values = state[part.name].detach().double().cpu().movedim(part.axis, 0)
        values = values[part.start : part.start + group.count * part.repeat].reshape(group.count, -1)
        norm_c = values.norm(dim=1)
        strength_c += norm_c / norm_c.mean().clamp(min=1e-12)
    return strength_c.sort(descending=True, stable=True).indices[:keep].sort().values


def _without(left: Tensor, part: Part, count: int, chosen: Tensor) -> Tensor:
    """Return the places along an axis that are left once the channels of a part are those chosen."""
    own = (chosen[:, None] * part.repeat + torch.arange(part.repeat)).flatten() + part.start
    beyond = (left < part.start) | (left >= part.start + count * part.repeat)
    return torch.cat((left[beyond], own)).sort().values


def _shrink(network: nn.Module, kept: dict[str, dict[int, Tensor]]) -> None:
    """Give parameters and buffers those of their places that are kept, and modules the sizes that follow."""
    for name, axes in kept.items():
        owner, _, last = name.rpartition(".")
        module = network.get_submodule(owner)
        before = getattr(module, last)
        after = before.detach()
        for axis, index in axes.items():
            after = after.index_select(axis, index.to(after.device))
        _say_sizes(module, before.shape, after.shape)
        if isinstance(before, nn.Parameter):
            setattr(module, last, nn.Parameter(after.clone(), before.requires_grad))
        else:
            module.register_buffer(last, after.clone())


def _say_sizes(module: nn.Module, before: torch.Size, after: torch.Size) -> None:
    groups = getattr(module, "groups", 1)
    if len(before) > 1 and groups > 1:
        for name in ("groups", "in_channels", "out_channels"):
            if hasattr(module, name):
                setattr(module, name, after[0])
        return
    for name, axis in SIZES:
        if hasattr(module, name) and axis < len(before) and getattr(module, name) == before[axis]:
            setattr(module, name, after[axis])


class _Grouping:
    """Follows the channels through a graph."""

    def __init__(self, graph: GraphModule) -> None:
        self.graph = graph
        self.last = aten.last_weighted(graph.graph)
        self.joined: dict[int, Group] = {}
        self.known: list[Group] = []
        self.segments: dict[Node, list[Segment]] = {}

    def groups(self) -> list[Group]:
        """Return the groups of which channels may leave."""
        for node in self.graph.graph.nodes:
            if _has_channels(node):
                self.segments[node] = self._through(node)
        merged: dict[int, Group] = {}
        for group in self.known:
            root = self._root(group)
            found = merged.setdefault(id(root), Group(root.count))
            found.fixed |= group.fixed
            found.parts += group.parts
        return [group for group in merged.values() if not group.fixed and group.parts]

    def _through(self, node: Node) -> list[Segment]:
        """Return what the channels of a node are, given those that go in."""
        given = [self.segments[before] for before in node.all_input_nodes if before in self.segments]
        name = kind(node)
        if name in aten.WEIGHTED and given:
            return self._layer(node, given[0])
        if name == aten.NORM and given:
            for value in aten.arguments(node)[1:5]:
                self._mark(value, 0, given[0])
            return given[0]
        if name in KEEPING and given:
            return given[0]
        if name in FLATTENING and given:
            return self._flattened(node, given[0])
        if name in aten.SUMS and len(given) == 2 and self._join(*given):
            return given[0]
        if name == "cat" and given and _axis(node) == 1:
            return [segment for segments in given for segment in segments]
        for segments in given:
            self._fix(segments)
        return [self._new(int(node.meta["val"].shape[1]), fixed=True)]

    def _layer(self, node: Node, given: list[Segment]) -> list[Segment]:
        weights = aten.attribute(self.graph, aten.arguments(node)[1].target)
        taken = aten.arguments(node)
        groups = taken[6] if kind(node) == aten.CONVOLUTION and len(taken) > 6 else 1
        bias = taken[2] if len(taken) > 2 else None
        if groups > 1 and groups == len(weights) == sum(segment.group.count for segment in given):
            made = given
        else:
            if groups > 1:
                self._fix(given)
            else:
                self._mark(taken[1], 1, given)
            made = [self._new(len(weights), fixed=groups > 1 or node is self.last)]
        self._mark(taken[1], 0, made)
        self._mark(bias, 0, made)
        return made

    def _flattened(self, node: Node, given: list[Segment]) -> list[Segment]:
        """Return the channels of rows: each as often as a map has positions."""
        before, after = aten.arguments(node)[0].meta["val"].shape, node.meta["val"].shape
        channels = sum(segment.group.count * segment.repeat for segment in given)
        if len(after) == 2 and len(before) == 4 and int(before[1]) == channels and int(after[1]) % channels == 0:
            positions = int(after[1]) // channels
            return [Segment(segment.group, segment.repeat * positions) for segment in given]
        if len(after) == len(before) and int(after[1]) == int(before[1]):
            return given
        self._fix(given)
        return [self._new(int(after[1]), fixed=True)]

    def _mark(self, value: Node | None, axis: int, segments: list[Segment]) -> None:
        """Note that a parameter has these channels along an axis."""
        if not isinstance(value, Node):
            return
        start = 0
        for segment in segments:
            segment.group.parts.append(Part(str(value.target), axis, start, segment.repeat))
            start += segment.group.count * segment.repeat

    def _join(self, one: list[Segment], other: list[Segment]) -> bool:
        """Make one group of each pair of groups that are added; say whether they are alike."""
        sizes = [[(segment.group.count, segment.repeat) for segment in segments] for segments in (one, other)]
        if sizes[0] != sizes[1]:
            return False
        for first, second in zip(one, other, strict=True):
            roots = self._root(first.group), self._root(second.group)
            if roots[0] is not roots[1]:
                self.joined[id(roots[1])] = roots[0]
        return True

    def _root(self, group: Group) -> Group:
        while id(group) in self.joined:
            group = self.joined[id(group)]
        return group

    def _new(self, count: int, *, fixed: bool) -> Segment:
        group = Group(count, fixed)
        self.known.append(group)
        return Segment(group)

    def _fix(self, segments: list[Segment]) -> None:
        for segment in segments:
            segment.group.fixed = True


def _has_channels(node: Node) -> bool:
    value = node.meta.get("val")
    return node.op in ("placeholder", "call_function") and isinstance(value, Tensor) and value.ndim > 1


def _axis(node: Node) -> int:
    return int(aten.arguments(node)[1]) if len(node.args) > 1 else 0
