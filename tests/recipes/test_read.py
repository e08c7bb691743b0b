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
from edgecnn.recipes.read import check, parse_setting, read, to_toml


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    pairs = ((f"{prefix}{key}", value) for key, value in tables.items())
    nested = [flat(value, f"{key}.") if isinstance(value, dict) else {key: value} for key, value in pairs]
    return {key: value for part in nested for key, value in part.items()}


def test_finds_every_file() -> None:
    assert recipes.names() == (
        "digits-compact",
        "fashion-mnist-d2",
        "mnist-a1",
        "mnist-c1",
        "mnist-compact",
        "mnist-lenet",
    )


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


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        (
            "mnist-a1",
            {
                "network.name": "twoconv",
                "data.name": "mnist",
                "optimizer.name": "adam",
                "optimizer.learning_rate": 1e-4,
                "epochs": 50,
                "batch_size": 32,
            },
        ),
        (
            "mnist-c1",
            {
                "network.name": "funnel",
                "data.name": "mnist",
                "optimizer.name": "adam",
                "epochs": 10,
                "batch_size": 20,
                "preprocess.scale": "standard",
            },
        ),
        (
            "fashion-mnist-d2",
            {
                "network.name": "dense",
                "data.name": "fashion-mnist",
                "optimizer.name": "adam",
                "optimizer.learning_rate": 1e-4,
                "epochs": 400,
                "batch_size": 1024,
                "seed": 42,
                "data.validation": 0.1,
            },
        ),
    ],
)
def test_row_of_the_report_has_the_stated_settings(name: str, stated: dict[str, Any]) -> None:
    found = flat(read(name).model_dump())
    assert {key: found[key] for key in stated} == stated


def test_row_d2_has_five_classes() -> None:
    groups = read("fashion-mnist-d2").data.groups
    assert groups is not None
    assert len(groups) == 5


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
    with pytest.raises(RecipeError, match=r"no recipe 'mnist-c2'; there is digits-compact, .*Did you mean 'mnist-c1'"):
        read("mnist-c2")


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
        (
            '[data.groups]\nall = ["0", "1"]',
            "own.toml: data.groups is {'all': .*}; dictionary should have at least 2 items",
        ),
        ('[data.groups]\na = ["0"]\nb = []', "own.toml: data.groups.b is .*; list should have at least 1 item"),
        ('optimizer = "adam"', "own.toml: optimizer is 'adam'; input should be a valid dictionary"),
    ],
)
def test_message_has_file_key_finding_and_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
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
    with pytest.raises(RecipeError, match=r"epochs\.more cannot be set, epochs is not a table"):
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
            "schedule.step_at": st.lists(st.floats(0, 1, exclude_max=True)),
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
