"""edgecnn selftest"""

from typing import TYPE_CHECKING

import typer

from . import console
from .bench import show_device
from .options import AsJson, DataRoot, Dataset, ModelFile, On, Provider

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
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Run the golden images inside a model file here; exit code 1 when it does not answer as where it was made.

    With --data, it also runs the whole test set, and fails where fewer images are right than chance explains.

    With --on, all of it runs on a device that ssh reaches, whose python3 needs numpy and onnxruntime, or on a processor
    that qemu emulates: emulated:arm64, emulated:x86-avx2, emulated:x86-sse4.

    Example: edgecnn selftest mnist-c1.onnx
    """
    from edgecnn.devices.opened import opened_on
    from edgecnn.runtime.selftest import selftest as run

    whole = None
    with console.stages(quiet=as_json) as say:
        say(f"reaching {on}" if on else "opening the model")
        with opened_on(on, model, provider=provider) as opened:
            say("running the golden images")
            result = run(opened)
            if dataset is not None:
                from edgecnn.verify.whole import whole_selftest

                say("running it on every image")
                whole = whole_selftest(model, dataset, root, provider=provider, opened=opened)
    if as_json:
        console.show_json({**vars(result), "whole": whole, "environment": opened.environment})
    else:
        _show(result, whole)
        show_device(opened.environment)
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
