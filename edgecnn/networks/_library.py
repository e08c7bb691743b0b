"""What networks of other libraries share: gray images, pooling that int8 has, and parts to thaw one by one."""

from typing import Any

import torch
from torch import Size, Tensor, nn

FEW_PARTS = 4  # a network with fewer is a few sequences, each of which is taken apart


class Classifier(nn.Module):
    """A model of a library that also takes gray images."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels_nchw: Tensor) -> Tensor:
        """Map normalized pixels of 1 or 3 channels to logits_nk."""
        gray = pixels_nchw.shape[1] == 1
        logits_nk: Tensor = self.model(pixels_nchw.expand(-1, 3, -1, -1) if gray else pixels_nchw)
        return logits_nk


def stages(network: nn.Module) -> list[nn.Module]:
    """Return the last layer, then the parts before it, backwards; together they have every weight and every norm.

    A ResNet is fc, layer4, layer3, layer2, layer1 and the stem; models that are one long sequence give its blocks.
    """
    model: nn.Module = network.model  # type: ignore[assignment]
    parts = _with_weights(model)
    if len(parts) < FEW_PARTS:
        sequences = (nn.Sequential, nn.ModuleList)
        parts = [inner for part in parts for inner in (_with_weights(part) if type(part) in sequences else [part])]
    groups: list[list[nn.Module]] = []
    for part in parts:
        if groups and _is_norm(part):
            groups[-1].append(part)  # a norm goes with what it follows
        else:
            groups.append([part])
    alone = list(model.parameters(recurse=False))
    if alone:
        groups[0].append(nn.ParameterList(alone))
    return [group[0] if len(group) == 1 else nn.ModuleList(group) for group in reversed(groups)]


def fix_pools(model: nn.Module, size: tuple[int, int]) -> None:
    """Replace adaptive pooling by what it is at this size: it is exported as ReduceMean or worse, which int8 lacks."""
    pools = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.AdaptiveAvgPool2d)}
    sides: dict[str, tuple[Size, Size]] = {}

    def note(name: str) -> Any:
        return lambda layer, inputs, output: sides.update({name: (inputs[0].shape[2:], output.shape[2:])})

    hooks = [pool.register_forward_hook(note(name)) for name, pool in pools.items()]
    with torch.no_grad():
        model(torch.zeros(1, 3, *size))
    for hook in hooks:
        hook.remove()
    for name, (before, after) in sides.items():
        model.set_submodule(name, _pool(pools[name], before, after))


def _pool(adaptive: nn.Module, before: Size, after: Size) -> nn.Module:
    if all(old % new == 0 for old, new in zip(before, after, strict=True)):
        return nn.AvgPool2d((before[0] // after[0], before[1] // after[1]))
    if all(new % old == 0 for old, new in zip(before, after, strict=True)):
        return nn.Upsample(tuple(after))
    return adaptive


def _with_weights(module: nn.Module) -> list[nn.Module]:
    return [child for child in module.children() if next(child.parameters(), None) is not None]


def _is_norm(module: nn.Module) -> bool:
    return next(module.children(), None) is None and "Norm" in type(module).__name__
