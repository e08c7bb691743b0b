"""The moving average of the weights, against one computed by hand."""

import torch
from torch import Tensor, nn

from edgecnn.checkpoint import PixelClassifier
from edgecnn.train.average import MovingAverage

DECAY = 0.3


def classifier() -> PixelClassifier:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten())
    return PixelClassifier(network, torch.tensor([2.0]), torch.tensor([0.5]))


def train_a_step(model: PixelClassifier, seed: int) -> dict[str, Tensor]:
    """Move weights and statistics and return them."""
    torch.manual_seed(seed)
    model.train()(torch.rand(4, 5, 5, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_is_average(found: dict[str, Tensor], seen: list[dict[str, Tensor]], decay: float) -> None:
    """Average from the first on; the decay rises from 2 of 11 to what is asked. Counts are the last ones."""
    assert found.keys() == seen[0].keys()
    for name, value in found.items():
        expected = seen[0][name]
        for number, now in enumerate(seen[1:], start=1):
            kept = min(decay, (1 + number) / (10 + number)) if value.is_floating_point() else 0
            expected = kept * expected + (1 - kept) * now[name]
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_average_is_the_one_by_hand_of_weights_and_statistics() -> None:
    model = classifier()
    average, seen = MovingAverage(model, DECAY), []
    for seed in range(7):
        seen.append(train_a_step(model, seed))
        average.update(model)
    assert_is_average(average.classifier.state_dict(), seen, DECAY)


def test_average_leaves_the_trained_weights_alone() -> None:
    model = classifier()
    average = MovingAverage(model, DECAY)
    now = train_a_step(model, 0)
    average.update(model)
    average.update(model)
    assert all(torch.equal(value, now[name]) for name, value in model.state_dict().items())


def test_average_is_taken_up_where_it_stood() -> None:
    model, seen = classifier(), []
    average = MovingAverage(model, DECAY)
    for seed in range(6):
        if seed == 3:
            state, average = average.state_dict(), MovingAverage(classifier(), DECAY)
            average.load_state_dict(state)
        seen.append(train_a_step(model, seed))
        average.update(model)
    assert_is_average(average.classifier.state_dict(), seen, DECAY)
