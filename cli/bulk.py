"""edgecnn predict and verify --on ray: pictures answered by Ray's workers, into Parquet files, or by two models."""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypedDict

import typer

from . import console
from .stop import stop_requests

if TYPE_CHECKING:
    from edgecnn.bulk import Bulk
    from edgecnn.verify import Comparison


class Allowed(TypedDict):
    """What a comparison allows, in the words of ``edgecnn.verify``."""

    max_drop_pp: float
    max_class_drop_pp: float | None
    slices: Path | None
    max_slice_drop_pp: float | None


def predict(
    model: Path, images: list[str], output: Path, *, on: str, detector: Path | None, provider: str, as_json: bool
) -> NoReturn:
    """Have all pictures answered, until that is done or Ctrl-C."""
    from edgecnn.bulk import predict_bulk

    with console.stages(quiet=as_json) as say, stop_requests("stopping; finished parts are kept …") as stop:
        say("classifying")
        found = predict_bulk(
            model, images, output, on=on, detector=detector, provider=provider, stopped=stop.is_set
        )  # fmt: skip
    if as_json:
        console.show_json(found)
    else:
        _sum_up(found)
    _warn(found)
    raise typer.Exit(1 if found.counted.failed or found.lost or not found.counted.pictures else 0)


def verify(reference: Path, candidate: Path, dataset: str, allowed: Allowed, *, on: str, as_json: bool) -> "Comparison":
    """Have all pictures answered by both, and compare them."""
    from edgecnn.bulk import verify_bulk

    with console.stages(quiet=as_json) as say, stop_requests("stopping …") as stop:
        say("running both on the same images")
        return verify_bulk(reference, candidate, dataset, on=on, stopped=stop.is_set, **allowed)


def _sum_up(found: "Bulk") -> None:
    """Say what was answered, and where the answers lie."""
    labels = ", ".join(f"{label}: {count:,}" for label, count in found.counted.labels.items())
    console.say(f"{console.counted(found.counted.pictures, 'picture')}   {labels}".rstrip())
    kept = f", {found.kept:,} of them there before" if found.kept else ""
    by = f" by {console.counted(found.workers, 'worker')}" if found.workers else ""
    parts = console.counted(found.parts - len(found.lost), "part")
    console.say(f"{found.output}: {parts}{kept}, in {console.duration(found.seconds)}{by}")


def _warn(found: "Bulk") -> None:
    """Say what could not be read, what is unlike the model's images, and what has no answer."""
    counted = found.counted
    for error in counted.errors:
        console.warn(error)
    if counted.failed:
        console.warn(f"{counted.failed:,} of {counted.pictures:,} pictures could not be read; column error says why.")
    if counted.unlike:
        console.warn(
            f"{counted.unlike:,} of {counted.pictures:,} pictures are unlike those that {found.model} was made for, so "
            "their labels are worth little; column unlike says why."
        )
    if not counted.pictures and not found.lost:
        console.warn("there is no picture in what was given.")
    if found.lost:
        console.warn(
            f"{console.counted(len(found.lost), 'part')} could not be answered, such as {found.lost[0]}: its worker "
            "died each time. A picture there crashes a decoder, or needs more memory than there is. The same command "
            "tries again."
        )
