"""edgecnn selftest"""

from typing import TYPE_CHECKING

import typer

from . import console
from .options import AsJson, DataRoot, Dataset, ModelFile, Provider

if TYPE_CHECKING:
    from edgecnn.runtime.selftest import SelfTest
    from edgecnn.verify.whole import Whole


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(selftest)


def selftest(
    model: ModelFile,
    dataset: Dataset = None,
    root: DataRoot = None,
    provider: Provider = "cpu",
    as_json: AsJson = False,
) -> None:
    """Run the golden images inside a model file here; exit code 1 when it does not answer as where it was made.

    With --data, it also runs the whole test set, and fails where fewer images are right than chance explains.

    Example: edgecnn selftest mnist-c1.onnx
    """
    from edgecnn.runtime.load import load_model
    from edgecnn.runtime.selftest import selftest as run

    whole = None
    with console.stages(quiet=as_json) as say:
        say("running the golden images")
        result = run(load_model(model, provider=provider))
        if dataset is not None:
            from edgecnn.verify.whole import whole_selftest

            say("running it on every image")
            whole = whole_selftest(model, dataset, root, provider=provider)
    if as_json:
        console.show_json({**vars(result), "whole": whole})
    else:
        _show(result, whole)
    raise typer.Exit(0 if result.passed and (whole is None or whole.passed) else 1)


def _show(result: "SelfTest", whole: "Whole | None") -> None:
    labels = "the same labels" if result.same_labels else "other labels"
    console.verdict(
        result.passed,
        f"{console.counted(result.images, 'golden image')} on {result.provider}, {labels}, {result.gaps}",
    )
    if whole is not None:
        low, high = whole.accuracy_ci95
        console.verdict(
            whole.passed,
            f"{whole.accuracy:.2%} of {whole.images:,} images of the {whole.split} split right "
            f"({low:.2%}..{high:.2%}), {whole.expected:.2%} expected from {whole.expected_images:,}; "
            f"so few by chance: p = {whole.p:.2g}",
        )
