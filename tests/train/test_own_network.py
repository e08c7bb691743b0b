"""Networks of a user's own in recipes: trained, resumed and exported as they were, and never run unless named."""

import importlib.util
import json
import marshal
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import edgecnn
from edgecnn import checkpoint, networks
from edgecnn.errors import CheckpointError, EdgecnnError, Interrupted, RecipeError
from edgecnn.networks import _own
from edgecnn.recipes.read import read
from edgecnn.study.plan import plan
from edgecnn.study.schema import Study
from edgecnn.verify import evaluate

NET = """
from pathlib import Path

import torch
from torch import nn

(Path(__file__).parent / "was-run").touch()


class Net(nn.Module):
    def __init__(self, channels, classes, *, width=6, power):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, width, 3, stride=2), nn.BatchNorm2d(width), nn.ReLU())
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, classes)
        self.power = power

    def forward(self, x):
        return self.head(self.drop(self.body(x)).mean((2, 3)) ** self.power)


class Ten(nn.Sequential):
    def __init__(self, num_classes=10):
        super().__init__(nn.Flatten(), nn.LazyLinear(num_classes))


def free(**given):
    return nn.Sequential(nn.Flatten(), nn.Linear(given["channels"] * given["size"][0] ** 2, given["classes"]))


def nothing():
    return 3


Alias = nn.Identity
"""
RECIPE = """
extends = "digits-compact"
epochs = 2
batch_size = 32
precision = "fp32"
[network]
name = "nets/net.py:Net"
[network.parameters]
power = 2
width = 5
[data]
subset = 300
validation = 100
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine for each test: nothing was named here."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EDGECNN_CODE", raising=False)
    _forget(monkeypatch)


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know as much as another process does."""
    monkeypatch.setattr(_own, "_named", set())
    monkeypatch.setattr(_own, "_taken", {})
    monkeypatch.setattr(_own, "_makers", {})


def _project(folder: Path) -> Path:
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "net.py").write_text(NET)
    (folder / "own.toml").write_text(RECIPE)
    return folder / "own.toml"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Path:
    """A run that somebody trained elsewhere, with the copy of the file beside the checkpoint."""
    folder = tmp_path_factory.mktemp("theirs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "home"))
        edgecnn.train(_project(folder / "project"), folder / "run", root=data_root)
    return folder / "run"


@pytest.fixture
def run(theirs: Path, tmp_path: Path) -> Path:
    """A copy of that run."""
    return Path(shutil.copytree(theirs, tmp_path / "run"))


def test_a_run_has_the_file_its_digest_and_no_folder(theirs: Path) -> None:
    assert (theirs / "net.py").read_text() == NET
    found = checkpoint.read(theirs)
    assert found.recipe.network.parameters == {"power": 2, "width": 5}
    assert found.recipe.network.sha256 is not None
    for text in ((theirs / "recipe.toml").read_text(), _metadata(theirs)["edgecnn"]):
        assert "net.py:Net" in text
        assert str(theirs.parent) not in text


def test_what_was_trained_here_is_exported_and_verified(tmp_path: Path, data_root: Path) -> None:
    recipe = _project(tmp_path / "project")
    outcome = edgecnn.train(recipe, tmp_path / "run", overrides={"epochs": 1}, root=data_root)
    assert outcome.parameters == 5 * 9 + 5 + 10 + 60
    shutil.rmtree(tmp_path / "project")
    exported = edgecnn.export(tmp_path / "run", tmp_path / "m.onnx", root=data_root)
    assert exported.max_abs_gap < 1e-4
    card = edgecnn.read_card(exported.path)
    assert card.network == card.recipe["network"]["name"] == "net.py:Net"
    assert str(tmp_path) not in exported.card_path.read_text()
    assert edgecnn.verify(tmp_path / "run", exported.path, root=data_root).agreement == 1


def test_another_process_here_may_open_it(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edgecnn.train(_project(tmp_path / "project"), tmp_path / "run", overrides={"epochs": 1}, root=data_root)
    _forget(monkeypatch)
    checkpoint.read(tmp_path / "run").build()


def test_a_resume_ends_in_the_same_weights_without_the_original(theirs: Path, tmp_path: Path, data_root: Path) -> None:
    recipe, stops = _project(tmp_path / "project"), iter([False] * 3 + [True] * 9)
    with pytest.raises(Interrupted):
        edgecnn.train(recipe, tmp_path / "run", root=data_root, should_stop=lambda: next(stops))
    shutil.rmtree(tmp_path / "project")
    edgecnn.train(tmp_path / "run" / "recipe.toml", tmp_path / "run", root=data_root, resume=True)
    once, twice = (checkpoint.read(found).weights for found in (theirs, tmp_path / "run"))
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_a_file_that_changed_is_not_resumed_with(tmp_path: Path, data_root: Path) -> None:
    recipe = _project(tmp_path / "project")
    edgecnn.train(recipe, tmp_path / "run", overrides={"epochs": 1}, root=data_root)
    (tmp_path / "project" / "nets" / "net.py").write_text(NET + "# changed\n")
    with pytest.raises(CheckpointError, match="the network's file has changed, and the run has a copy of what it was"):
        edgecnn.train(recipe, tmp_path / "run", overrides={"epochs": 1}, root=data_root, resume=True)
    (tmp_path / "run" / "net.py").write_text(NET + "# changed\n")
    with pytest.raises(CheckpointError, match=r"is not the code that was trained \(SHA-256 .*Put the file back"):
        edgecnn.export(tmp_path / "run", tmp_path / "m.onnx", root=data_root)
    (tmp_path / "run" / "net.py").unlink()
    with pytest.raises(CheckpointError, match=r"net\.py: cannot be read.*The network net\.py:Net is in it"):
        edgecnn.export(tmp_path / "run", tmp_path / "m.onnx", root=data_root)


def _metadata(run: Path) -> dict[str, str]:
    with safe_open(run / checkpoint.BEST, "pt") as file:
        return dict(file.metadata())


def _rewrite(run: Path, change: Any) -> None:
    """Change what a checkpoint says of its network."""
    with safe_open(run / checkpoint.BEST, "pt") as file:
        document = json.loads(file.metadata()["edgecnn"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    change(document["recipe"]["network"])
    save_file(tensors, run / checkpoint.BEST, {"edgecnn": json.dumps(document)})


@pytest.mark.parametrize("do", [
    lambda run, out: edgecnn.export(run, out),
    lambda run, out: edgecnn.verify(run, run),
    lambda run, out: evaluate(run / "best.safetensors"),
    lambda run, out: edgecnn.train(run / "recipe.toml", run, resume=True),
    lambda run, out: edgecnn.train("digits-compact", out.with_suffix(""), overrides={"teacher.models": str(run)}),
])  # fmt: skip
def test_a_run_from_elsewhere_runs_nothing_until_its_file_is_named(
    do: Any, run: Path, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECNN_DATA", str(data_root))
    with pytest.raises(
        CheckpointError, match=r"was never named on this machine, so it was not run.*EDGECNN_CODE=.*net"
    ):
        do(run, tmp_path / "m.onnx")
    assert not (run / "was-run").exists()


def test_naming_the_file_runs_it_and_another_file_does_not(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.py").write_text("# another\n")
    monkeypatch.setenv("EDGECNN_CODE", str(tmp_path / "other.py"))
    with pytest.raises(CheckpointError, match="never named"):
        checkpoint.read(run).build()
    monkeypatch.setenv("EDGECNN_CODE", os.pathsep.join([str(tmp_path / "other.py"), str(run / "net.py")]))
    checkpoint.read(run).build()
    assert (run / "was-run").exists()


def test_what_is_named_is_the_content_and_the_class(run: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks.take(f"{theirs / 'net.py'}:Net", None)
    checkpoint.read(run).build()  # the same class of the same file, wherever it lies
    _rewrite(run, lambda network: network.update(name="net.py:free"))
    with pytest.raises(CheckpointError, match="free in this file, that was never named"):
        checkpoint.read(run).build()


def test_a_run_that_does_not_say_which_file_runs_none(run: Path, data_root: Path) -> None:
    text = (run / "recipe.toml").read_text()
    (run / "recipe.toml").write_text("".join(line for line in text.splitlines(True) if not line.startswith("sha256")))
    with pytest.raises(CheckpointError, match="does not record the SHA-256 of net"):
        edgecnn.train(run / "recipe.toml", run, root=data_root, resume=True)
    _rewrite(run, lambda network: network.pop("sha256"))
    with pytest.raises(CheckpointError, match="is not the code that was trained"):
        checkpoint.read(run).build()
    assert not (run / "was-run").exists()


def test_a_checkpoint_reaches_no_file_but_the_one_beside_it(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text(NET)
    for name in ("../secret.py:Net", f"{tmp_path}/secret.py:Net"):
        _rewrite(run, lambda network, name=name: network.update(name=name))
        assert checkpoint.read(run).recipe.network.name == f"{run / 'secret.py'}:Net"


def test_nothing_beside_the_file_is_run(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    marker = tmp_path / "evil"
    evil = f"open({str(marker)!r}, 'w')\n"
    (run / "torch.py").write_text(evil)
    (run / "pathlib.py").write_text(evil)
    source, status = run / "net.py", (run / "net.py").stat()
    compiled = Path(importlib.util.cache_from_source(str(source)))
    compiled.parent.mkdir()
    header = importlib.util.MAGIC_NUMBER + bytes(4) + int(status.st_mtime).to_bytes(4, "little")
    compiled.write_bytes(header + status.st_size.to_bytes(4, "little") + marshal.dumps(compile(evil, "net", "exec")))
    monkeypatch.setenv("EDGECNN_CODE", str(source))
    monkeypatch.chdir(run)
    monkeypatch.syspath_prepend("")  # as python -m has it
    monkeypatch.delitem(sys.modules, "pathlib")
    checkpoint.read(run).build()
    assert (run / "was-run").exists()
    assert not marker.exists()


def test_a_recipe_reaches_files_beside_it_alone(tmp_path: Path) -> None:
    for name in ("../net.py:Net", f"{tmp_path}/net.py:Net"):
        (tmp_path / "own.toml").write_text(f'[network]\nname = "{name}"\n')
        with pytest.raises(RecipeError, match="expected a file beside the recipe or below it, such as"):
            read(str(tmp_path / "own.toml"))


def test_the_command_line_reaches_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    found = read("digits-compact", {"network.name": "../net.py:Net", "network.parameters.width": 3}).network
    assert Path(found.name.partition(":")[0]).resolve() == tmp_path / "net.py"
    assert found.parameters == {"width": 3}


def test_a_study_trains_recipes_that_name_one_and_names_none_itself(tmp_path: Path) -> None:
    recipe = _project(tmp_path)
    grid = Study(name="s", recipe=str(recipe), seeds=[0], grid={"network.parameters.width": [3, 4]})
    assert [run.settings for run in plan(grid)] == [{"network.parameters.width": 3}, {"network.parameters.width": 4}]
    assert not (tmp_path / "nets" / "was-run").exists()
    with pytest.raises(RecipeError, match="a study cannot set network"):
        plan(Study(name="s", recipe="digits-compact", seeds=[0], grid={"network.name": ["net.py:Net"]}))


def _built(folder: Path, attribute: str, settings: dict[str, Any]) -> torch.nn.Module:
    name = f"{folder / 'net.py'}:{attribute}"
    networks.take(name, None)
    return networks.build(name, settings, size=(8, 8), channels=1, classes=10)


@pytest.mark.parametrize(
    ("attribute", "settings"), [("Net", {"power": 1}), ("Ten", {}), ("free", {}), ("free", {"anything": 3})]
)
def test_it_gets_what_it_takes(attribute: str, settings: dict, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    assert _built(tmp_path, attribute, settings)(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


@pytest.mark.parametrize(
    ("attribute", "settings", "message"),
    [
        ("Net", {}, r"network net\.py:Net .*\(it needs power: set network\.parameters\.power\)"),
        (
            "Net",
            {"power": 1, "widht": 3},
            r"network net\.py:Net has no parameter 'widht'; it has width, power",
        ),
        ("Net", {"power": "x"}, "network net.py:Net with .* cannot take 8x8 images of 1 channels"),
        (
            "Ten",
            {"num_classes": 7},
            r"it answers \(2, 7\) to 2 images of 10 classes; expected \(2, 10\)",
        ),
        ("nothing", {}, "it returned a int; expected a torch.nn.Module"),
        ("Alias", {}, "Alias is no class and no function of this file"),
        ("Nett", {}, "has no 'Nett'; it has Net, Ten, free, nothing. Did you mean 'Net'"),
        ("Net.x", {}, "expected FILE.py:NAME, such as net.py:Net"),
    ],
)
def test_what_it_lacks_is_said(attribute: str, settings: dict, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    with pytest.raises(EdgecnnError, match=message):
        _built(tmp_path, attribute, settings)


def test_a_neighbor_is_not_imported_and_the_message_says_why(tmp_path: Path) -> None:
    (tmp_path / "blocks_of_mine.py").write_text("x = 3\n")
    (tmp_path / "net.py").write_text("from blocks_of_mine import x\n")
    with pytest.raises(RecipeError, match=r"blocks_of_mine\.py lies beside it, but a run keeps a copy of one file"):
        _built(tmp_path, "Net", {})


def test_a_name_alone_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    with pytest.raises(RecipeError, match=r"network net\.py:Net is of your own: train a recipe that names it"):
        networks.build(f"{tmp_path / 'net.py'}:Net", {}, size=(8, 8), channels=1, classes=10)
    assert not (tmp_path / "was-run").exists()
