"""The training loop: what it writes, what follows from the seed, and that a stop and a resume change nothing."""

import ast
import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

import edgecnn
from edgecnn import checkpoint, documents
from edgecnn.checkpoint import BEST, LAST
from edgecnn.errors import CheckFailed, CheckpointError, DataError, Interrupted, ProviderError
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Loss, Recipe
from edgecnn.train import EpochRow, Outcome, loop, run_folder, train
from edgecnn.train.augment import Batch
from edgecnn.train.average import MovingAverage
from edgecnn.train.loss import mean_loss

STEPS_AN_EPOCH = 4
TINY = {
    "epochs": 3,
    "batch_size": 32,
    "network.parameters": {"filters": [4], "dropout": 0.25},
    "data.subset": 140,
    "data.validation": 20,
    "precision": "fp32",
}
OF_THE_CLOCK = ("seconds", "images_per_second")


def tiny(**changes: object) -> Recipe:
    return read("digits-compact", {**TINY, **{key.replace("__", "."): value for key, value in changes.items()}})


def rows_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def timeless(run: Path) -> list[dict]:
    return [{key: value for key, value in row.items() if key not in OF_THE_CLOCK} for row in rows_of(run)]


def same_weights(first: Path, second: Path) -> bool:
    one, other = checkpoint.read(first).weights, checkpoint.read(second).weights
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def contents(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir()}


def after(calls: int) -> Callable[[], bool]:
    """Ask to stop from the so many-th question on."""
    asked = iter(range(1, 10**9))
    return lambda: next(asked) >= calls


@pytest.fixture(scope="module")
def whole(once, data_root: Path) -> Path:
    """A run that nobody interrupted."""
    return once("train-whole", lambda path: train(tiny(), path, root=data_root))


@pytest.fixture
def begun(tmp_path: Path, data_root: Path) -> Path:
    """A run that was stopped in its second epoch."""
    with pytest.raises(Interrupted):
        train(tiny(), tmp_path / "begun", root=data_root, should_stop=after(STEPS_AN_EPOCH + 3))
    return tmp_path / "begun"


def test_run_folder_has_these_files(whole: Path) -> None:
    assert sorted(contents(whole)) == [BEST, LAST, "metrics.jsonl", "outcome.json", "recipe.toml", "state.pt"]


def test_recipe_in_the_run_is_the_resolved_one(whole: Path) -> None:
    assert read(str(whole / "recipe.toml")) == tiny()


def test_metrics_have_one_row_an_epoch(whole: Path) -> None:
    assert [row["epoch"] for row in rows_of(whole)] == [1, 2, 3]


def test_metrics_have_these_keys(whole: Path) -> None:
    figures = {"loss", "accuracy", "precision", "recall", "f1"}
    for row in rows_of(whole):
        assert set(row) == {"epoch", "seconds", "images_per_second", "learning_rate", "train", "validation"}
        assert set(row["train"]) == set(row["validation"]) == figures


def test_metrics_survive_their_round_trip(whole: Path) -> None:
    assert [asdict(documents.decode(EpochRow, row, "row")) for row in rows_of(whole)] == rows_of(whole)


def test_the_outcome_is_read_as_what_it_was(whole: Path) -> None:
    found = documents.read(Outcome, whole / "outcome.json", whole=False)
    rows = [documents.decode(EpochRow, row, "row") for row in rows_of(whole)]
    assert found.last == rows[-1]
    assert found.best in rows
    assert found.run == Path(whole.name)


def test_seconds_add_up_over_epochs(whole: Path) -> None:
    seconds = [row["seconds"] for row in rows_of(whole)]
    assert seconds == sorted(set(seconds))


def test_figures_of_the_best_are_those_of_its_row(whole: Path) -> None:
    best = checkpoint.read(whole)
    assert best.figures == rows_of(whole)[best.epoch - 1]["validation"]


def test_last_checkpoint_is_of_the_last_epoch(whole: Path) -> None:
    assert checkpoint.read(whole / LAST).epoch == TINY["epochs"]


def script(monkeypatch: pytest.MonkeyPatch, *epochs: tuple[float, float]) -> None:
    """Let validation say these (accuracy, loss), epoch by epoch; one more evaluation is a failure."""
    scripted = iter(epochs)

    def evaluate(self: object) -> dict[str, float]:
        accuracy, loss = next(scripted)
        return {"loss": loss, "accuracy": accuracy}

    monkeypatch.setattr(loop.Loop, "_evaluate", evaluate)


def test_best_is_the_best_by_validation_then_by_loss(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, (0.3, 0.1), (0.9, 2.0), (0.9, 1.0), (0.9, 1.5), (0.5, 0.5))
    outcome = train(tiny(epochs=5), tmp_path / "run", root=data_root)
    assert (outcome.best.epoch, outcome.last.epoch) == (3, 5)
    assert checkpoint.read(tmp_path / "run").epoch == 3


def test_validation_figures_are_those_of_the_stored_weights(whole: Path, data_root: Path) -> None:
    from edgecnn.verify.compare import read_for

    last = checkpoint.read(whole / LAST)
    split = read_for(last.dataset, last.input.shape, "validation", root=data_root)
    with torch.inference_mode():
        logits = last.build()(torch.from_numpy(split.images_nhwc))
    labels = torch.from_numpy(split.labels_n)
    assert last.figures["accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert last.figures["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-4)


def test_learns_the_digits(run: Path) -> None:
    rows = rows_of(run)
    assert rows[-1]["train"]["loss"] < rows[0]["train"]["loss"]
    assert rows[-1]["train"]["loss"] < 0.8 * math.log(10)  # that of guessing
    assert rows[-1]["validation"]["accuracy"] > 0.5


def test_outcome_says_what_was_trained(tmp_path: Path, data_root: Path) -> None:
    outcome = train(tiny(epochs=1), tmp_path / "run", root=data_root, device="cpu")
    weights = 4 * 9 + 4 * 4 * 9 + 2 * (4 + 4) + 4 * 10 + 10  # two convolutions, two norms, one dense layer
    assert (outcome.parameters, outcome.device, outcome.precision) == (weights, "cpu", "fp32")
    assert (outcome.train_images, outcome.validation_images, outcome.skipped) == (120, 20, ())


def test_processor_time_stands_still_while_a_training_does(tmp_path: Path, data_root: Path) -> None:
    pauses = iter([2.0])
    outcome = train(
        tiny(epochs=1),
        tmp_path / "run",
        root=data_root,
        clock="processor",
        should_stop=lambda: bool(time.sleep(next(pauses, 0.0))),
    )
    assert 0 < outcome.seconds < 2
    assert outcome.clock == "processor"


def test_same_seed_gives_the_same_weights(whole: Path, tmp_path: Path, data_root: Path) -> None:
    torch.rand(7)  # whatever was drawn before does not matter
    train(tiny(), tmp_path / "again", root=data_root)
    assert same_weights(whole / LAST, tmp_path / "again" / LAST)
    assert timeless(whole) == timeless(tmp_path / "again")


def test_same_seed_gives_the_same_checkpoint_file(whole: Path, tmp_path: Path, data_root: Path) -> None:
    train(tiny(), tmp_path / "again", root=data_root)
    assert (whole / BEST).read_bytes() == (tmp_path / "again" / BEST).read_bytes()


def test_another_seed_gives_other_weights(whole: Path, tmp_path: Path, data_root: Path) -> None:
    train(tiny(seed=1), tmp_path / "other", root=data_root)
    assert not same_weights(whole / LAST, tmp_path / "other" / LAST)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_weights_are_kept_in_float32(tmp_path: Path, data_root: Path, precision: str) -> None:
    outcome = train(tiny(epochs=1, precision=precision), tmp_path / "run", root=data_root)
    assert outcome.precision == precision
    floats = {
        tensor.dtype for tensor in checkpoint.read(tmp_path / "run").weights.values() if tensor.is_floating_point()
    }
    assert floats == {torch.float32}


def test_gradients_are_clipped_on_request(whole: Path, tmp_path: Path, data_root: Path) -> None:
    sgd = {"optimizer__name": "sgd", "optimizer__learning_rate": 1.0, "schedule__name": "constant", "epochs": 1}
    recipe = tiny(**sgd, schedule__warmup=0.0, regularization__weight_decay=0.0, regularization__clip_norm=1e-9)
    train(recipe, tmp_path / "still", root=data_root)
    from edgecnn.tasks._classification.examples import prepared as prepare
    from edgecnn.train.prepare import initial_classifier

    start = initial_classifier(recipe, prepare(recipe, data_root)).state_dict()
    end = checkpoint.read(tmp_path / "still").weights
    torch.testing.assert_close(end["network.0.weight"], start["network.0.weight"], atol=1e-7, rtol=0)


def test_progress_ends_each_epoch_with_all_its_steps(tmp_path: Path, data_root: Path) -> None:
    seen: list[loop.Progress] = []
    train(tiny(), tmp_path / "run", root=data_root, on_progress=seen.append)
    ends = [(progress.epoch, progress.epochs, progress.steps) for progress in seen if progress.step == progress.steps]
    assert ends == [(epoch, 3, STEPS_AN_EPOCH) for epoch in (1, 2, 3)]
    assert seen[-1].seconds_left == 0


def test_every_epoch_is_reported(tmp_path: Path, data_root: Path) -> None:
    seen: list[EpochRow] = []
    train(tiny(), tmp_path / "run", root=data_root, on_epoch=seen.append)
    assert [asdict(row) for row in seen] == rows_of(tmp_path / "run")


# Within the first epoch, at its last batch, after it, within the second, and at the last batch but one of all.
@pytest.mark.parametrize("calls", [1, 3, 4, 5, 7, 3 * (STEPS_AN_EPOCH + 1) - 2])
def test_stopped_and_resumed_ends_in_the_same_weights(whole: Path, tmp_path: Path, data_root: Path, calls: int) -> None:
    run = tmp_path / "run"
    with pytest.raises(Interrupted, match="everything is saved"):
        train(tiny(), run, root=data_root, should_stop=after(calls))
    torch.rand(7)
    train(tiny(), run, root=data_root, resume=True)
    assert same_weights(run / BEST, whole / BEST)
    assert same_weights(run / LAST, whole / LAST)
    assert timeless(run) == timeless(whole)


@pytest.mark.parametrize("optimizer", ["sgd", "asgd", "adam", "rmsprop"])
def test_every_optimizer_is_taken_up_where_it_stood(tmp_path: Path, data_root: Path, optimizer: str) -> None:
    momentum = {"optimizer__momentum": 0.9} if optimizer in ("sgd", "rmsprop") else {}
    recipe = tiny(epochs=2, optimizer__name=optimizer, optimizer__learning_rate=1e-2, **momentum)
    train(recipe, tmp_path / "whole", root=data_root)
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "run", root=data_root, should_stop=after(STEPS_AN_EPOCH + 3))
    train(recipe, tmp_path / "run", root=data_root, resume=True)
    assert same_weights(tmp_path / "run" / LAST, tmp_path / "whole" / LAST)


def test_stopped_after_every_batch_ends_in_the_same_weights(whole: Path, tmp_path: Path, data_root: Path) -> None:
    run = tmp_path / "run"
    for stop in range(100):
        try:
            train(tiny(), run, root=data_root, resume=stop > 0, should_stop=lambda: True)
            break
        except Interrupted:
            continue
    assert stop == TINY["epochs"] * STEPS_AN_EPOCH - 1
    assert same_weights(run / LAST, whole / LAST)


def test_stop_says_where_it_stands(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(Interrupted, match=f"stopped in epoch 1 of 3 after batch 2 of {STEPS_AN_EPOCH}") as stopped:
        train(tiny(), tmp_path / "run", root=data_root, should_stop=after(2))
    assert stopped.value.exit_code == 130


def test_stop_in_the_last_batch_of_all_is_the_end(tmp_path: Path, data_root: Path) -> None:
    outcome = train(tiny(epochs=1), tmp_path / "run", root=data_root, should_stop=after(STEPS_AN_EPOCH))
    assert outcome.last.epoch == 1


def test_resume_after_the_end_changes_nothing(whole: Path, data_root: Path) -> None:
    before = contents(whole)
    outcome = train(tiny(), whole, root=data_root, resume=True)
    assert contents(whole) == before
    assert outcome.last.epoch == TINY["epochs"]


def test_resume_with_the_same_recipe_in_other_words_goes_on(whole: Path, tmp_path: Path, data_root: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    train(tiny(description="other words"), run, root=data_root, resume=True)
    assert (run / "best.safetensors").read_bytes() == (whole / "best.safetensors").read_bytes()


def test_resume_with_another_recipe_names_each_key(begun: Path, data_root: Path) -> None:
    before = contents(begun)
    with pytest.raises(
        CheckpointError, match=r"(?=.*epochs was 3, now 2)(?=.*optimizer\.learning_rate was 0\.004, now 1)"
    ):
        train(tiny(epochs=2, optimizer__learning_rate=1), begun, root=data_root, resume=True)
    assert contents(begun) == before


def test_resume_with_another_network_parameter_names_it(begun: Path, data_root: Path) -> None:
    with pytest.raises(CheckpointError, match=r"network\.parameters\.dropout was 0\.25, now None"):
        train(tiny(network__parameters={"filters": [4]}), begun, root=data_root, resume=True)


def test_resume_of_no_run_is_a_message(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no run to resume \(recipe\.toml is not there\)"):
        train(tiny(), tmp_path / "none", root=data_root, resume=True)
    assert not (tmp_path / "none").exists()


def test_existing_run_without_resume_is_a_message(begun: Path, data_root: Path) -> None:
    before = contents(begun)
    with pytest.raises(CheckpointError, match=r"holds a run already\. Continue it with --resume"):
        train(tiny(), begun, root=data_root)
    assert contents(begun) == before


def test_folder_of_something_else_is_left_alone(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"exists and is not a run\. Choose another folder"):
        train(tiny(), tmp_path, root=data_root)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_data_that_is_missing_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        train(tiny(data__name="folder:/not/here"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_another_process_trains_is_left_alone(begun: Path, data_root: Path) -> None:
    half = begun / ".state-0123456789ab.pt"
    half.write_bytes(b"half")
    with FileLock(begun / run_folder.LOCK), pytest.raises(CheckpointError, match="another process trains here now"):
        train(tiny(), begun, root=data_root, resume=True)
    assert half.exists()


def test_run_killed_before_the_first_save_starts_over(whole: Path, begun: Path, data_root: Path) -> None:
    (begun / "state.pt").unlink()
    train(tiny(), begun, root=data_root, resume=True)
    assert same_weights(begun / LAST, whole / LAST)


@pytest.mark.parametrize(
    "broken",
    [
        lambda good: b"",
        lambda good: b"hello",
        lambda good: good[: len(good) // 2],
        lambda good: b"PK\x03\x04" + good[90:],
    ],
    ids=["empty", "text", "half", "garbled"],
)
def test_broken_state_is_a_message(begun: Path, data_root: Path, broken: Callable[[bytes], bytes]) -> None:
    (begun / "state.pt").write_bytes(broken((begun / "state.pt").read_bytes()))
    with pytest.raises(CheckpointError, match=r"state\.pt: is broken or not the state of a run .* Delete it to start"):
        train(tiny(), begun, root=data_root, resume=True)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 1}, torch.zeros(3)], ids=["list", "dict", "tensor"])
def test_state_of_something_else_is_a_message(begun: Path, data_root: Path, content: object) -> None:
    torch.save(content, begun / "state.pt")
    with pytest.raises(CheckpointError, match=r"state\.pt: is broken or not the state of a run"):
        train(tiny(), begun, root=data_root, resume=True)


class Malicious:
    """Pickles as a call that makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.target,))


def test_state_runs_no_code(begun: Path, data_root: Path, tmp_path: Path) -> None:
    torch.save({"epoch": Malicious(tmp_path / "ran")}, begun / "state.pt")
    with pytest.raises(CheckpointError, match="is broken or not the state of a run"):
        train(tiny(), begun, root=data_root, resume=True)
    assert not (tmp_path / "ran").exists()


def test_broken_recipe_of_a_run_is_a_message(begun: Path, data_root: Path) -> None:
    from edgecnn.errors import RecipeError

    (begun / "recipe.toml").write_text("epochs = [")
    with pytest.raises(RecipeError, match=r"recipe\.toml: not valid TOML"):
        train(tiny(), begun, root=data_root, resume=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_that_is_missing_is_a_message(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(ProviderError, match=r"asked for --device cuda, but torch .* finds no CUDA device"):
        train(tiny(), tmp_path / "run", root=data_root, device="cuda")
    assert not (tmp_path / "run").exists()


def loads_of_torch(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [call for call in calls if ast.unparse(call.func) == "torch.load"]


def test_torch_load_never_unpickles_code() -> None:
    package = Path(edgecnn.__file__).parent
    calls = [(path, call) for path in package.rglob("*.py") for call in loads_of_torch(path)]
    assert calls
    for path, call in calls:
        safe = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "weights_only"]
        assert safe == ["True"], f"{path}:{call.lineno}"


def test_a_training_that_diverges_says_so(tmp_path: Path, data_root: Path) -> None:
    recipe = read("digits-compact", {**TINY, "optimizer.name": "sgd", "optimizer.learning_rate": 1e30})
    with pytest.raises(CheckFailed, match=r"training diverged: the loss of epoch 1 is (nan|inf)"):
        train(recipe, tmp_path / "run", root=data_root)


@pytest.mark.parametrize("select", ["best", "last"])
def test_an_epoch_whose_very_last_step_breaks_the_weights_is_not_kept(
    tmp_path: Path, data_root: Path, select: str
) -> None:
    """The only step has a finite loss; what it makes of the weights is seen by the validation alone."""
    recipe = tiny(batch_size=120, optimizer__name="sgd", optimizer__learning_rate=1e38, select=select)
    with pytest.raises(CheckFailed, match=r"training diverged: (the validation loss|weights)"):
        train(recipe, tmp_path / "run", root=data_root)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"recipe.toml"}


def test_the_last_good_epoch_is_kept_and_every_line_of_the_metrics_is_json(tmp_path: Path, data_root: Path) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    def stop(row: EpochRow) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny(), tmp_path / "run", root=data_root, on_epoch=stop)
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    next(iter(state["weights"].values())).fill_(math.nan)
    torch.save(state, tmp_path / "run" / "state.pt")
    with pytest.raises(CheckFailed, match=r"training diverged: the loss of epoch 2 is nan"):
        train(tiny(), tmp_path / "run", root=data_root, resume=True)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=refuse)["epoch"] for line in lines] == [1]
    for name in (BEST, LAST):
        kept = checkpoint.read(tmp_path / "run" / name)
        assert kept.epoch == 1
        assert all(torch.isfinite(weights).all() for weights in kept.weights.values())


def test_a_data_set_that_has_changed_is_said_when_a_run_is_resumed(tmp_path: Path) -> None:
    def draw(name: str, gray: int) -> None:
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(20):
            Image.fromarray(np.full((8, 8), gray + index, np.uint8)).save(tmp_path / "data" / name / f"{index}.png")

    draw("dark", 0)
    draw("light", 200)
    recipe = tiny(data__name=f"folder:{tmp_path / 'data'}", data__subset=None, data__validation=0.2, batch_size=8)
    with pytest.raises(Interrupted):
        train(recipe, tmp_path / "run", should_stop=after(2))
    draw("middle", 100)
    with pytest.raises(
        CheckpointError, match=r"classes were \['dark', 'light'\], are now \['dark', 'light', 'middle'\]"
    ):
        train(recipe, tmp_path / "run", resume=True)
    shutil.rmtree(tmp_path / "data" / "middle")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "data" / "light" / "0.png")
    with pytest.raises(CheckpointError, match="pictures have changed"):
        train(recipe, tmp_path / "run", resume=True)


def test_a_folder_with_nothing_but_what_a_kill_left_can_be_used(tmp_path: Path, data_root: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".recipe-0123456789ab.toml").write_text("half a rec")
    train(read("digits-compact", {**TINY, "epochs": 1}), tmp_path / "run", root=data_root)
    assert not list((tmp_path / "run").glob(".*"))


# --- Everything that a recipe can add at once ------------------------------------------------------------------------

LIGHT = {"brightness": 0.2, "contrast": 0.2, "sharpness": 0.5, "blur": 0.5, "noise": 0.05}
MUON = {"name": "muon", "learning_rate": 0.05, "momentum": 0.6, "nesterov": True, "unit_filters": True}
LOADED = {
    "augment": {"flip": "alternating", "translate": 0.1, "rotate": 10, "cutout": 0.2, "mixup": 0.4, **LIGHT},
    "optimizer": {**MUON, "rest": {"name": "adamw", "learning_rate": 0.01}},
    "schedule": {"name": "one-cycle", "warmup": 0.3},
    "loss": {"name": "cross-entropy-of-softmax", "label_smoothing": 0.1},
    "regularization__ema": 0.3,
    "average": "flip",
}


def loaded(**changes: object) -> Recipe:
    return tiny(**{**LOADED, **changes})


@pytest.fixture(scope="module")
def loaded_run(once, data_root: Path) -> Path:
    return once("train-loaded", lambda path: train(loaded(), path, root=data_root))


@pytest.mark.parametrize("calls", [2, STEPS_AN_EPOCH + 1, STEPS_AN_EPOCH + 3])
def test_loaded_run_stopped_and_resumed_ends_in_the_same_weights(
    loaded_run: Path, tmp_path: Path, data_root: Path, calls: int
) -> None:
    run = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(loaded(), run, root=data_root, should_stop=after(calls))
    torch.rand(7)
    train(loaded(), run, root=data_root, resume=True)
    assert same_weights(run / BEST, loaded_run / BEST)
    assert same_weights(run / LAST, loaded_run / LAST)
    assert timeless(run) == timeless(loaded_run)


@pytest.mark.parametrize(
    "without",
    [
        {"augment": {}},
        {"regularization__ema": 0},
        {"optimizer": {**LOADED["optimizer"], "unit_filters": False}},
        {"loss": {}},
    ],
    ids=lambda without: next(iter(without)),
)
def test_each_of_them_reaches_the_weights(loaded_run: Path, tmp_path: Path, data_root: Path, without: dict) -> None:
    train(loaded(**without), tmp_path / "run", root=data_root)
    assert not same_weights(tmp_path / "run" / LAST, loaded_run / LAST)


def answers(run: Path, data_root: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the validation images and labels, and the mean logits of the stored network on either way round."""
    from edgecnn.verify.compare import read_for

    last = checkpoint.read(run / LAST)
    split = read_for(last.dataset, last.input.shape, "validation", root=data_root)
    images, classifier = torch.from_numpy(split.images_nhwc), last.build()
    pixels = classifier.normalized(images)
    with torch.inference_mode():
        logits = (classifier.network(pixels) + classifier.network(pixels.flip(3))) / 2
    return images, torch.from_numpy(split.labels_n), logits


def test_validation_is_of_flip_average_averaged_weights_and_the_recipes_loss(loaded_run: Path, data_root: Path) -> None:
    _, labels, logits = answers(loaded_run, data_root)
    figures = checkpoint.read(loaded_run / LAST).figures
    expected = torch.nn.functional.cross_entropy(logits.softmax(1), labels).item()
    assert figures["loss"] == pytest.approx(expected, rel=1e-5)
    assert figures["accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())


def test_exported_flip_average_answers_the_mean_of_both(loaded_run: Path, tmp_path: Path, data_root: Path) -> None:
    from edgecnn.contender import open_contender
    from edgecnn.export import export
    from edgecnn.tasks._classification.export import LOGIT_TOLERANCE

    images, _, logits = answers(loaded_run, data_root)
    last = checkpoint.read(loaded_run / LAST)
    plain = last.build().network(last.build().normalized(images))
    exported = export(loaded_run / LAST, tmp_path / "flip.onnx", root=data_root)
    for count in (1, len(images)):
        found = torch.from_numpy(open_contender(exported.path).answer(images[:count].numpy()))
        torch.testing.assert_close(found, logits[:count], atol=LOGIT_TOLERANCE, rtol=0)
    assert (plain - logits).abs().max() > 10 * LOGIT_TOLERANCE


def test_kept_weights_are_the_moving_average(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    update = MovingAverage.update

    def watched(self: MovingAverage, classifier: checkpoint.PixelClassifier) -> None:
        seen.append({name: value.clone() for name, value in classifier.state_dict().items()})
        update(self, classifier)

    monkeypatch.setattr(MovingAverage, "update", watched)
    train(tiny(epochs=2, regularization__ema=0.3), tmp_path / "run", root=data_root)
    assert len(seen) == 2 * STEPS_AN_EPOCH
    for name, value in checkpoint.read(tmp_path / "run" / LAST).weights.items():
        expected = seen[0][name]
        for number, now in enumerate(seen[1:], start=1):
            kept = min(0.3, (1 + number) / (10 + number)) if value.is_floating_point() else 0
            expected = kept * expected + (1 - kept) * now[name]
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_mixed_images_are_judged_by_the_shares_of_both_labels() -> None:
    logits, labels, partners = torch.randn(6, 4), torch.arange(6) % 4, torch.arange(6) % 3
    shares = 0.3 * torch.nn.functional.one_hot(labels, 4) + 0.7 * torch.nn.functional.one_hot(partners, 4)
    found = mean_loss(logits, Batch(torch.zeros(6), labels, partners, 0.3), Loss(label_smoothing=0.1))
    expected = torch.nn.functional.cross_entropy(logits, shares, label_smoothing=0.1)
    torch.testing.assert_close(found, expected)


def test_patience_ends_a_run_and_a_resume_does_not_go_on(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, run = tiny(epochs=9, patience=2), tmp_path / "run"
    script(monkeypatch, (0.3, 1.0), (0.2, 1.0), (0.9, 1.0), (0.8, 1.0), (0.7, 1.0))
    outcome = train(recipe, run, root=data_root)
    assert (outcome.best.epoch, outcome.last.epoch) == (3, 5)
    before = contents(run)
    assert train(recipe, run, root=data_root, resume=True).last.epoch == 5
    assert contents(run) == before


def test_patience_counts_on_after_a_stop(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, run = tiny(epochs=9, patience=2), tmp_path / "run"
    script(monkeypatch, (0.9, 1.0), (0.8, 1.0), (0.7, 1.0))
    with pytest.raises(Interrupted):
        train(recipe, run, root=data_root, should_stop=after(2 * (STEPS_AN_EPOCH + 1)))  # after the second epoch
    assert train(recipe, run, root=data_root, resume=True).last.epoch == 3


def test_select_last_keeps_the_last(tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, (0.3, 1.0), (0.9, 1.0), (0.5, 1.0))
    outcome = train(tiny(select="last"), tmp_path / "run", root=data_root)
    assert outcome.best == outcome.last
    assert (tmp_path / "run" / BEST).read_bytes() == (tmp_path / "run" / LAST).read_bytes()
    assert checkpoint.read(tmp_path / "run").epoch == 3
