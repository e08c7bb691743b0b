"""torchvision's classifiers by name: built without weights, started from a file, thawed in stages, exported."""

import argparse
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from forming import made
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from edgecnn import checkpoint, data, networks
from edgecnn.errors import RecipeError
from edgecnn.export import export
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.runtime.session import open_model
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.train import train
from edgecnn.train.prepare import initial_classifier

Color = {"size": (32, 32), "channels": 3, "classes": 10}
SMALL = "squeezenet1_1"
STAGED = "shufflenet_v2_x0_5"
STAGES = ("fc", "conv5", "stage4", "stage3", "stage2", "conv1")
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def recipe(model: str, **changes: object) -> Recipe:
    """A short training on few digits of 32 pixels."""
    few = {"network.name": f"torchvision:{model}", "data.size": 32, "data.subset": 100, "data.validation": 20}
    settings = {key.replace("__", "."): value for key, value in changes.items()}
    return read("digits-compact", few | {"epochs": 1, "batch_size": 20, "precision": "fp32"} | settings)


def saved(path: Path, model: str = SMALL, classes: int = 7) -> dict[str, torch.Tensor]:
    """Write weights of their own for ``model`` and return them."""
    torch.manual_seed(5)
    state = models.get_model(model, weights=None, num_classes=classes).state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path)
    return state


def started(weights: Path | str, model: str = SMALL) -> nn.Module:
    settings = {"weights": str(weights)}
    network = networks.build(f"torchvision:{model}", settings, **Color)
    networks.initialize(f"torchvision:{model}", settings, network, torch.zeros(1, 3, 32, 32))
    return network


@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v3_small", SMALL, "efficientnet_b0", "vit_b_32"])
@pytest.mark.parametrize("side", [32, 64])
def test_model_maps_pixels_to_logits_and_its_stages_have_all_of_it(model: str, side: int) -> None:
    name = f"torchvision:{model}"
    network = networks.build(name, {}, size=(side, side), channels=1, classes=10).train()
    stages = networks.stages(name, network)
    found = [parameter for stage in stages for parameter in stage.parameters()]
    assert network(torch.rand(2, 1, side, side)).shape == (2, 10)
    assert len(found) == len(list(network.parameters())) == len({id(parameter) for parameter in found})
    norms = {layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)}
    assert norms <= {layer for stage in stages for layer in stage.modules()}
    assert isinstance(stages[0], nn.Linear | nn.Conv2d)


@pytest.mark.parametrize(("before", "after"), [(4, 2), (1, 3), (5, 3)])
def test_pooling_that_is_fixed_answers_as_the_adaptive_one(before: int, after: int) -> None:
    from edgecnn.networks._library import fix_pools

    images = torch.rand(2, 3, before, before)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(after))
    expected = model(images)
    fix_pools(model, (before, before))
    torch.testing.assert_close(model(images), expected)


def test_gray_is_the_same_as_three_channels_of_it() -> None:
    network = networks.build(f"torchvision:{SMALL}", {}, **Color | {"channels": 1})
    gray = torch.rand(2, 1, 32, 32)
    assert torch.equal(network(gray), network(gray.expand(-1, 3, -1, -1)))


def test_models_with_extra_outputs_train_without_them() -> None:
    network = networks.build("torchvision:googlenet", {"weights": "imagenet"}, **Color).train()
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_short_name_sets_the_model() -> None:
    assert networks.parameters(f"torchvision:{SMALL}") == {"weights": "none"}
    assert networks.parameters("torchvision") == {"model": "resnet18", "weights": "none"}
    names = [type(networks.build(*named, **Color).model) for named in (
        (f"torchvision:{SMALL}", {}), ("torchvision", {"model": SMALL})
    )]  # fmt: skip
    assert names == [models.SqueezeNet, models.SqueezeNet]


@pytest.mark.parametrize(
    ("name", "settings", "size", "message"),
    [
        ("torchvision:resnet51", {}, 32, r"torchvision has no classifier 'resnet51'\. Did you mean 'resnet"),
        ("torchvision:", {}, 32, "torchvision has no classifier ''. It has alexnet, .*, wide_resnet50_2"),
        ("torchvision", {"model": 18}, 32, "torchvision has no classifier '18'"),
        ("torchvision:resnet18", {"model": "vgg11"}, 32, "has no parameter 'model'; it has weights"),
        ("torchvision:resnet18", {"weights": 3}, 32, "weights is 3; expected none, imagenet or a path"),
        ("torchvision:inception_v3", {}, 32, "torchvision:inception_v3 with .* cannot take 32x32 images"),
        ("torchvision:vit_b_32", {}, 40, "torchvision:vit_b_32 with .* cannot take 40x40 images .*patch size"),
        ("lenet:5", {}, 32, "no network 'lenet:5': lenet has no variants; write lenet"),
    ],
)
def test_name_that_is_none_is_a_message(name: str, settings: dict, size: int, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        networks.build(name, settings, **Color | {"size": (size, size)})


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_of_a_file_are_loaded_but_for_a_head_of_another_size(tmp_path: Path, suffix: str) -> None:
    state = saved(tmp_path / f"weights{suffix}")
    found = started(tmp_path / f"weights{suffix}").model.state_dict()
    body = [key for key in state if not key.startswith("classifier.1.")]
    assert all(torch.equal(found[key], state[key]) for key in body)
    assert found["classifier.1.weight"].shape[0] == 10


def test_head_of_the_same_size_is_loaded_too(tmp_path: Path) -> None:
    state = saved(tmp_path / "weights.pth", classes=10)
    found = started(tmp_path / "weights.pth").model.state_dict()
    assert all(torch.equal(found[key], state[key]) for key in state)


@pytest.mark.parametrize(
    ("model", "rename"),
    [
        ("densenet121", lambda key: key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.")),
        ("googlenet", lambda key: key),
        ("mnasnet0_5", lambda key: key),
    ],
)
def test_weights_as_imagenets_files_have_them_are_loaded(
    tmp_path: Path, model: str, rename: Callable[[str], str]
) -> None:
    """Old names of layers, extra outputs, counters and versions that are not there."""
    options = {"init_weights": False, "aux_logits": True} if model == "googlenet" else {}
    state = models.get_model(model, weights=None, num_classes=10, **options).state_dict()
    torch.save({rename(key): tensor for key, tensor in state.items() if "tracked" not in key}, tmp_path / "old.pth")
    found = started(tmp_path / "old.pth", model).model.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in found.items() if "tracked" not in key)


def test_weights_of_another_model_name_the_first_misfits(tmp_path: Path) -> None:
    saved(tmp_path / "other.pth", "resnet18")
    with pytest.raises(
        RecipeError, match=r"other\.pth\) do not fit: features\.0\.weight is missing, expected 64x3x3x3; "
    ):
        started(tmp_path / "other.pth")


def test_weights_that_are_not_there_or_broken_are_a_message(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"weights is 'imagenett': no such file; expected none, imagenet, or the path"
    ):
        started("imagenett")
    for name in ("broken.pth", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"not weights")
        with pytest.raises(RecipeError, match=name):
            started(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(RecipeError, match=r"list\.pth: not a state dict"):
        started(tmp_path / "list.pth")


def said_of(weights: Path, model: str = SMALL) -> tuple[str, ...]:
    settings = {"weights": str(weights)}
    network = networks.build(f"torchvision:{model}", settings, **Color)
    return networks.initialize(f"torchvision:{model}", settings, network, torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda state: {f"module.{key}": value for key, value in state.items()}, ["took module. off the names"]),
        (lambda state: {f"model.{key}": value for key, value in state.items()}, ["took model. off the names"]),
        (
            lambda state: {f"_orig_mod.{key}": value for key, value in state.items()},
            ["took _orig_mod. (or an FSDP wrapper) out of the names"],
        ),
        (
            lambda state: {f"module._orig_mod.encoder.{key}": value for key, value in state.items()},
            ["took _orig_mod. (or an FSDP wrapper) out of the names", "took module.encoder. off the names"],
        ),
        (lambda state: {"state_dict": state, "epoch": 3}, ["took state_dict out of the file"]),
        (
            lambda state: {
                "model": state,
                "model_ema": {f"module.{key}": value for key, value in state.items()},
                "args": argparse.Namespace(lr=0.1),
            },
            ["took model out of the file; model_ema lies there too and was not taken"],
        ),
        (
            lambda state: {
                "model_ema": {
                    "n_averaged": torch.tensor(3),
                    **{f"module.{key}": value for key, value in state.items()},
                }
            },
            ["took model_ema out of the file", "took module. off the names and left n_averaged out"],
        ),
        (lambda state: {key: value.half() for key, value in state.items()}, []),
    ],
    ids=["module", "model", "_orig_mod", "both", "state_dict", "model and args", "model_ema", "half"],
)
def test_weights_are_taken_out_of_what_they_were_saved_in_with_a_word(
    tmp_path: Path, wrap: Callable[[dict], dict], said: list[str]
) -> None:
    state = saved(tmp_path / "plain.pth", classes=10)
    torch.save(wrap(state), tmp_path / "wrapped.pth")
    assert list(said_of(tmp_path / "wrapped.pth")) == said
    found = started(tmp_path / "wrapped.pth").model.state_dict()
    torch.testing.assert_close(found, dict(state), rtol=1e-3, atol=1e-4)


def test_a_new_last_layer_is_said(tmp_path: Path) -> None:
    saved(tmp_path / "weights.pth", classes=7)
    assert said_of(tmp_path / "weights.pth") == ("the last layer, classifier.1, starts anew",)


def test_weights_of_a_run_of_ours_are_taken_out_of_its_checkpoint(tmp_path: Path) -> None:
    state = saved(tmp_path / "plain.pth", classes=10)
    inside = {f"weights.network.model.{key}": value for key, value in state.items()}
    save_file({**inside, "weights.scale": torch.ones(1), "golden_images": torch.ones(2)}, tmp_path / "best.safetensors")
    assert said_of(tmp_path / "best.safetensors") == (
        "took weights.network.model. off the names and left golden_images, weights.scale out",
    )


def test_safetensors_by_another_name_are_known_by_their_content(tmp_path: Path) -> None:
    state = saved(tmp_path / "weights.safetensors", classes=10)
    (tmp_path / "weights.safetensors").rename(tmp_path / "weights.bin")
    assert torch.equal(started(tmp_path / "weights.bin").model.features[0].weight, state["features.0.weight"])


KEY = "features.0.weight"
UNFIT = {
    "integer": (lambda tensor: (tensor * 127).to(torch.int8), "is int8; expected floating point"),
    "complex": (lambda tensor: tensor.to(torch.complex64), "is complex64; expected floating point"),
    "bool": (lambda tensor: tensor > 0, "is bool; expected floating point"),
    "sparse": (lambda tensor: tensor.to_sparse(), "is stored as sparse_coo; expected a plain tensor"),
    "meta": (lambda tensor: tensor.to("meta"), "has a shape and no values"),
    "nan": (lambda tensor: tensor * torch.nan, "has values that are not finite in float32"),
    "too large": (lambda tensor: tensor.double() * 1e300, "has values that are not finite in float32"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_tensor_that_could_only_be_copied_with_a_loss_is_refused(tmp_path: Path, kind: str) -> None:
    change, message = UNFIT[kind]
    state = saved(tmp_path / "plain.pth", classes=10)
    torch.save({**state, KEY: change(state[KEY])}, tmp_path / "unfit.pth")
    with pytest.raises(RecipeError, match=f"unfit.pth\\) do not fit: {KEY} {message}"):
        started(tmp_path / "unfit.pth")


def test_a_last_layer_that_could_only_be_copied_with_a_loss_starts_anew(tmp_path: Path) -> None:
    state = saved(tmp_path / "plain.pth", classes=10)
    torch.save({**state, "classifier.1.bias": torch.ones(10, dtype=torch.int8)}, tmp_path / "unfit.pth")
    assert said_of(tmp_path / "unfit.pth") == ("the last layer, classifier.1, starts anew",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.pth",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            "not weights. It is a pointer of Git LFS.* git lfs pull",
        ),
        (
            "a.safetensors",
            b"version https://git-lfs.github.com/spec/v1\n",
            "not weights. It is a pointer of Git LFS.* git lfs pull",
        ),
        ("a.pth", b"\n<!DOCTYPE html><html>", "not weights. It is a web page"),
        ("a.safetensors", b"<html>", "not weights. It is a web page"),
        ("a.pth", b"", "broken, or more than weights"),
    ],
)
def test_what_was_downloaded_in_place_of_weights_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        started(tmp_path / name)


def test_a_whole_model_is_not_run_and_its_class_is_named(tmp_path: Path) -> None:
    torch.save(nn.Linear(1, 1), tmp_path / "model.pth")
    with pytest.raises(RecipeError, match=r"holds torch\.nn\.modules\.linear\.Linear, which is more than weights"):
        started(tmp_path / "model.pth")


def test_a_mapping_that_is_no_state_dict_says_what_it_has(tmp_path: Path) -> None:
    torch.save({"optimizer": {"lr": 1.0}, "epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(RecipeError, match=r"not a state dict .*: has optimizer, epoch"):
        started(tmp_path / "other.pth")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network on any machine, and an empty cache, which is returned."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def test_imagenet_without_a_network_says_what_to_bring_and_leaves_no_run(
    offline: Path, tmp_path: Path, data_root: Path
) -> None:
    found = f"resnet50-[0-9a-f]+.pth from https://download.pytorch.org/models/.* put it into {offline}, or name it"
    with pytest.raises(RecipeError, match=f"weights of resnet50 could not be downloaded .* bring {found}"):
        train(recipe("resnet50", network__parameters__weights="imagenet"), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()


def test_imagenet_file_that_was_brought_is_taken(offline: Path) -> None:
    name = models.get_model_weights(SMALL).DEFAULT.url.rpartition("/")[2]
    state = saved(offline / name, classes=1000)
    assert torch.equal(started("imagenet").model.features[0].weight, state["features.0.weight"])


@pytest.mark.parametrize(
    ("color", "mean", "std"),
    [("rgb", IMAGENET_MEAN, IMAGENET_STD), ("gray", [np.mean(IMAGENET_MEAN)], [np.mean(IMAGENET_STD)])],
)
def test_scale_of_the_weights_is_theirs(
    tmp_path: Path, data_root: Path, color: str, mean: list[float], std: list[float]
) -> None:
    saved(tmp_path / "weights.pth")
    changes = {"network__parameters__weights": str(tmp_path / "weights.pth"), "preprocess__scale": "weights"}
    wanted = recipe(SMALL, data__color=color, **changes)
    classifier = initial_classifier(wanted, prepare(wanted, data_root))
    np.testing.assert_allclose(classifier.scale.flatten().numpy() * 255, 1 / np.array(std), rtol=1e-6)
    np.testing.assert_allclose(classifier.shift.flatten().numpy(), -np.array(mean) / std, rtol=1e-6)


@pytest.mark.parametrize("network", ["compact", f"torchvision:{SMALL}"])
def test_scale_of_weights_that_a_network_has_not_is_a_message(data_root: Path, network: str) -> None:
    wanted = read("digits-compact", {"network.name": network, "preprocess.scale": "weights", "data.size": 32})
    with pytest.raises(RecipeError, match=r'preprocess\.scale is "weights", but .* starts without any'):
        initial_classifier(wanted, prepare(wanted, data_root))


def test_batch_of_one_that_has_nothing_to_normalize_by_is_a_message(tmp_path: Path, data_root: Path) -> None:
    wanted = recipe("mobilenet_v3_small", data__validation=19)
    with pytest.raises(
        RecipeError, match="cannot learn from a batch of one image of this size, and with batch_size 20"
    ):
        train(wanted, tmp_path / "run", root=data_root)


@pytest.mark.parametrize("optimizer", [{"name": "adamw"}, {"name": "sgd", "momentum": 0.9}])
def test_thaws_weights_and_norm_statistics_stage_by_stage_and_reloads_without_the_file(
    tmp_path: Path, data_root: Path, optimizer: dict[str, object]
) -> None:
    file = tmp_path / "weights.safetensors"
    states = [{f"network.model.{key}": tensor for key, tensor in saved(file, STAGED).items()}]
    own = {"network__parameters__weights": str(file), "optimizer": {"learning_rate": 0.01} | optimizer}
    wanted, run = recipe(STAGED, epochs=3, unfreeze_at=[0.3, 0.6], **own), tmp_path / "run"
    train(
        wanted,
        run,
        root=data_root,
        on_epoch=lambda row: states.append(dict(checkpoint.read(run / checkpoint.LAST).weights)),
    )
    file.unlink()
    moved = []
    for before, after in itertools.pairwise(states):
        changed = {key for key in after if key in before and not torch.equal(before[key], after[key])}
        moved.append({key.split(".")[2] for key in changed})
        for stage in moved[-1] - {"fc"}:
            assert {"running_mean", "weight"} <= {key.rpartition(".")[2] for key in changed if f".{stage}." in key}
    assert moved == [{"fc"}, {"fc", "conv5"}, set(STAGES)]
    assert checkpoint.read(run).build()(torch.zeros(1, 32, 32, 1)).shape == (1, 10)


@pytest.mark.slow
def test_exports_without_naming_folders_and_quantizes(tmp_path: Path, data_root: Path) -> None:
    saved(tmp_path / "weights.pth", "mobilenet_v3_small")
    weights = str(tmp_path / "weights.pth")
    wanted = recipe("mobilenet_v3_small", network__parameters__weights=weights, data__subset=400)
    train(wanted, tmp_path / "run", root=data_root)
    exported = export(tmp_path / "run", tmp_path / "fp32.onnx", root=data_root)
    operators = Counter(node.op_type for node in onnx.load(exported.path).graph.node)
    assert operators["AveragePool"] == 10
    assert not {"ReduceMean", "GatherND", "Shape"} & set(operators)
    assert str(tmp_path) not in exported.card_path.read_text()

    images = data.read_split("digits", "train", root=data_root, size=(32, 32)).images_nhwc
    quantized = made("static", exported.path, images[:64])
    logits_nk, int8_nk = (
        open_model(file).session.run(["logits"], {"image": images[:64]})[0]
        for file in (exported.path.read_bytes(), quantized)
    )
    assert len(quantized) < exported.size_bytes / 2.5
    assert np.abs(logits_nk - int8_nk).max() < 0.2 * np.ptp(logits_nk)
