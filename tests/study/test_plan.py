"""Studies: found by their files, checked with messages that say what to do, and made into runs."""

from pathlib import Path
from typing import Any

import pytest

from edgecnn import studies
from edgecnn.errors import RecipeError
from edgecnn.recipes.read import read as read_recipe
from edgecnn.study.plan import plan
from edgecnn.study.read import read
from edgecnn.study.schema import Study


def study(tmp_path: Path, text: str) -> Study:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return read(str(path))


def test_finds_every_file() -> None:
    assert studies.names() == (
        "augmentation",
        "b-cifar10",
        "b-mnist",
        "d-activations",
        "d-families",
        "d-optimizers",
        "e-filters",
        "e-l2",
        "e-learning-rates",
        "students",
        "techniques",
    )


@pytest.mark.parametrize("name", studies.names())
def test_every_study_plans_in_both_sizes(name: str) -> None:
    found = read(name)
    assert found.name == name
    assert found.description
    assert found.source
    full, quick = plan(found), plan(found, quick=True)
    assert [run.name for run in full] == [run.name for run in quick]
    assert len(full) == found.size * len(found.seeds) > 2
    assert all(run.settings for run in full)
    for run in quick:
        assert run.recipe.epochs <= 2
        assert run.recipe.data.subset is not None
        assert run.recipe.data.subset <= 5000


# fmt: off
STATED = {
    "b-mnist": [97.96, 11.35, 99.12, 99.09, 99.12],
    "b-cifar10": [65.39, 70.51, 67.18, 63.7, 50.8],
    "d-families": [86.19, 91.37, 89.7, 90.27],
    "d-activations": [90.13, 91.37, 90.23],
    "d-optimizers": [86.25, 91.37, 89.72, 89.72],
    "e-filters": [99.13, None, None, None, 98.43, 97.03],
    "e-l2": [99.19, None, None, None, None, 99.39],
}
# fmt: on


@pytest.mark.parametrize(("name", "stated"), STATED.items())
def test_every_study_of_a_report_has_its_figures(name: str, stated: list[float | None]) -> None:
    runs = plan(read(name))
    assert [run.stated for run in runs] == stated
    assert {run.stated_on for run in runs if run.stated} == {"validation" if name.startswith("d-") else "test"}


GRID = """
recipe = "digits-compact"
[grid]
"optimizer.learning_rate" = [1e-4, 0.01]
"network.parameters.filters" = [[4, 8], [8, 8]]
"""


def test_a_grid_is_all_combinations(tmp_path: Path) -> None:
    runs = plan(study(tmp_path, GRID))
    assert [run.label for run in runs] == [
        "learning_rate=0.0001, filters=4,8",
        "learning_rate=0.0001, filters=8,8",
        "learning_rate=0.01, filters=4,8",
        "learning_rate=0.01, filters=8,8",
    ]
    assert runs[1].name == "learning_rate=0.0001-filters=8-8-seed0"
    assert runs[3].recipe.optimizer.learning_rate == 0.01
    assert runs[3].settings == {"optimizer.learning_rate": 0.01, "network.parameters.filters": [8, 8]}


def test_a_list_and_a_grid_are_each_of_the_list_at_each_point(tmp_path: Path) -> None:
    listed = '[[run]]\nlabel = "a"\nrecipe = "mnist-e1"\n[[run]]\nlabel = "b"\nrecipe = "mnist-c1"\n'
    text = f"{listed}[grid]\nepochs = [1, 2]\n"
    runs = plan(study(tmp_path, text))
    assert [(run.label, run.recipe.name, run.recipe.epochs) for run in runs] == [
        ("a, epochs=1", "mnist-e1", 1),
        ("a, epochs=2", "mnist-e1", 2),
        ("b, epochs=1", "mnist-c1", 1),
        ("b, epochs=2", "mnist-c1", 2),
    ]


def test_what_is_nearer_to_a_run_wins_then_the_quick_size_then_the_command_line(tmp_path: Path) -> None:
    text = (
        'recipe = "digits-compact"\n[set]\nepochs = 9\nbatch_size = 32\n[quick]\nepochs = 1\n'
        '[[run]]\nlabel = "all"\n[[run]]\nlabel = "own"\nset = { epochs = 5 }\n'
    )
    found = study(tmp_path, text)
    assert [run.recipe.epochs for run in plan(found)] == [9, 5]
    assert [run.recipe.epochs for run in plan(found, quick=True)] == [1, 1]
    assert [run.recipe.epochs for run in plan(found, quick=True, changes={"epochs": 3})] == [3, 3]
    assert {run.recipe.batch_size for run in plan(found)} == {32}


@pytest.mark.parametrize(
    "settings",
    [
        '"data.subset" = 300\n"network.parameters.dropout" = 0.5\n',
        "data = { subset = 300 }\nnetwork.parameters.dropout = 0.5\n",
        "[set.data]\nsubset = 300\n[set.network]\nparameters = { dropout = 0.5 }\n",
    ],
)
def test_settings_may_be_dotted_or_tables_and_leave_what_they_do_not_name(tmp_path: Path, settings: str) -> None:
    (tmp_path / "base.toml").write_text('extends = "digits-compact"\nnetwork.parameters.filters = [4, 8]\n')
    (run,) = plan(study(tmp_path, f'recipe = "base.toml"\n[set]\n{settings}[[run]]\nlabel = "one"\n'))
    assert (run.recipe.data.subset, run.recipe.data.validation) == (300, read_recipe("digits-compact").data.validation)
    assert run.recipe.network.parameters == {"filters": [4, 8], "dropout": 0.5}


def test_another_network_brings_its_own_parameters(tmp_path: Path) -> None:
    text = 'recipe = "fashion-mnist-d1"\n[[run]]\nlabel = "lenet"\nset = { network.name = "lenet" }\n'
    (run,) = plan(study(tmp_path, text))
    assert run.recipe.network.parameters == {}


def test_each_variant_has_each_seed(tmp_path: Path) -> None:
    found = study(tmp_path, "seeds = [3, 4]\n" + GRID)
    assert [run.recipe.seed for run in plan(found)] == [3, 4] * 4
    assert [run.seed for run in plan(found, seeds=(7,))] == [7] * 4


def test_settings_have_the_networks_own_defaults(tmp_path: Path) -> None:
    runs = plan(read("e-filters"))
    assert [run.settings["network.parameters.stride"] for run in runs] == [1, 1, 2, 2, 1, 1]
    assert runs[0].settings["network.parameters.filters"] == [28]


RUN = 'recipe = "digits-compact"\n[[run]]\nlabel = "one"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('recipe = "mnist-e1"\n', r"own\.toml: a study needs \[\[run\]\] tables or a table \[grid\]"),
        ('[[run]]\nlabel = "one"\n', r"own\.toml: a study without a recipe needs one in each \[\[run\]\]"),
        ("[grid]\nepochs = [1]\n", r"own\.toml: a study without a recipe"),
        ("seed = 1\n" + RUN, r"own\.toml: unknown key seed; allowed: .*Did you mean 'seeds'\?"),
        (RUN + "lable = 3\n", r"own\.toml: unknown key run\.0\.lable; allowed: label, .*Did you mean 'label'\?"),
        (
            RUN + 'stated_on = "tests"\n',
            r"run\.0\.stated_on is 'tests'; allowed: test, validation\.* Did you mean 'test'\?",
        ),
        (RUN + "stated = 912\n", r"run\.0\.stated is 912; input should be less than or equal to 100"),
        ('recipe = "mnist-e1"\n[[run]]\nstated = 3\n', r"own\.toml: run\.0\.label is missing"),
        ("seeds = []\n" + RUN, r"seeds is \[\]; list should have at least 1 item"),
        ('recipe = "mnist-e1"\n[grid]\nepochs = 3\n', r"grid\.epochs is 3; input should be a valid list"),
        ("seeds = [0\n", r"own\.toml: not valid TOML"),
        (RUN + "set = { epoch = 3 }\n", r"study own, run 'one': .*: unknown key epoch; .*Did you mean 'epochs'\?"),
        (RUN.replace("compact", "compct"), r"study own, run 'one': no recipe .*Did you mean 'digits-compact'\?"),
        (RUN + "set = { seed = 3 }\n", r"study own: sets the seed of each run itself\. Use seeds, or --seeds 0,1,2"),
        (RUN + '[[run]]\nlabel = "One"\n', r"'one' and 'One' would share the folder One-seed0"),
        (RUN + '[[run]]\nlabel = "one"\n', r"'one' and 'one' would share the folder one-seed0"),
    ],
)
def test_message_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        plan(study(tmp_path, text))


def test_unknown_study_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no study 'b-mnst'; there is augmentation, .*Did you mean 'b-mnist'"):
        read("b-mnst")


def test_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.toml: no such file; expected a study in TOML"):
        read(str(tmp_path / "gone.toml"))


def test_the_command_line_cannot_set_the_seed() -> None:
    changes: dict[str, Any] = {"seed": 3}
    with pytest.raises(RecipeError, match="--seeds 0,1,2"):
        plan(read("b-mnist"), changes=changes)
