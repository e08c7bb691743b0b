"""Recipes: found by their files, laid over each other, checked with messages that say what to do."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn import networks, recipes
from edgecnn.errors import RecipeError
from edgecnn.recipes.read import check, named, parse_setting, read, to_toml


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    pairs = ((f"{prefix}{key}", value) for key, value in tables.items())
    nested = [flat(value, f"{key}.") if isinstance(value, dict) else {key: value} for key, value in pairs]
    return {key: value for part in nested for key, value in part.items()}


NAMES = (
    "cifar10-1m",
    "cifar10-200k",
    "cifar10-b3",
    "cifar10-b4",
    "cifar10-b4-30",
    "cifar10-b5",
    "cifar10-b6",
    "cifar10-b7",
    "cifar10-b7-40",
    "cifar10-b8",
    "cifar10-best",
    "cifar10-e8",
    "cifar10-e8-l2",
    "cifar10-e8-subset",
    "cifar10-fast",
    "cifar10-fast-narrow",
    "cifar10-finetuned",
    "cifar10-finetuned-128",
    "cifar10-residual",
    "cifar10-resnet18",
    "cifar10-resnet20",
    "cifar10-resnet8",
    "cifar10-separable",
    "cifar10-teacher",
    "cifar100-1m",
    "cifar100-a2",
    "cifar100-a2-as-written",
    "cifar100-best",
    "cifar100-finetuned",
    "cifar100-residual",
    "cifar100-teacher",
    "digit-finder",
    "digits-compact",
    "digits-webcam",
    "fashion-mnist-best",
    "fashion-mnist-d1",
    "fashion-mnist-d2",
    "fashion-mnist-d3",
    "fashion-mnist-d4",
    "fashion-mnist-small",
    "mnist-1k",
    "mnist-1k-taught",
    "mnist-5k",
    "mnist-5k-taught",
    "mnist-a1",
    "mnist-a1-as-written",
    "mnist-b1",
    "mnist-b1-asgd",
    "mnist-b1-sgd",
    "mnist-b2",
    "mnist-b2-20",
    "mnist-b6",
    "mnist-best",
    "mnist-c1",
    "mnist-c2",
    "mnist-c3-augment",
    "mnist-c4-dropout",
    "mnist-c5",
    "mnist-compact",
    "mnist-e1",
    "mnist-e1-l2",
    "mnist-fast",
    "mnist-lenet",
    "mnist-separable",
    "mnist-small",
    "photos",
)


def test_finds_every_file() -> None:
    assert recipes.names() == NAMES


ROWS = {
    "A1": ("mnist-a1", "mnist-a1-as-written"),
    "A2": ("cifar100-a2", "cifar100-a2-as-written"),
    "B1": ("mnist-b1-sgd", "mnist-b1-asgd", "mnist-b1"),
    "B2": ("mnist-b2", "mnist-b2-20"),
    "B3": ("cifar10-b3",),
    "B4": ("cifar10-b4", "cifar10-b4-30"),
    "B5": ("cifar10-b5",),
    "B6": ("mnist-b6", "cifar10-b6"),
    "B7": ("cifar10-b7", "cifar10-b7-40"),
    "B8": ("cifar10-b8",),
    "C1": ("mnist-c1",),
    "C2": ("mnist-c2",),
    "C3": ("mnist-c3-augment",),
    "C4": ("mnist-c4-dropout",),
    "C5": ("mnist-c5",),
    "D1": ("fashion-mnist-d1",),
    "D2": ("fashion-mnist-d2",),
    "D3": ("fashion-mnist-d3",),
    "D4": ("fashion-mnist-d4",),
    "E1": ("mnist-e1", "mnist-e1-l2"),
    "E8": ("cifar10-e8", "cifar10-e8-l2", "cifar10-e8-subset"),
}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_reports_has_its_recipes(row: str) -> None:
    named_after_it = {name for name in recipes.names() if row.lower() in name.split("-")}
    assert named_after_it == set(ROWS[row])
    for name in ROWS[row]:
        assert re.match(rf"Report {row[0]}, .* \(stated: (validation )?\d\d\.\d+\)$", read(name).description)


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_survives_its_round_trip(name: str, tmp_path: Path) -> None:
    recipe = read(name)
    assert read(write(tmp_path / "recipe.toml", to_toml(recipe))) == recipe


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_named_after_its_file_and_described(name: str) -> None:
    recipe = read(name)
    assert recipe.name == name
    assert recipe.description


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_sets_only_what_its_network_has(name: str) -> None:
    network = read(name).network
    assert set(network.parameters) <= set(networks.parameters(network.name))


# fmt: off
STATED = {
    "mnist-a1": {"network.name": "twoconv", "data.name": "mnist", "optimizer.learning_rate": 1e-4, "epochs": 50,
                 "batch_size": 32},
    "mnist-a1-as-written": {"loss.name": "cross-entropy-of-softmax", "epochs": 50, "select": "last"},
    "cifar100-a2": {"data.name": "cifar100", "optimizer.learning_rate": 1e-4, "epochs": 50, "batch_size": 32,
                    "loss.name": "cross-entropy"},
    "cifar100-a2-as-written": {"data.name": "cifar100", "loss.name": "cross-entropy-of-softmax", "select": "last"},
    "mnist-b1-sgd": {"optimizer.name": "sgd", "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.0, "epochs": 10},
    "mnist-b1-asgd": {"optimizer.name": "asgd", "optimizer.learning_rate": 0.001, "epochs": 10},
    "mnist-b1": {"optimizer.name": "sgd", "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.9, "epochs": 10},
    "mnist-b2": {"optimizer.name": "sgd", "optimizer.momentum": 0.9, "epochs": 10},
    "mnist-b2-20": {"epochs": 20},
    "cifar10-b3": {"data.name": "cifar10", "optimizer.name": "sgd", "optimizer.momentum": 0.9, "epochs": 20},
    "cifar10-b4": {"data.name": "cifar10", "optimizer.momentum": 0.9, "epochs": 20},
    "cifar10-b4-30": {"epochs": 30},
    "cifar10-b5": {"data.name": "cifar10", "optimizer.momentum": 0.9, "epochs": 50},
    "mnist-b6": {"data.name": "mnist", "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.0, "epochs": 20},
    "cifar10-b6": {"data.name": "cifar10", "optimizer.momentum": 0.0, "epochs": 20},
    "cifar10-b7": {"network.name": "doubleconv", "augment.flip": "random", "epochs": 20},
    "cifar10-b7-40": {"augment.flip": "random", "epochs": 40},
    "cifar10-b8": {"network.name": "torchvision:resnet50", "network.parameters.weights": "imagenet", "epochs": 10,
                   "augment.flip": "random", "data.name": "cifar10"},
    "mnist-c1": {"network.name": "funnel", "data.name": "mnist", "optimizer.name": "adam", "epochs": 10,
                 "batch_size": 20, "preprocess.scale": "standard"},
    "mnist-c2": {"network.name": "funnel", "optimizer.name": "adam", "epochs": 10, "batch_size": 20},
    "mnist-c3-augment": {"augment.rotate": 10, "augment.translate": 0.1, "augment.brightness": 0.5, "epochs": 10},
    "mnist-c4-dropout": {"augment.rotate": 10, "network.parameters.dropout": 0.3, "epochs": 30},
    "mnist-c5": {"network.parameters.batch_norm": True, "epochs": 15},
    **{f"fashion-mnist-d{n}": {"data.name": "fashion-mnist", "optimizer.name": "adam", "optimizer.learning_rate": 1e-4,
                               "epochs": 400, "batch_size": 1024, "data.validation": 0.1, "data.split_seed": 42,
                               "seed": 42, "preprocess.scale": "unit"} for n in (1, 2, 3, 4)},
    "mnist-e1": {"data.name": "mnist", "data.validation": 5000, "optimizer.learning_rate": 1e-3, "epochs": 13},
    "mnist-e1-l2": {"regularization.weight_decay": 1.82e-5, "epochs": 13},
    "cifar10-e8": {"data.name": "cifar10", "data.validation": 5000, "preprocess.scale": "unit", "epochs": 10},
    "cifar10-e8-l2": {"regularization.weight_decay": 2.22e-5, "epochs": 10},
    "cifar10-e8-subset": {"data.subset": 25_000, "data.validation": 5000, "epochs": 50},
}
# fmt: on


@pytest.mark.parametrize(("name", "stated"), STATED.items())
def test_row_of_the_report_has_the_stated_settings(name: str, stated: dict[str, Any]) -> None:
    found = flat(read(name).model_dump())
    assert {key: found[key] for key in stated} == stated


def test_row_b7_has_the_five_stated_augmentations() -> None:
    augment = read("cifar10-b7").augment.model_dump(exclude_defaults=True)
    assert sorted(augment) == ["brightness", "contrast", "flip", "saturation", "sharpness"]


def test_row_c2_has_each_digit_once() -> None:
    groups = read("mnist-c2").data.groups or {}
    assert sorted(map(sorted, groups.values())) == [["0", "6"], ["1", "7"], ["2", "3", "5", "8"], ["4", "9"]]


def test_row_d2_has_five_classes() -> None:
    assert len(read("fashion-mnist-d2").data.groups or {}) == 5


def test_extends_a_recipe_by_name(tmp_path: Path) -> None:
    recipe = read(write(tmp_path / "long.toml", 'extends = "digits-compact"\nepochs = 99\n'))
    assert (recipe.name, recipe.epochs, recipe.batch_size) == ("long", 99, read("digits-compact").batch_size)


def test_extends_a_path_relative_to_the_file_that_says_so(tmp_path: Path) -> None:
    write(tmp_path / "below" / "base.toml", "epochs = 3\nseed = 5\n")
    recipe = read(write(tmp_path / "above" / "own.toml", 'extends = "../below/base.toml"\nepochs = 4\n'))
    assert (recipe.name, recipe.epochs, recipe.seed) == ("own", 4, 5)


def test_extends_through_two_files(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", "epochs = 3\nseed = 5\nbatch_size = 7\n")
    write(tmp_path / "b.toml", 'extends = "a.toml"\nseed = 6\nbatch_size = 8\n')
    recipe = read(write(tmp_path / "c.toml", 'extends = "b.toml"\nbatch_size = 9\n'))
    assert (recipe.epochs, recipe.seed, recipe.batch_size) == (3, 6, 9)


def test_keeps_its_own_name_above_a_resolved_recipe(tmp_path: Path) -> None:
    write(tmp_path / "run" / "recipe.toml", to_toml(read("mnist-c1")))
    assert read(write(tmp_path / "mine.toml", 'extends = "run/recipe.toml"\n')).name == "mine"


def test_merges_tables_key_by_key(tmp_path: Path) -> None:
    above = 'extends = "digits-compact"\n[optimizer]\nlearning_rate = 0.5\n'
    optimizer = read(write(tmp_path / "own.toml", above)).optimizer
    assert (optimizer.name, optimizer.learning_rate) == (read("digits-compact").optimizer.name, 0.5)


def test_another_network_replaces_the_parameters_below(tmp_path: Path) -> None:
    write(tmp_path / "base.toml", '[network]\nname = "compact"\nparameters = { filters = [4] }\n')
    above = 'extends = "base.toml"\n[network]\nname = "lenet"\n'
    assert read(write(tmp_path / "own.toml", above)).network.parameters == {}


def test_another_network_of_the_command_line_replaces_the_parameters_below() -> None:
    network = read("mnist-small", {"network.name": "lenet"}).network
    assert (network.name, network.parameters) == ("lenet", {})


def test_same_network_keeps_the_parameters_below(tmp_path: Path) -> None:
    write(tmp_path / "base.toml", '[network]\nname = "compact"\nparameters = { filters = [4] }\n')
    above = 'extends = "base.toml"\n[network]\nname = "compact"\nparameters = { dropout = 0.5 }\n'
    network = read(write(tmp_path / "own.toml", above)).network
    assert network.parameters == {"filters": [4], "dropout": 0.5}


def test_other_groups_replace_those_below(tmp_path: Path) -> None:
    write(tmp_path / "base.toml", '[data.groups]\nodd = ["1"]\neven = ["2"]\n')
    above = 'extends = "base.toml"\n[data.groups]\nsmall = ["1", "2"]\nlarge = ["8"]\n'
    assert list(read(write(tmp_path / "own.toml", above)).data.groups or {}) == ["small", "large"]


@pytest.mark.parametrize("spelling", ["{name}", "../{folder}/{name}", "./../{folder}/./{name}"])
def test_a_cycle_is_a_message(tmp_path: Path, spelling: str) -> None:
    write(tmp_path / "a.toml", f'extends = "{spelling.format(name="b.toml", folder=tmp_path.name)}"\n')
    first = write(tmp_path / "b.toml", f'extends = "{spelling.format(name="a.toml", folder=tmp_path.name)}"\n')
    with pytest.raises(RecipeError, match=r"extends itself \(.*b\.toml -> .*a\.toml -> .*b\.toml\)"):
        read(first)


def test_missing_parent_is_a_message(tmp_path: Path) -> None:
    own = write(tmp_path / "own.toml", 'extends = "gone.toml"\n')
    with pytest.raises(RecipeError, match=re.escape(f"{tmp_path / 'gone.toml'}: no such file")):
        read(own)


def test_parent_that_is_no_name_is_a_message(tmp_path: Path) -> None:
    own = write(tmp_path / "own.toml", "extends = 3\n")
    with pytest.raises(RecipeError, match="extends is 3, expected the name or the path of a recipe"):
        read(own)


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'mnist-lenett'; there is .*Did you mean 'mnist-lenet'"):
        read("mnist-lenett")


def test_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.toml: no such file; expected a recipe in TOML"):
        read(str(tmp_path / "gone.toml"))


@pytest.mark.parametrize("content", [b"epochs = [", b"epochs 3", b"\xff\xfe\x00"])
def test_bad_toml_names_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(RecipeError, match=r"own\.toml: not valid TOML \("):
        read(str(tmp_path / "own.toml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "own.toml: unknown key epoch; allowed: name, .*epochs, .* Did you mean 'epochs'?"),
        ("[optimizer]\nlearningrate = 1", "own.toml: unknown key optimizer.learningrate; allowed: .*'learning_rate'"),
        ("[optimiser]\n", "own.toml: unknown key optimiser; .* Did you mean 'optimizer'?"),
        (
            '[optimizer]\nname = "adm"',
            "own.toml: optimizer.name is 'adm'; allowed: sgd, .*rmsprop.* Did you mean 'adam'",
        ),
        ('precision = "fp16"', "own.toml: precision is 'fp16'; allowed: auto, fp32, bf16"),
        ('[loss]\nname = "hinge"', "own.toml: loss.name is 'hinge'; allowed: cross-entropy"),
        ("epochs = 0", "own.toml: epochs is 0; input should be greater than or equal to 1"),
        ('epochs = "many"', "own.toml: epochs is 'many'; input should be a valid integer"),
        ("[optimizer]\nlearning_rate = 0", "own.toml: optimizer.learning_rate is 0; input should be greater than 0"),
        ("[optimizer]\nlearning_rate = inf", "own.toml: optimizer.learning_rate is inf; .* finite number"),
        ("[optimizer]\nlearning_rate = nan", "own.toml: optimizer.learning_rate is nan; .* finite number"),
        ("[optimizer]\nnesterov = true", "own.toml: optimizer is .*; nesterov needs a momentum above 0"),
        ("[schedule]\nwarmup = 1.0", "own.toml: schedule.warmup is 1.0; input should be less than 1"),
        ("[schedule]\nstep_at = [0.5, 2]", "own.toml: schedule.step_at.1 is 2; input should be less than 1"),
        ("[data]\nsize = 2", "own.toml: data.size is 2; input should be greater than or equal to 4"),
        ('[data.groups]\nloops = "0"', "own.toml: data.groups.loops is '0'; input should be a valid list"),
        ("[data.groups]", "own.toml: data.groups is {}; dictionary should have at least 1 item"),
        ('[data.groups]\na = ["0"]\nb = []', "own.toml: data.groups.b is .*; list should have at least 1 item"),
        ('optimizer = "adam"', "own.toml: optimizer is 'adam'; input should be a valid dictionary"),
    ],
)
def test_message_has_file_key_value_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    own = write(tmp_path / "own.toml", text)
    with pytest.raises(RecipeError, match=message.replace("?", r"\?")):
        read(own)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    own = write(tmp_path / "own.toml", "epochs = 0\nbatch = 3\n")
    with pytest.raises(RecipeError, match=r"(?=.*epochs is 0)(?=.*unknown key batch)"):
        read(own)


def test_changes_reach_into_tables() -> None:
    recipe = read("digits-compact", {"optimizer.learning_rate": 0.5, "seed": 3, "network.parameters.dropout": 0.25})
    assert (recipe.optimizer.learning_rate, recipe.seed, recipe.network.parameters) == (0.5, 3, {"dropout": 0.25})


def test_changes_are_left_as_they_were() -> None:
    changes = {"network.parameters": {"filters": [4]}, "network.parameters.dropout": 0.5}
    read("digits-compact", changes)
    assert changes["network.parameters"] == {"filters": [4]}


def test_change_of_an_unknown_key_names_file_and_nearest() -> None:
    with pytest.raises(RecipeError, match=r"digits-compact\.toml: unknown key data\.nam; .*Did you mean 'name'"):
        read("digits-compact", {"data.nam": "mnist"})


def test_change_below_a_value_is_a_message() -> None:
    with pytest.raises(RecipeError, match=r"epochs is \{'more': 1\}; input should be a valid integer"):
        read("digits-compact", {"epochs.more": 1})


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("epochs=3", ("epochs", 3)),
        ("optimizer.learning_rate=1e-3", ("optimizer.learning_rate", 1e-3)),
        ("compile=true", ("compile", True)),
        ("data.name=mnist", ("data.name", "mnist")),
        ("data.name=folder:/a b/c=d", ("data.name", "folder:/a b/c=d")),
        ('data.name="mnist"', ("data.name", "mnist")),
        ("network.parameters.filters=[8, 16]", ("network.parameters.filters", [8, 16])),
        ("description=", ("description", "")),
    ],
)
def test_setting_is_toml_or_else_a_string(setting: str, expected: tuple[str, Any]) -> None:
    assert parse_setting(setting) == expected


@pytest.mark.parametrize("setting", ["epochs", "=3", ""])
def test_setting_without_key_and_value_is_a_message(setting: str) -> None:
    with pytest.raises(
        RecipeError, match=re.escape(f"--set takes KEY=VALUE such as optimizer.momentum=0.9, found '{setting}'")
    ):
        parse_setting(setting)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "description": st.text(alphabet=st.characters(codec="utf-8")),
            "epochs": st.integers(1, 10**6),
            "seed": st.integers(0, 2**32 - 1),
            "optimizer.learning_rate": st.floats(1e-12, 1e6),
            "schedule": st.one_of(
                st.just({"name": "cosine"}),
                st.fixed_dictionaries(
                    {"name": st.just("step"), "step_at": st.lists(st.floats(0, 1, exclude_max=True), min_size=1)}
                ),
            ),
            "preprocess.mean": st.lists(st.floats(-1e3, 1e3), max_size=3),
            "data.groups": st.dictionaries(st.text(min_size=1), st.lists(st.text(), min_size=1), min_size=2),
            "network.parameters": st.dictionaries(
                st.text(), st.integers() | st.floats(allow_nan=False) | st.booleans()
            ),
        },
    )
)
def test_any_valid_recipe_survives_its_round_trip(changes: dict[str, Any]) -> None:
    recipe = read("digits-compact", changes)
    assert check(tomllib.loads(to_toml(recipe)), "again") == recipe


def test_a_recipe_is_known_by_its_settings() -> None:
    taught = {"teacher.models": ["mnist-best/fp32"], "teacher.views": 12}
    assert named(read("mnist-5k", {"seed": 3}), "mnist-5k") == "mnist-5k"
    assert named(read("mnist-5k", taught), "mnist-5k") == "mnist-5k-taught"
    assert named(read("mnist-5k", {"epochs": 3}), "mnist-5k") is None
