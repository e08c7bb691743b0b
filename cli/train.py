"""edgecnn train"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edgecnn.errors import CheckpointError

from . import console, survey
from .options import AsJson, DataRoot, Dataset, RecipeToTrain, next_command
from .stop import stop_requests

if TYPE_CHECKING:
    from edgecnn.data.survey import Survey
    from edgecnn.recipes.schema import Recipe
    from edgecnn.train import Outcome
    from edgecnn.train.unasked import Unasked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    recipe: RecipeToTrain = None,
    run: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run. Default: runs/RECIPE.")
    ] = None,
    dataset: Dataset = None,
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", help="Override the recipe's epochs.")] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", help="Override the recipe's batch size.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="X", help="Override the recipe's learning rate.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Override the recipe's seed.")] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="cuda that is not there is an error.")
    ] = "auto",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change any other key of the recipe.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue a run: in place of RECIPE its folder; --epochs N trains it for longer."
        ),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard events into the run.")
    ] = False,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe into a run: checkpoints, metrics of every epoch, learning curves.

    Pictures of your own are a folder with one folder for each class: PATH/CLASS/*.jpg, or PATH/train/CLASS/*.jpg
    with val and test beside train. Without a recipe one is chosen for them, shown with its reasons, and
    written into the run: edgecnn train --data folder:photos

    With --resume a run that was stopped or killed goes on: edgecnn train runs/mnist-c1 --resume

    In many processes: torchrun --nproc-per-node 4 --max-restarts 3 -m edgecnn_cli train mnist-c1

    Example: edgecnn train mnist-c1 -o runs/mnist-c1 --epochs 10 --set optimizer.learning_rate=0.002
    """
    from edgecnn import train as train_recipe
    from edgecnn.documents import encode
    from edgecnn.errors import Interrupted
    from edgecnn.recipes.read import parse_setting, read
    from edgecnn.report.curves import draw_curves
    from edgecnn.train import processes
    from edgecnn.train.device import keep_freed_memory

    place = processes.launched()
    quiet = as_json or not place.is_first
    named = {"data.name": dataset, "epochs": epochs, "batch_size": batch_size, "optimizer.learning_rate": learning_rate}
    changes: dict[str, Any] = {key: value for key, value in (*named.items(), ("seed", seed)) if value is not None}
    changes |= dict(parse_setting(setting) for setting in settings or [])
    wanted: Recipe | Unasked
    if recipe is None and dataset is not None and not resume:
        wanted = _chosen(dataset, changes, quiet=quiet)
        resolved = wanted.recipe
    else:
        recipe, run = _meant(recipe, run, resume)
        wanted = resolved = read(recipe, changes)
    folder = run or Path("runs") / resolved.name
    keep_freed_memory()
    if resume and place.is_first:
        _say_longer(folder, resolved.epochs)
    told = "finishing the batch and saving …" if place.is_first else None
    with (
        stop_requests(told) as stop,
        console.training_bar(quiet=quiet) as bar,
        _event_log(folder, tensorboard and place.is_first) as log,
    ):
        try:
            outcome = train_recipe(
                wanted,
                folder,
                device=device,
                root=root,
                resume=resume,
                on_progress=bar,
                on_epoch=log,
                on_data=lambda found, remarks: (
                    None if as_json else _begun(found, remarks, folder, wanted is not resolved)
                ),
                should_stop=stop.is_set,
            )
        except Interrupted as interrupted:
            if not place.is_first:
                raise typer.Exit(Interrupted.exit_code) from None
            again = next_command("train", folder, "--resume", root=root)
            raise Interrupted(f"{interrupted}\nContinue with: {again}") from None
    if not place.is_first:
        return
    curves = draw_curves(folder)
    if as_json:
        console.show_json(encode(outcome) | {"curves": curves})
    else:
        show(outcome, curves, root)


def show(outcome: "Outcome", curves: Path, root: Path | None) -> None:
    """Print the figures of the kept epoch and where everything lies."""
    from edgecnn import metrics

    best = outcome.best
    splits = (("train", best.train), ("validation", best.validation))
    console.show_table(
        f"{outcome.parameters:,} parameters, {outcome.train_images:,} images, {console.duration(outcome.seconds)} "
        f"on {outcome.device} in {outcome.precision}",
        ("kept epoch", "split", *map(metrics.title, best.validation)),
        [
            (
                str(best.epoch),
                split,
                *(metrics.digits(metric, value) for metric, value in figures.items()),
            )
            for split, figures in splits
        ],
        left=2,
    )
    if outcome.skipped:
        console.say(f"Left out {console.counted(len(outcome.skipped), 'picture')} that could not be read.")
    console.say(f"run: {outcome.run}   curves: {curves}")
    console.say_next(next_command("export", outcome.run, root=root))


@contextlib.contextmanager
def _event_log(folder: Path, wanted: bool) -> Iterator[Any]:
    """Yield what is to be told of each epoch."""
    if not wanted:
        yield lambda row: None
        return
    from edgecnn.train.tensorboard import event_log

    with event_log(folder) as log:
        yield log


def _say_longer(folder: Path, epochs: int) -> None:
    """Say what is not as in a run that was as long from the start."""
    from edgecnn.recipes.read import read

    own = folder / "recipe.toml"
    before = read(str(own)).epochs if own.exists() else epochs
    if epochs > before:
        console.warn(
            f"{folder}: was to train {before} epochs, now {epochs}. From here on the learning rate, and all else that "
            f"follows the epochs, is as in a run of {epochs}; what was trained was not."
        )


def _chosen(dataset: str, changes: dict[str, Any], *, quiet: bool) -> "Unasked":
    """Choose a recipe for a data set, and show what it was chosen by."""
    from edgecnn.train.unasked import recipe_for

    with console.stages(quiet=quiet) as say:
        say("looking at the pictures")
        found = recipe_for(dataset, changes)
    if not quiet:
        if found.found is not None:
            console.say(survey.found(found.found))
        rows = [
            (key, _toml(value), choice.because if place == 0 else "")
            for choice in found.choices
            for place, (key, value) in enumerate(choice.sets.items())
        ]
        console.show_table("no recipe was named, so this one:", ("key", "value", "because"), rows, left=3)
    return found


def _data_set(recipe: str) -> str | None:
    """Return the data set that was meant where a recipe belongs, or None."""
    from edgecnn.data.sources import FOLDER, prefix_of

    if prefix_of(recipe):
        return recipe
    path = Path(recipe)
    return f"{FOLDER}{recipe}" if path.is_dir() and not (path / "recipe.toml").exists() else None


def _begun(found: "Survey | None", remarks: tuple[str, ...], run: Path, chosen: bool) -> None:
    """Show what is learned from, once the run is there."""
    survey.show(found, remarks)
    if chosen:
        recipe = run / "recipe.toml"
        console.say(f"written: {recipe}; to change it, edit a copy and train that: edgecnn train ./COPY.toml")


def _toml(value: object) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def _meant(recipe: str | None, run: Path | None, resume: bool) -> tuple[str, Path | None]:
    """Return the recipe and the run that are meant: a run that is resumed has its own recipe."""
    from edgecnn.registry import RECIPES

    if resume and recipe is not None and run is None and Path(recipe).is_dir():
        return _meant(None, Path(recipe), resume)
    if recipe is None and resume and run is not None:
        own = run / "recipe.toml"
        if not own.exists():
            raise CheckpointError(f"{run}: no run to resume ({own.name} is not there).")
        return str(own), run
    if resume and recipe is not None and run is None and recipe not in RECIPES and not recipe.endswith(".toml"):
        raise CheckpointError(f"{recipe}: no run to resume (there is no such folder), and no recipe.")
    if recipe is not None and (named := _data_set(recipe)):
        raise typer.BadParameter(
            f"{recipe} is no recipe; to train on the pictures there: edgecnn train --data {named}", param_hint="RECIPE"
        )
    if recipe is None:
        raise typer.BadParameter(
            "missing; name one of edgecnn list recipes, or pictures of your own alone, --data folder:PATH, or with "
            "--resume a run",
            param_hint="RECIPE",
        )
    return recipe, run
