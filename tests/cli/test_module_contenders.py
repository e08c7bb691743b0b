"""Modules of PyTorch among what is compared and timed: files of a user's, networks of timm and torchvision."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import edgecnn
from edgecnn import own
from edgecnn.contender import completed, open_classifier
from edgecnn.errors import EdgecnnError, ModelError

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, width, 3, stride=2), nn.ReLU(), nn.Conv2d(width, 8, 3, stride=2))
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)).amax((2, 3)))


def certain():
    return nn.Sequential(Net(), nn.Hardtanh(-1, 1), nn.Softmax(1))


def wrong():
    return nn.Sequential(nn.Flatten(), nn.Linear(5, 10))
"""
TIMM, VISION = "timm:mobilenetv3_small_050", "torchvision:squeezenet1_1"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a module in a file, with its weights beside it."""
    folder = tmp_path_factory.mktemp("net")
    (folder / "net.py").write_text(NET)
    address = f"{folder / 'net.py'}:Net"
    torch.save(own.opened(address, None).module.state_dict(), folder / "net.pth")
    return address


@pytest.fixture(scope="module")
def weights(net: str) -> Path:
    return Path(net.removesuffix(".py:Net") + ".pth")


@pytest.fixture(scope="module")
def file(net: str, weights: Path, data_root: Path) -> Path:
    """The module as a file that subtracts and divides."""
    said: dict[str, Any] = {"labels": list("0123456789"), "input": (28, 28, 1), "preprocess": {"mean": 0.2, "std": 0.3}}
    return edgecnn.export(net, weights.with_name("net.onnx"), weights=weights, **said).path


def test_a_module_and_its_file_answer_the_same(net: str, weights: Path, file: Path, data_root: Path) -> None:
    for pair in ((net, file), (file, net)):
        found = edgecnn.verify(*pair, weights=weights, dataset="digits", root=data_root)
        assert (found.agreement, found.drop_pp) == (1.0, 0.0)
        assert 0 < found.max_abs_logit_gap < 1e-4, "two engines, and the numbers that the card has"
        assert found.reference.model == str(pair[0])


def test_other_weights_are_found_out(net: str, weights: Path, file: Path, data_root: Path) -> None:
    torch.manual_seed(1)
    state = {name: value + torch.randn_like(value) for name, value in torch.load(weights).items()}
    torch.save(state, weights.with_name("other.pth"))
    found = edgecnn.verify(file, net, weights=weights.with_name("other.pth"), dataset="digits", root=data_root)
    assert found.max_abs_logit_gap > 0.1


def test_weights_that_nobody_named_are_called_random(net: str, file: Path) -> None:
    (found,) = completed([net], None, (28, 28, 1))
    assert open_classifier(found).form == "random"


def test_probabilities_are_compared_as_their_logarithms(net: str, tmp_path: Path, data_root: Path) -> None:
    address = net.replace(":Net", ":certain")
    said: dict[str, Any] = {"labels": list("0123456789"), "input": (28, 28, 1), "preprocess": {"scale": 1 / 255}}
    file = edgecnn.export(address, tmp_path / "certain.onnx", answers="probabilities", **said).path
    found = edgecnn.verify(file, address, dataset="digits", root=data_root)
    assert found.agreement == 1
    bare = open_classifier(completed([file, address], None, None)[1])
    logits_nk = bare.logits(np.zeros((1, 28, 28, 1), np.uint8))
    assert np.exp(logits_nk).sum() == pytest.approx(1, abs=1e-5)


def test_the_command_takes_one_and_its_weights(
    net: str, weights: Path, file: Path, data_root: Path, edgecnn: Any
) -> None:
    root = ("--data-root", data_root)
    said = edgecnn("verify", net, file, "--weights", weights, "--data", "digits", *root, "--max-drop-pp", 5, "--json")
    assert json.loads(said.out)["passed"]


@pytest.mark.slow
def test_it_is_timed_like_a_file_or_alone(net: str, weights: Path, file: Path) -> None:
    brief: dict[str, Any] = {"batches": [1, 3], "threads": [1], "seconds": 0.02}
    found = edgecnn.bench([file, net], weights=weights, **brief)
    assert [(row.model, row.batch) for row in found.contenders] == [
        (str(file), 1), (net, 1), (str(file), 3), (net, 3),
    ]  # fmt: skip
    size = {row.model: row.size_bytes for row in found.footprints}[net]
    assert size == 4 * sum(value.numel() for value in torch.load(weights).values())
    alone = edgecnn.bench([net], input=(28, 28, 1), **brief)
    assert [row.form for row in alone.contenders] == ["random", "random"]
    assert "PyTorch" in alone.contenders[0].provider


@pytest.mark.parametrize(
    ("models", "said", "message"),
    [
        (["{net}"], {}, r"does not tell what pictures it takes.*say --input 28x28x1"),
        (["{file}"], {"weights": "x.pth"}, "--weights and --input are said of a module.*none is named"),
        (["{net}", "{net}"], {"weights": "x.pth", "input": (28, 28, 1)}, "--weights are those of one module, and 2"),
        (["{net}", "digit-finder"], {}, "digit-finder: is for detection; beside a module a classifier is expected"),
        (["{net}", "mnist-compact"], {}, "does not tell what is done to pixels before the module"),
        (["{wrong}", "{file}"], {}, r"wrong: does not run on pictures \(1, 1, 28, 28\) \(RuntimeError"),
        (["{net}"], {"input": (28, 28, 3)}, r"does not run on pictures \(1, 3, 28, 28\)"),
        (["{nets}", "{file}"], {}, "has no 'Nets'.*Did you mean 'Net'"),
        (
            ["timm:mobilenetv3_smal_050"],
            {"weights": "none"},
            "timm has no model .*Did you mean 'mobilenetv3_small_050'",
        ),
        (["torchvision:resnet19"], {"weights": "none"}, "torchvision has no classifier .*Did you mean 'resnet18'"),
        ([TIMM], {"weights": "none", "input": (28, 28, 1)}, "takes color, 3 channels; --input said 1"),
    ],
)
def test_what_cannot_be_opened_says_why(models: list[str], said: dict, message: str, net: str, file: Path) -> None:
    places = {"net": net, "file": file, "wrong": net.replace(":Net", ":wrong"), "nets": f"{net}s"}
    named = [model.format(**places) for model in models]
    with pytest.raises(EdgecnnError, match=message):
        _opened(named, said.get("weights"), said.get("input"))


def _opened(named: list[str], weights: str | None, shape: tuple[int, int, int] | None) -> None:
    for one in completed(named, weights, shape):
        open_classifier(one)


def test_a_detector_is_not_compared_with_a_module(net: str) -> None:
    with pytest.raises(EdgecnnError, match="is a module of PyTorch; expected a model file"):
        edgecnn.verify("digit-finder", net)


def test_where_a_file_is_wanted_a_module_is_told_how_to_become_one() -> None:
    with pytest.raises(ModelError, match=r"is a module of PyTorch; expected a model file.*export timm:resnet18"):
        edgecnn.load("timm:resnet18")


# Networks of libraries


@pytest.mark.slow
@pytest.mark.parametrize("address", [TIMM, VISION])
def test_a_network_of_a_library_is_exported_with_its_own_preprocessing(address: str, tmp_path: Path) -> None:
    found = edgecnn.export(address, tmp_path / "m.onnx", weights="none", labels=["a", "b", "c"], input=(64, 64, 3))
    said = " ".join(found.remarks)
    assert "Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]" in said
    assert "not in the file: Resize(" in said
    opened = own.opened(address, "none", classes=3, shape=(64, 64, 3))
    images_nhwc = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    (*_, numbers, normalize) = opened.transform.transforms if address == TIMM else (opened.transform,) * 2
    once = normalize if address == VISION else lambda picture: normalize(numbers(picture))
    pixels = torch.stack([once(Image.fromarray(image)) for image in images_nhwc])
    with torch.inference_mode():
        expected_nk = opened.module(pixels).numpy()
    np.testing.assert_allclose(edgecnn.load(found.path).logits(images_nhwc), expected_nk, atol=1e-4)
    assert edgecnn.read_card(found.path).network == address


@pytest.mark.parametrize("address", [TIMM, VISION])
def test_a_network_of_a_library_tells_the_size_of_its_pictures(address: str) -> None:
    (bare,) = completed([address], "none", None)
    found = open_classifier(bare)
    assert found.input.shape == (224, 224, 3)
    assert (found.form, len(found.labels)) == ("random", 1000)


def test_weights_of_a_training_elsewhere_are_put_into_a_network_of_a_library(tmp_path: Path) -> None:
    import timm

    theirs = timm.create_model("mobilenetv3_small_050", num_classes=4).eval()
    torch.save({"state_dict": theirs.state_dict(), "epoch": 3}, tmp_path / "theirs.pth.tar")
    found = own.opened(TIMM, tmp_path / "theirs.pth.tar", classes=4)
    pixels = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(found.module(pixels), theirs(pixels))
    with pytest.raises(ModelError, match=r"does not fit timm:mobilenetv3_small_050: classifier.weight has shape \(4,"):
        own.opened(TIMM, tmp_path / "theirs.pth.tar", classes=5)


class _Weights:
    """What a library would bring over the network: the same network, with weights that are known."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import timm
        from torchvision import models

        self.timm = timm.create_model("mobilenetv3_small_050")
        self.vision = models.squeezenet1_1()
        monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *a, **k: self.timm.state_dict())
        monkeypatch.setattr(models.WeightsEnum, "get_state_dict", lambda *a, **k: self.vision.state_dict())


def test_trained_weights_bring_their_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = _Weights(monkeypatch)
    for address, module in ((TIMM, brought.timm), (VISION, brought.vision)):
        found = own.opened(address, None)
        assert not found.is_random
        assert not found.module.training
        assert all(torch.equal(value, found.module.state_dict()[key]) for key, value in module.state_dict().items())
        assert len(set(found.labels)) == 1000
        assert found.labels[0].startswith("tench")


def test_weights_that_cannot_be_had_say_what_to_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import models

    def nothing(*given: Any, **named: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", nothing)
    monkeypatch.setattr(models.WeightsEnum, "get_state_dict", nothing)
    with pytest.raises(ModelError, match=r"no network.*bring them from https://huggingface\.co/timm/mobilenetv3_small"):
        own.opened(TIMM, None)
    with pytest.raises(ModelError, match=r"no network.*bring them from https://download\.pytorch\.org/.*--weights"):
        own.opened(VISION, None)
