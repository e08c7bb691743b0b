"""timm's classifiers by name in recipes: built without weights, started from a file, thawed in stages."""

from pathlib import Path
from typing import Any

import pytest
import torch

from edgecnn import networks
from edgecnn.errors import MissingPackageError, RecipeError

timm = pytest.importorskip("timm")
SMALL = "timm:mobilenetv3_small_050"
Color: dict[str, Any] = {"size": (32, 32), "channels": 3, "classes": 10}


def saved(path: Path, classes: int = 7) -> dict[str, torch.Tensor]:
    """Write weights of their own and return them."""
    torch.manual_seed(5)
    state = timm.create_model("mobilenetv3_small_050", num_classes=classes).state_dict()
    torch.save({"state_dict": state}, path)
    return state


def started(weights: Path | str) -> tuple[torch.nn.Module, tuple[str, ...]]:
    settings = {"weights": str(weights)}
    network = networks.build(SMALL, settings, **Color)
    return network.model, networks.initialize(SMALL, settings, network, torch.zeros(1, 3, 32, 32))


def test_gray_is_repeated_and_the_name_sets_the_model() -> None:
    network = networks.build(SMALL, {}, **Color | {"channels": 1}).eval()
    gray = torch.rand(2, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(network(gray), network(gray.expand(-1, 3, -1, -1)))
    assert networks.parameters(SMALL) == {"weights": "none"}


@pytest.mark.parametrize("model", ["resnet18", "vit_tiny_patch16_224"])
def test_a_network_takes_the_size_of_the_data_and_its_stages_are_all_of_it(model: str) -> None:
    network = networks.build(f"timm:{model}", {}, **Color)
    counted = [sum(one.numel() for one in stage.parameters()) for stage in networks.stages(f"timm:{model}", network)]
    assert sum(counted) == sum(one.numel() for one in network.parameters())
    assert (
        counted[0]
        == dict(network.named_modules())["model.fc" if model == "resnet18" else "model.head"].weight.numel() + 10
    )


def test_no_adaptive_pooling_is_left_which_int8_lacks() -> None:
    layers = networks.build("timm:resnet18", {}, **Color).modules()
    assert not any(isinstance(layer, torch.nn.AdaptiveAvgPool2d) for layer in layers)


def test_weights_of_a_file_are_taken_but_for_the_last_layer(tmp_path: Path) -> None:
    theirs = saved(tmp_path / "theirs.pth")
    model, said = started(tmp_path / "theirs.pth")
    assert said == ("took state_dict out of the file", "the last layer, classifier, starts anew")
    own = model.state_dict()
    assert all(torch.equal(own[key], theirs[key]) for key in theirs if not key.startswith("classifier"))


def test_those_of_the_name_come_with_their_normalization(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = saved(tmp_path / "theirs.pth", classes=1000)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *given, **named: theirs)
    model, said = started("imagenet")
    assert said == ("the last layer, classifier, starts anew",)
    assert torch.equal(model.state_dict()["conv_stem.weight"], theirs["conv_stem.weight"])
    mean_c, std_c = networks.normalization(SMALL, {"weights": "imagenet"})
    assert (mean_c, std_c) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def test_what_cannot_be_had_says_what_to_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*given: Any, **named: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", nothing)
    with pytest.raises(
        RecipeError, match=r"no network.*bring them from https://huggingface\.co/timm/mobilenetv3_small"
    ):
        started("imagenet")
    with pytest.raises(RecipeError, match="timm has no model 'mobilenetv3_smal'"):
        networks.build("timm:mobilenetv3_smal", {}, **Color)
    with pytest.raises(RecipeError, match="the network starts without any"):
        networks.normalization(SMALL, {})


def test_without_timm_the_extra_is_named_and_the_family_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    assert "timm:NAME" in networks.describe("timm")
    with pytest.raises(MissingPackageError, match=r"pip install 'edgecnn\[timm\]'"):
        networks.normalization(SMALL, {"weights": "imagenet"})
