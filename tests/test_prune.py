"""A pruned network is the same network with fewer channels: what is left computes what it computed before."""

from pathlib import Path

import pytest
import torch
from conftest import SMALL
from torch import nn

from edgecnn import aten, checkpoint, networks, prune
from edgecnn.errors import Interrupted, RecipeError
from edgecnn.export import export
from edgecnn.export.proven import public_recipe
from edgecnn.metadata import read_card
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.train import train

FEW = {"compact": {"filters": [16, 32]}, "separable": {"filters": [16, 32, 32]}, "resnet8": {}}


def recipe(start: Path, **changes: object) -> Recipe:
    return read("digits-compact", SMALL | {"start_from": str(start), "prune": 0.5, "epochs": 2, **changes})


@pytest.fixture(scope="module")
def pruned_run(once, run: Path, data_root: Path) -> Path:
    return once("pruned-run", lambda path: train(recipe(run), path, root=data_root))


def built(name: str, parameters: dict, side: int = 32) -> tuple[nn.Module, torch.Tensor]:
    """A network with norms that are not those of the start, and pixels for it."""
    torch.manual_seed(0)
    network = networks.build(name, parameters, size=(side, side), channels=3, classes=10).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    return network, torch.rand(2, 3, side, side)


def silence_half(network: nn.Module, pixels: torch.Tensor) -> None:
    """Take the weights of so many channels that half of each group can go without a difference."""
    state = network.state_dict()
    for group in prune._Grouping(aten.exported(network, pixels, "prune")).groups():
        silent = torch.randperm(group.count)[: group.count - prune._kept(group.count, 0.5)]
        for part in group.parts:
            if not part.name.endswith(("running_mean", "running_var")):
                values = state[part.name].movedim(part.axis, 0)
                for repeat in range(part.repeat):
                    values[part.start + silent * part.repeat + repeat] = 0


def check_nothing_is_lost(name: str, parameters: dict, side: int = 32) -> None:
    network, pixels = built(name, parameters, side)
    silence_half(network, pixels)
    wanted, before = network(pixels), sum(parameter.numel() for parameter in network.parameters())
    prune.cut(network, pixels, 0.5, weakest=True)
    assert sum(parameter.numel() for parameter in network.parameters()) < before
    assert wanted.std() > 0
    torch.testing.assert_close(network(pixels), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FEW)
def test_channels_without_weights_leave_without_a_difference(name: str) -> None:
    check_nothing_is_lost(name, FEW[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in networks.names("classification") if name not in {"timm", *FEW}])
def test_so_they_do_in_every_network(name: str) -> None:
    parameters = {"model": "mobilenet_v2"} if name == "torchvision" else {}
    check_nothing_is_lost(name, parameters, 64 if name in ("torchvision", "efficientnet-lite0") else 32)


def test_the_channels_with_the_smallest_filters_leave() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([3.0, 0.1, 2.0, 0.2]).reshape(4, 1, 1, 1))
        network[3].weight.fill_(1)
    prune.cut(network, torch.rand(2, 1, 1, 1), 0.5, weakest=True)
    assert network[0].weight.flatten().tolist() == [3, 2]
    assert (network[0].out_channels, network[3].in_features) == (2, 2)


def test_channels_that_are_added_leave_together() -> None:
    network, pixels = built("resnet8", {})
    prune.cut(network, pixels, 0.5, weakest=True)
    assert network(pixels).shape == (2, 10)
    widths = [module.num_features for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert sorted(set(widths)) == [8, 16, 32]


def test_a_share_that_takes_none_is_refused() -> None:
    network, pixels = built("compact", {"filters": [8, 8]})
    with pytest.raises(RecipeError, match=r"prune: 0\.05 of its channels takes none out of this network"):
        prune.cut(network, pixels, 0.05, weakest=True)


def test_it_is_trained_and_exported_as_usual(run: Path, pruned_run: Path, data_root: Path, tmp_path: Path) -> None:
    exported = export(pruned_run, tmp_path / "pruned.onnx", root=data_root)
    assert exported.max_abs_gap < 1e-4
    card, before = read_card(exported.path), sum(tensor.numel() for tensor in checkpoint.read(run).weights.values())
    assert card.parameters < 0.5 * before
    assert (card.recipe["prune"], card.recipe["start_from"]) == (0.5, run.name)
    assert public_recipe(checkpoint.read(pruned_run))["prune"] == 0.5


def test_it_starts_from_the_weights_that_were_kept(run: Path, pruned_run: Path) -> None:
    first = checkpoint.read(pruned_run).figures["accuracy"]
    assert first > 0.5  # of ten classes, after two epochs


def test_it_can_be_trained_on_and_rounded(pruned_run: Path, data_root: Path, tmp_path: Path) -> None:
    again = train(recipe(pruned_run, epochs=1), tmp_path / "again", root=data_root)
    rounded = train(recipe(pruned_run, epochs=1, quantization="int8"), tmp_path / "rounded", root=data_root)
    assert again.parameters == train(recipe(pruned_run, epochs=1), tmp_path / "same", root=data_root).parameters
    assert rounded.parameters < again.parameters
    exported = export(tmp_path / "rounded", tmp_path / "rounded.onnx", root=data_root)
    assert read_card(exported.path).form == "int8-trained"


def test_a_training_that_is_stopped_and_resumed_ends_in_the_same_weights(
    run: Path, pruned_run: Path, data_root: Path, tmp_path: Path
) -> None:
    batches: list[int] = []

    def stop() -> bool:
        batches.append(1)
        return len(batches) == 5

    with pytest.raises(Interrupted):
        train(recipe(run), tmp_path / "run", root=data_root, should_stop=stop)
    train(recipe(run), tmp_path / "run", root=data_root, resume=True)
    one, other = checkpoint.read(pruned_run).weights, checkpoint.read(tmp_path / "run").weights
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_from": None}, r"prune: start_from=RUN is missing, the run whose channels are judged"),
        ({"prune": 1.0}, r"prune is 1\.0; input should be less than 1"),
    ],
    ids=["no start", "all"],
)
def test_what_cannot_be_pruned_is_said(changes: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read("digits-compact", SMALL | {"start_from": "runs/digits", "prune": 0.5} | changes)


def test_a_run_of_other_widths_is_no_start(pruned_run: Path, data_root: Path, tmp_path: Path) -> None:
    for changes in ({"prune": None}, {"prune": 0.25}):
        with pytest.raises(RecipeError, match=r"start_from: .* holds compact with .*, pruned by 0\.5, and weights"):
            train(recipe(pruned_run, **changes), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()
