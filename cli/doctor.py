"""edgecnn doctor"""

from typing import TYPE_CHECKING

import typer

from . import console
from .bench import show_environment
from .options import AsJson, On

if TYPE_CHECKING:
    from edgecnn.doctor import DeviceDiagnosis, Diagnosis, ProviderState

EXACT = "this processor adds int8 products exactly"
SATURATES = (
    "this processor adds int8 products in 16 bits, which saturate. Files whose weights are safe (edgecnn inspect MODEL "
    "says so) run as everywhere; others are computed exactly by edgecnn, and slower, and are wrong in other programs"
)
NO_PAGE = "not in this installation; make web builds it in a checkout, and a wheel of make wheel has it"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(on: On = None, as_json: AsJson = False) -> None:
    """Show providers, processor, threads, versions and what is missing; exit code 1 when edgecnn cannot work.

    With --on, of a device that ssh reaches, and whether model files can run there; nothing is installed.

    Example: edgecnn doctor
    """
    from edgecnn.doctor import Diagnosis, diagnose, diagnose_on

    with console.stages(quiet=as_json) as say:
        say(f"asking {on}" if on else "asking what there is")
        found = diagnose_on(on) if on else diagnose()
    if as_json:
        console.show_json(found)
        raise typer.Exit(1 if found.problems else 0)
    show_environment(found.environment)
    if found.int8_saturates is not None:
        console.say(f"int8: {SATURATES if found.int8_saturates else EXACT}")
    if isinstance(found, Diagnosis):
        _show_installation(found)
    else:
        _show_device(found)
    if found.unmeasured:
        console.say(console.unmeasured(found.unmeasured, found.environment.family))
    for problem in found.problems:
        console.warn(problem)
    place = "there" if on else "here"
    console.verdict(not found.problems, f"edgecnn can run models {place}" if not found.problems else "see above")
    raise typer.Exit(1 if found.problems else 0)


def _show_installation(found: "Diagnosis") -> None:
    console.say(f"data root: {found.data_root}")
    console.say(f"page of edgecnn web: {'there' if found.page else NO_PAGE}")
    _show_providers(found.providers)
    if found.missing:
        console.show_table(
            "not installed", ("packages", "install"), [(", ".join(m.modules), m.install) for m in found.missing], left=2
        )


def _show_device(found: "DeviceDiagnosis") -> None:
    console.say(f"Python: {found.python}")
    _show_providers(found.providers)


def _show_providers(states: "list[ProviderState]") -> None:
    console.show_table(
        "",
        ("provider", "state", "install"),
        [(p.name, "available" if p.available else "not installed", "" if p.available else p.install) for p in states],
        left=3,
    )
