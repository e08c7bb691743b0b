"""The network of fast training: how it starts from the training images, and that it learns what it should."""

import numpy as np
import pytest
import torch
from torch import Tensor

from edgecnn.networks import speedrun

SMALL = {"filters": (24, 32), "depth": 3}


def network(channels: int = 3, **changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return speedrun.build(size=(16, 20), channels=channels, classes=5, **{**SMALL, **changes})


def pictures(channels: int) -> Tensor:
    """Normalized pictures whose neighbors and colors go together, as in photographs."""
    torch.manual_seed(1)
    rough = torch.randn(200, channels, 16, 20).cumsum(2).cumsum(3) + 3 * torch.randn(200, 1, 16, 20)
    return (rough - rough.mean((0, 2, 3), keepdim=True)) / rough.std((0, 2, 3), keepdim=True)


def second_moment(vectors: Tensor) -> Tensor:
    return vectors.T @ vectors / len(vectors)


@pytest.mark.parametrize("channels", [1, 3])
def test_first_layer_whitens_the_training_patches(channels: int) -> None:
    net, pixels = network(channels), pictures(channels)
    speedrun.initialize(net, pixels, **SMALL)
    with torch.no_grad():
        responses = net[0](pixels).permute(0, 2, 3, 1).flatten(0, 2).double()
    half = 4 * channels
    patches = np.lib.stride_tricks.sliding_window_view(pixels.numpy(), (2, 2), (2, 3)).transpose(0, 2, 3, 1, 4, 5)
    values = np.linalg.eigvalsh(second_moment(torch.from_numpy(patches.reshape(-1, half)).double()).numpy())
    kept = torch.from_numpy(values / (values + speedrun.WHITENING_EPSILON))  # one but for what the epsilon takes
    assert kept.min() > 0.5
    torch.testing.assert_close(second_moment(responses[:, :half]), torch.diag(kept), atol=1e-3, rtol=0)
    torch.testing.assert_close(responses[:, half:], -responses[:, :half])


def test_first_filters_and_the_norms_scales_are_not_trained() -> None:
    fixed = {name for name, parameter in network().named_parameters() if not parameter.requires_grad}
    assert fixed == {"0.weight"} | {name for name, p in network().named_parameters() if (p == 1).all()}
    assert len(fixed) == 1 + 2 * 3  # two blocks of three norms


def test_convolutions_start_as_the_identity_of_what_comes_in() -> None:
    convolutions = [module for module in network().modules() if isinstance(module, torch.nn.Conv2d)][1:]
    assert len(convolutions) == 6
    for layer in convolutions:
        features = torch.randn(2, layer.in_channels, 6, 7)
        torch.testing.assert_close(layer(features)[:, : layer.in_channels], features)


@pytest.mark.parametrize(("size", "filters", "padding"), [((28, 28), (16, 16, 16), 0), ((32, 32), (16,), 1)])
def test_any_size_ends_in_one_place(size: tuple[int, int], filters: tuple[int, ...], padding: int) -> None:
    net = speedrun.build(size=size, channels=1, classes=7, filters=filters, padding=padding)
    assert net(torch.zeros(2, 1, *size)).shape == (2, 7)
