"""edgecnn list"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .options import AsJson, DataRoot

if TYPE_CHECKING:
    from edgecnn.report.model_card import Summary

Kind = Literal["recipes", "studies", "networks", "datasets", "models", "providers"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="list")(list_kind)


def list_kind(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """List what there is to train, build, read or run.

    Example: edgecnn list recipes
    """
    if kind == "models" and as_json:
        console.show_json({kind: _summaries()})
        return
    tables = {
        "recipes": _recipes,
        "studies": _studies,
        "networks": _networks,
        "datasets": lambda: _datasets(root),
        "models": _models,
        "providers": _providers,
    }
    columns, rows = tables[kind]()
    if as_json:
        console.show_json({kind: [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        console.show_table("", columns, [tuple(map(_shown, row)) for row in rows], spare=SPARE)
        if kind == "models":
            _say_what_was_not_measured_here()
            _say_where_the_others_are()


def _say_what_was_not_measured_here() -> None:
    from edgecnn.doctor import unmeasured
    from edgecnn.machine import family

    if found := unmeasured(family()):
        console.say(console.unmeasured(found, family()))


SPARE = ("forms", "input", "parameters")  # of models, where a terminal is narrow

Value = str | int | list[str]
Listing = tuple[tuple[str, ...], list[tuple[Value, ...]]]


def _shown(value: Value) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _recipes() -> Listing:
    from edgecnn import recipes
    from edgecnn.recipes.read import read

    found = [(name, read(name)) for name in recipes.names()]
    return ("name", "network", "data", "epochs", "description"), [
        (name, recipe.network.name, recipe.data.name, recipe.epochs, recipe.description) for name, recipe in found
    ]


def _studies() -> Listing:
    from edgecnn import studies
    from edgecnn.study.read import read

    found = [(name, read(name)) for name in studies.names()]
    return ("name", "runs", "description"), [(name, study.size, study.description) for name, study in found]


def _networks() -> Listing:
    from edgecnn import networks

    return ("name", "parameters", "description"), [
        (name, list(networks.parameters(name)), networks.describe(name)) for name in networks.names()
    ]


def _datasets(root: Path | None) -> Listing:
    from edgecnn import data
    from edgecnn.registry import DATASETS

    here = data.data_root(root)
    return ("name", "state", "description"), [
        (name, "here" if data.is_here(name, here) else "not here yet", data.describe(name)) for name in DATASETS.names()
    ]


def _models() -> Listing:
    columns = ("name", "classifies", "input", "parameters", "score", "size", "forms")
    from edgecnn import metrics

    return columns, [
        (
            found.name,
            found.classifies.partition(" (")[0],  # inspect has every label
            found.input,
            f"{found.parameters:,}",
            "-" if score is None else f"{metrics.title(score.metric)} {metrics.digits(score.metric, score.value)}",
            console.size(found.forms[0].size_bytes),
            ", ".join(
                form.name if form.name == form.form else f"{form.name} ({form.form})"
                for form in found.forms
                if form.path is not None
            ),
        )
        for found in _summaries()
        for score in [found.forms[0].score]
    ]


def _say_where_the_others_are() -> None:
    """Say it where this is no checkout, which has them all."""
    from edgecnn import zoo

    if not zoo.CHECKOUT.is_dir():
        console.say(
            "The smallest models are installed with edgecnn; the others lie in exported/ of its source; name that "
            f"folder in {zoo.VARIABLE}, or one of your own."
        )


def _summaries() -> "list[Summary]":
    from edgecnn import zoo
    from edgecnn.report.model_card import summary

    return [summary(model) for model in zoo.models()]


def _providers() -> Listing:
    from edgecnn.doctor import provider_states

    return ("name", "state", "install"), [
        (state.name, "available" if state.available else "not installed", state.install) for state in provider_states()
    ]
