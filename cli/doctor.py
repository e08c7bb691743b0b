"""edgecnn doctor"""

import typer

from . import console
from .bench import show_environment
from .options import AsJson

EXACT = "this processor adds int8 products exactly"
SATURATES = (
    "this processor adds int8 products in 16 bits, which saturate. Files whose weights are safe (edgecnn inspect MODEL "
    "says so) run as everywhere; others are computed exactly by edgecnn, and slower, and are wrong in other programs"
)
NO_PAGE = "not in this installation; make web builds it in a checkout, and a wheel of make wheel has it"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Show providers, processor, threads, versions and what is missing; exit code 1 when edgecnn cannot work.

    Example: edgecnn doctor
    """
    from edgecnn.doctor import diagnose

    with console.stages(quiet=as_json) as say:
        say("asking what there is")
        found = diagnose()
    if as_json:
        console.show_json(found)
        raise typer.Exit(1 if found.problems else 0)
    show_environment(found.environment)
    if found.int8_saturates is not None:
        console.say(f"int8: {SATURATES if found.int8_saturates else EXACT}")
    console.say(f"data root: {found.data_root}")
    console.say(f"page of edgecnn web: {'there' if found.page else NO_PAGE}")
    console.show_table(
        "",
        ("provider", "state", "install"),
        [
            (p.name, "available" if p.available else "not installed", "" if p.available else p.install)
            for p in found.providers
        ],
        left=3,
    )
    if found.missing:
        console.show_table(
            "not installed", ("packages", "install"), [(", ".join(m.modules), m.install) for m in found.missing], left=2
        )
    if found.unmeasured:
        console.say(console.unmeasured(found.unmeasured, found.environment.family))
    for problem in found.problems:
        console.warn(problem)
    console.verdict(not found.problems, "edgecnn can run models here" if not found.problems else "see above")
    raise typer.Exit(1 if found.problems else 0)
