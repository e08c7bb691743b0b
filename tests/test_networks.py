"""Every architecture family, found by its file."""

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn import networks
from edgecnn.errors import RecipeError
from edgecnn.networks import efficientnet_lite0
from edgecnn.networks._layers import Residual
from edgecnn.recipes.read import read
from edgecnn.registry import NETWORKS

GRAY_28 = {"size": (28, 28), "channels": 1, "classes": 10}
Color_32 = {"size": (32, 32), "channels": 3, "classes": 10}
SHAPES = {"mnist": GRAY_28, "fashion-mnist": GRAY_28, "cifar10": Color_32, "cifar100": Color_32 | {"classes": 100}}
CLAIM = re.compile(r"([\d,]+) parameters on (28x28 gray|32x32 color)(?: and (\d+) classes)?")


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def gray(name: str, **settings: object) -> torch.nn.Module:
    """A network on 28x28 gray and 10 classes, always drawn from the same seed."""
    torch.manual_seed(0)
    return networks.build(name, settings, **GRAY_28)


def layers(network: torch.nn.Module, *kinds: type[torch.nn.Module]) -> list[torch.nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, kinds)]


def test_finds_every_file() -> None:
    assert networks.names() == (
        "compact",
        "dense",
        "densenet",
        "doubleconv",
        "efficientnet-lite0",
        "finder",
        "funnel",
        "inception",
        "lenet",
        "mobilenetv2",
        "oneconv",
        "pyramid",
        "residual",
        "resnet18",
        "resnet8",
        "resnetcifar",
        "separable",
        "speedrun",
        "threeconv",
        "timm",
        "torchvision",
        "twoconv",
    )


def test_what_the_families_share_is_no_family() -> None:
    with pytest.raises(RecipeError, match="no network '_layers'"):
        networks.build("_layers", {}, **GRAY_28)


CLASSIFIERS = networks.names("classification")


def test_detectors_are_told_from_classifiers() -> None:
    assert set(networks.names()) - set(CLASSIFIERS) == set(networks.names("detection")) == {"finder"}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_maps_pixels_to_logits(name: str) -> None:
    network = networks.build(name, {}, size=(32, 24), channels=3, classes=7)
    assert network(torch.rand(5, 3, 32, 24)).shape == (5, 7)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_claimed_parameter_count_is_the_real_one(name: str) -> None:
    claim = CLAIM.search(networks.describe(name))
    assert claim, f"{name} claims no count: {networks.describe(name)}"
    shape = GRAY_28 if claim[2] == "28x28 gray" else Color_32
    network = networks.build(name, {}, **shape | {"classes": int(claim[3] or 10)})
    assert count(network) == int(claim[1].replace(",", ""))


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("mnist-a1", 1_111_434),
        ("cifar100-a2", 3_587_044),
        ("mnist-b1", 813_802),
        ("mnist-b2", 405_306),
        ("cifar10-b3", 528_474),
        ("cifar10-b4", 2_141_738),
        ("cifar10-b5", 530_090),
        ("cifar10-b7", 2_141_738),
        ("mnist-c1", 4_470),
        ("mnist-c2", 4_368),
        ("mnist-c4-dropout", 4_470),
        ("fashion-mnist-d1", 6_484_330),
        ("fashion-mnist-d2", 1_398_597),
        ("fashion-mnist-d4", 325_426),
        ("mnist-e1", 607_394),
        ("cifar10-e8", 2_519_178),
        # not stated by a report: two multilayer perceptrons, C1 with norms, and D3, which is stated near 6,753,669
        ("mnist-b6", 535_818),
        ("cifar10-b6", 1_707_274),
        ("mnist-c5", 4_526),
        ("fashion-mnist-d3", 6_756_234),
        # ours
        ("cifar10-resnet8", 78_042),
        ("cifar10-resnet18", 11_173_962),
        ("cifar10-b8", 23_528_522),
        ("mnist-separable", 36_874),
        ("cifar10-separable", 143_146),
        ("cifar10-resnet20", 272_474),
        ("cifar10-teacher", 9_918_776),
        ("fashion-mnist-small", 774_056),
        ("mnist-5k", 4_912),
        ("mnist-5k-taught", 4_912),
        ("mnist-1k", 1_480),
        ("mnist-1k-taught", 1_480),
        ("cifar10-finetuned", 3_383_818),
        ("cifar100-finetuned", 3_499_108),
        ("cifar10-1m", 859_498),
        ("cifar100-1m", 974_788),
        ("cifar10-200k", 179_626),
        ("cifar10-fast-narrow", 213_848),
        ("photos", 3_383_818),
    ],
)
def test_row_has_its_number_of_parameters(recipe: str, expected: int) -> None:
    row = read(recipe)
    shape = SHAPES[row.data.name] | ({"classes": len(row.data.groups)} if row.data.groups else {})
    assert count(networks.build(row.network.name, row.network.parameters, **shape)) == expected


@pytest.mark.parametrize("side", [224, 112, 65])
def test_efficientnet_lite0_answers_as_the_network_of_its_weights(side: int) -> None:
    """The package that has the network pads for one size, which it is told."""
    theirs = pytest.importorskip("efficientnet_lite_pytorch")
    ours = networks.build("efficientnet-lite0", {}, size=(side, side), channels=3, classes=1000)
    assert networks.initialize("efficientnet-lite0", {"weights": "imagenet"}, ours, torch.zeros(1)) == ()
    other = theirs.EfficientNet.from_name("efficientnet-lite0", image_size=side)
    other.load_state_dict(torch.load(efficientnet_lite0.imagenet(), weights_only=True))
    assert count(ours) == count(other) == 4_652_008
    pixels = torch.randn((2, 3, side, side), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours_nk, theirs_nk = ours.eval()(pixels), other.eval()(pixels)
    assert (ours_nk - theirs_nk).abs().max() < 1e-5 * theirs_nk.abs().max()
    built_for_another = networks.build("efficientnet-lite0", {}, size=(side + 17, 40), channels=3, classes=1000)
    built_for_another.load_state_dict(ours.state_dict())
    with torch.inference_mode():
        assert torch.equal(built_for_another.eval()(pixels), ours_nk)  # as progressive resizing needs


LITE0 = "efficientnet-lite0"
TWO_BLOCKS = {"blocks": 2, "features": 8}


def test_efficientnet_lite0_that_was_cut_begins_as_the_whole_one() -> None:
    whole = networks.build(LITE0, {}, size=(64, 64), channels=3, classes=10)
    short = networks.build(LITE0, {"blocks": 11, "keep_norms": True}, size=(64, 64), channels=3, classes=10)
    networks.initialize(LITE0, {"weights": "imagenet"}, whole, torch.zeros(1))
    said = networks.initialize(LITE0, {"weights": "imagenet", "blocks": 11}, short, torch.zeros(1))
    assert said == ("the last layer, head, starts anew", "so does the convolution before it, last")
    pixels = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = whole.eval().blocks[:11](whole.stem(pixels))
        assert torch.equal(short.eval().blocks(short.stem(pixels)), expected)
    first = networks.stages(LITE0, short)[0]
    assert {*first.parameters()} == {*short.head.parameters(), *short.last.parameters()}
    short.train()
    assert short.last[1].training
    assert not short.blocks[0].filter[1].training


@pytest.mark.parametrize("settings", [{"blocks": 2}, TWO_BLOCKS, {"features": 8}], ids=str)
def test_efficientnet_lite0_that_was_cut_takes_all_of_its_own_weights(settings: dict, tmp_path: Path) -> None:
    built = [networks.build(LITE0, settings, size=(32, 32), channels=3, classes=4) for _ in range(2)]
    torch.save(built[0].state_dict(), tmp_path / "cut.pth")
    assert networks.initialize(LITE0, settings | {"weights": str(tmp_path / "cut.pth")}, built[1], torch.zeros(1)) == ()
    expected = built[0].state_dict()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in built[1].state_dict().items())


def test_efficientnet_lite0_has_as_many_positions_for_pictures_of_half_the_side() -> None:
    sizes = []
    for side, stride in ((64, 2), (32, 1)):
        network = networks.build(LITE0, {"stride": stride}, size=(side, side), channels=3, classes=4)
        sizes.append(network.stem(torch.zeros(1, 3, side, side)).shape)
    assert sizes == [(1, 32, 32, 32)] * 2


@pytest.mark.parametrize("settings", [{"blocks": 0}, {"blocks": 17}, {"features": 0}, {"stride": 0}], ids=str)
def test_efficientnet_lite0_is_not_cut_to_nothing(settings: dict) -> None:
    with pytest.raises(RecipeError, match="expected 1 to 16 blocks, and positive integers"):
        networks.build(LITE0, settings, size=(32, 32), channels=3, classes=4)


def test_efficientnet_lite0_says_which_weights_do_not_fit_it(tmp_path: Path) -> None:
    torch.save(networks.build(LITE0, TWO_BLOCKS, size=(32, 32), channels=3, classes=4).state_dict(), tmp_path / "2.pth")
    settings = {"weights": str(tmp_path / "2.pth"), "blocks": 3}
    three = networks.build(LITE0, settings, size=(32, 32), channels=3, classes=4)
    with pytest.raises(RecipeError, match=r"do not fit: blocks\.2\.\S+ is missing, expected"):
        networks.initialize(LITE0, settings, three, torch.zeros(1))


def test_row_d3_has_the_stated_number_with_five_classes() -> None:
    assert count(networks.build("residual", {}, **GRAY_28 | {"classes": 5})) == 6_753_669


@pytest.mark.parametrize(
    ("name", "settings", "classes", "millions"),
    [
        ("resnetcifar", {"depth": 20}, 10, 0.27),
        ("resnetcifar", {"depth": 32}, 10, 0.46),
        ("resnetcifar", {"depth": 56}, 10, 0.85),
        ("mobilenetv2", {}, 10, 2.24),
        ("mobilenetv2", {"width": 0.75}, 100, 1.48),
        ("densenet", {"depth": 100, "growth": 12}, 10, 0.77),
    ],
)
def test_network_of_a_paper_has_the_published_number_of_parameters(
    name: str, settings: dict, classes: int, millions: float
) -> None:
    """As published, to two places; He's shortcuts have no parameters, ours are under 3,000."""
    assert count(networks.build(name, settings, **Color_32 | {"classes": classes})) / 1e6 == pytest.approx(
        millions, abs=0.008
    )


@pytest.mark.parametrize("depth", [20, 32, 56])
def test_a_residual_network_for_cifar_is_as_deep_as_it_says(depth: int) -> None:
    network = networks.build("resnetcifar", {"depth": depth}, **Color_32)
    shortcuts = 2
    assert len(layers(network, torch.nn.Conv2d, torch.nn.Linear)) == depth + shortcuts


@pytest.mark.parametrize(
    ("name", "settings"), [("mobilenetv2", {"divisor": 16, "width": 0.5}), ("densenet", {}), ("resnetcifar", {})]
)
def test_channels_are_multiples_of_sixteen_where_that_is_asked_for(name: str, settings: dict) -> None:
    network = networks.build(name, settings, **Color_32)
    assert {layer.out_channels % 16 for layer in layers(network, torch.nn.Conv2d)} == {0}


@pytest.mark.parametrize(("name", "depth"), [("dense", 5), ("residual", 11), ("inception", 9)])
def test_has_the_stated_number_of_layers(name: str, depth: int) -> None:
    assert len(layers(gray(name), torch.nn.Conv2d, torch.nn.Linear)) == depth


@pytest.mark.parametrize(("name", "blocks"), [("residual", 2), ("resnet8", 3), ("resnet18", 8), ("resnetcifar", 9)])
def test_has_as_many_ways_around_and_they_carry_the_signal(name: str, blocks: int) -> None:
    network = gray(name)
    around = layers(network, Residual)
    for block in around:
        for parameter in block.body.parameters():
            parameter.data.zero_()
    assert len(around) == blocks
    assert network(torch.rand(2, 1, 28, 28)).std(dim=0).min() > 0


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("dense", {"hidden": [64]}),
        ("dense", {"activation": "tanh"}),
        ("dense", {"initialization": "glorot"}),
        ("densenet", {"growth": 8}),
        ("densenet", {"depth": 10}),
        ("doubleconv", {"filters": [8, 16]}),
        ("doubleconv", {"hidden": [64, 32]}),
        ("doubleconv", {"dropout": 0.0}),
        ("doubleconv", {"hidden_dropout": 0.0}),
        ("funnel", {"batch_norm": True}),
        ("funnel", {"dropout": 0.3}),
        ("inception", {"initialization": "glorot"}),
        ("mobilenetv2", {"divisor": 16}),
        ("mobilenetv2", {"width": 0.5}),
        ("mobilenetv2", {"last": 64}),
        ("oneconv", {"hidden": 64}),
        ("pyramid", {"filters": [8, 16]}),
        ("pyramid", {"hidden": [32]}),
        ("pyramid", {"dropout": 0.5}),
        ("residual", {"initialization": "glorot"}),
        ("resnet18", {"width": 8}),
        ("resnet8", {"width": 8}),
        ("resnetcifar", {"depth": 8}),
        ("resnetcifar", {"width": 8}),
        ("separable", {"filters": [8, 8, 16]}),
        ("threeconv", {"activation": "sigmoid"}),
        ("threeconv", {"dropout": 0.5}),
        ("threeconv", {"hidden_dropout": 0.5}),
        ("threeconv", {"initialization": "glorot"}),
    ],
)
def test_option_changes_what_is_trained(name: str, settings: dict) -> None:
    images = torch.rand(4, 1, 28, 28)
    answers = []
    for network in (gray(name).train(), gray(name, **settings).train()):
        torch.manual_seed(1)
        answers.append(network(images))
    assert not torch.equal(*answers)


@pytest.mark.parametrize(("name", "hidden"), [("dense", 4), ("threeconv", 5)])
@pytest.mark.parametrize(("activation", "kind"), [("sigmoid", torch.nn.Sigmoid), ("tanh", torch.nn.Tanh)])
def test_activation_is_that_of_every_hidden_layer(
    name: str, hidden: int, activation: str, kind: type[torch.nn.Module]
) -> None:
    network = gray(name, activation=activation)
    assert (len(layers(network, kind)), len(layers(network, torch.nn.ReLU))) == (hidden, 0)


@pytest.mark.parametrize("name", ["dense", "inception", "residual", "threeconv"])
def test_glorot_is_uniform_within_its_bound_and_without_biases(name: str) -> None:
    for layer in layers(gray(name, initialization="glorot"), torch.nn.Conv2d, torch.nn.Linear):
        inputs, outputs = layer.weight[0].numel(), layer.weight.numel() // layer.weight.shape[1]
        bound = (6 / (inputs + outputs)) ** 0.5
        assert 0.8 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"filters": [32], "kernels": [5]}, 832 + (12 * 12 * 32 + 1) * 128 + 1290),
        ({"filters": [16, 16], "kernels": [3, 5]}, 160 + 6416 + (4 * 4 * 16 + 1) * 128 + 1290),
        ({"stride": 2}, 280 + (6 * 6 * 28 + 1) * 128 + 1290),
        ({"padding": "same"}, 280 + (14 * 14 * 28 + 1) * 128 + 1290),
        ({"stride": 2, "padding": "same"}, 280 + (7 * 7 * 28 + 1) * 128 + 1290),
    ],
)
def test_study_of_filters_and_strides_builds(settings: dict, expected: int) -> None:
    assert count(gray("oneconv", **settings)) == expected


def test_options_that_are_off_leave_the_names_of_weights() -> None:
    """Checkpoints of C1 from before there were options still load."""
    assert [key for key in gray("funnel").state_dict() if key.endswith("weight")] == [
        "0.weight",
        "3.weight",
        "6.weight",
        "10.weight",
    ]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dense", {"activation": "relo"}, "activation is 'relo'; allowed: relu, sigmoid, tanh"),
        ("threeconv", {"initialization": "he"}, "initialization is 'he'; allowed: default, glorot"),
        ("oneconv", {"padding": "full"}, "padding is 'full'; allowed: valid, same"),
        ("oneconv", {"filters": [16, 16]}, "oneconv with .* cannot take"),
        ("doubleconv", {"filters": [16]}, "doubleconv with .* cannot take"),
        ("pyramid", {"filters": []}, "pyramid with .* cannot take"),
        ("separable", {"filters": []}, "separable with .* cannot take"),
        ("resnetcifar", {"depth": 18}, "depth is 18; allowed: 8, 14, 20 and so on in steps of 6"),
        ("densenet", {"depth": 4}, "depth is 4; allowed: 10, 16, 22 and so on in steps of 6"),
    ],
)
def test_option_that_is_none_is_a_message(name: str, settings: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        gray(name, **settings)


def test_parameters_are_what_a_recipe_may_set() -> None:
    assert networks.parameters("twoconv") == {"filters": (32, 64), "hidden": 1024}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_parameter_has_a_default(name: str) -> None:
    build = NETWORKS.module(name).build
    assert build(**GRAY_28).eval()(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_unknown_network_names_the_nearest() -> None:
    known = r"there is compact, .*twoconv, or FILE\.py:NAME, one of your own"
    with pytest.raises(RecipeError, match=rf"no network 'lenett'; {known}\. Did you mean 'lenet'\?"):
        networks.build("lenett", {}, **GRAY_28)


def test_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no parameter 'filter'; it has filters, dropout\. Did you mean 'filters'\?"):
        networks.build("compact", {"filter": [8]}, **GRAY_28)


def test_network_without_parameters_says_that_it_has_none() -> None:
    with pytest.raises(RecipeError, match="network lenet has no parameter 'filters'; it has none"):
        networks.build("lenet", {"filters": [8]}, **GRAY_28)


@pytest.mark.parametrize("wrong", [{"filters": []}, {"filters": "wide"}, {"filters": [-1]}, {"dropout": 2.0}])
def test_parameter_that_builds_nothing_is_named(wrong: dict) -> None:
    with pytest.raises(RecipeError, match=f"network compact with .*{next(iter(wrong))}"):
        networks.build("compact", wrong, **GRAY_28)


@pytest.mark.parametrize(
    ("name", "side"),
    [("compact", 3), ("funnel", 4), ("lenet", 4), ("lenet", 10), ("pyramid", 15), ("twoconv", 8), ("twoconv", 12)],
)
def test_images_too_small_are_a_message(name: str, side: int) -> None:
    with pytest.raises(RecipeError, match=f"network {name} with .* cannot take {side}x{side} images of 1 channels"):
        networks.build(name, {}, size=(side, side), channels=1, classes=10)


@given(
    name=st.sampled_from(CLASSIFIERS),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    channels=st.sampled_from((1, 3)),
    classes=st.integers(2, 20),
)
@settings(max_examples=60)
def test_any_size_is_taken_or_refused_by_message(name: str, size: tuple[int, int], channels: int, classes: int) -> None:
    with torch.device("meta"):  # shapes alone: nothing is drawn or computed
        try:
            network = networks.build(name, {}, size=size, channels=channels, classes=classes)
        except RecipeError as error:
            assert f"{size[0]}x{size[1]}" in str(error)  # noqa: PT017 - either outcome is right
        else:
            assert network(torch.zeros(1, channels, *size)).shape == (1, classes)
            assert all(parameter.numel() for parameter in network.parameters())
