"""edgecnn selftest"""

from typing import TYPE_CHECKING

import typer

from . import console
from .options import AsJson, ModelFile, Provider

if TYPE_CHECKING:
    from edgecnn.runtime.selftest import SelfTest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(selftest)


def selftest(model: ModelFile, provider: Provider = "cpu", as_json: AsJson = False) -> None:
    """Run the golden images inside a model file here; exit code 1 when it does not answer as where it was made.

    Example: edgecnn selftest mnist-c1.onnx
    """
    from edgecnn.runtime.finder import load_either
    from edgecnn.runtime.selftest import selftest as run

    result = run(load_either(model, provider=provider))
    if as_json:
        console.show_json(result)
    else:
        labels = "the same labels" if result.same_labels else "other labels"
        console.verdict(
            result.passed,
            f"{console.counted(result.images, 'golden image')} on {result.provider}, {labels}, {_gaps(result)}",
        )
    raise typer.Exit(0 if result.passed else 1)


def _gaps(result: "SelfTest") -> str:
    if result.max_abs_log_gap is None or result.log_tolerance is None:
        return (
            f"largest probability gap {result.max_abs_probability_gap:.1e}, one by one against the batch "
            f"{result.max_abs_batch_gap:.1e} (allowed {result.tolerance:g})"
        )
    return (
        f"largest log-probability gap {result.max_abs_log_gap:.1e} (allowed {result.log_tolerance:g}), "
        f"root mean square {result.rms_log_gap:.1e} (allowed {result.rms_tolerance:g})"
    )
