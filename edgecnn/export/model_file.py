"""From a run to a model file that has its name only once it was proven."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from edgecnn import card as cards
from edgecnn import files, onnx_file, zoo
from edgecnn.card import Score
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.export.proven import Proven, run_of
from edgecnn.registry import TASKS
from edgecnn.verify.compare import check_moved

WEIGHTS = "expected a run. Of weights alone say the module as well: edgecnn export FILE.py:NAME --weights WEIGHTS"
INSTEAD = {
    ".py": "expected a run, or which module of this file: FILE.py:NAME",
    ".onnx": "is a model file already. One of others becomes edgecnn's with: edgecnn adopt FILE",
    ".pth": WEIGHTS,
    ".pt": WEIGHTS,
}

if TYPE_CHECKING:
    from torch import nn

    from edgecnn.adopt.said import Answering
    from edgecnn.checkpoint import Checkpoint
    from edgecnn.export.module import Preprocess


class ExportingTask(Protocol):
    """What an export asks of a task."""

    def prove(
        self, checkpoint: "Checkpoint", run: Path, *, dataset: str | None, root: str | Path | None, calibrated: bool
    ) -> Proven:
        """Return the exported model and its card, after it was compared with PyTorch. Raises ParityError."""


@dataclass(frozen=True)
class Exported:
    """A finished file. ``max_abs_gap`` is that of ``output`` to PyTorch's in float32 on ``parity_images``, and
    ``agreement`` the share of them with the same top-1, where there is one.

    ``dataset`` is what the next stages find the images by: the card has it without the folders that lead there.
    ``remarks`` are what is to be minded.
    """

    path: Path
    card_path: Path
    size_bytes: int
    sha256: str
    opset: int
    ir_version: int
    parameters: int
    output: str
    max_abs_gap: float
    agreement: float | None
    parity_images: int
    parity_source: str
    test_score: Score | None
    dataset: str
    remarks: list[str]


def export(
    model: "str | Path | nn.Module",
    output: str | Path | None = None,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    calibrated: bool = False,
    labels: Sequence[str] | None = None,
    input: tuple[int, int, int] | None = None,
    preprocess: "Preprocess | None" = None,
    weights: str | Path | None = None,
    answers: "Answering | None" = None,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Export a run, a checkpoint or a module to ``output`` (default: named after it, in the working directory).

    Example::

        import edgecnn

        exported = edgecnn.export("runs/digits", "digits.onnx")
        print(exported.size_bytes, exported.max_abs_gap)

    ``calibrated`` divides a classifier's logits by a temperature that is fitted on its validation split.

    A module is a torch.nn.Module, FILE.py:NAME (a module, or what makes one without arguments), or an archive of
    torch.export (.pt2). ``labels`` are its classes in the order of its answers, ``input`` height, width and channels of
    its pictures, ``weights`` a state dict. ``preprocess`` is what pixels go through before it: the transform of
    torchvision or timm that it was trained with, as for inference, or numbers, ``{"scale": 1 / 255, "mean": 0.5, "std":
    0.5}``. It is held to the module on the test images of ``dataset``, or on noise and edge cases.

    Raises ParityError when the file does not answer as the original; then there is no file. Raises EdgecnnError for
    what nobody said, and ModelError for a module that is no classifier of pictures.
    """
    from edgecnn import own

    if own.is_named(model):
        if calibrated:
            raise EdgecnnError(f"{_module_name(model)}: a temperature is fitted for runs, no module. Leave it out.")
        target = _target(output, _module_name(model))
        said = {"labels": labels, "shape": input, "preprocess": preprocess, "weights": weights, "answers": answers}
        return _exported_module(model, target, dataset=dataset, root=root, on_stage=on_stage, **said)
    _check_is_run(Path(str(model)))
    given = {"labels": labels, "input": input, "preprocess": preprocess, "weights": weights, "answers": answers}
    needless = [name for name, value in given.items() if value is not None]
    if needless:
        raise EdgecnnError(f"{model}: is no module, and says {', '.join(needless)} by itself. Leave that out.")
    on_stage("exporting and comparing with PyTorch")
    return _exported_run(Path(str(model)), output, dataset=dataset, root=root, calibrated=calibrated)


def _exported_module(model: "str | Path | nn.Module", target: Path, *, dataset: str | None, **said: Any) -> Exported:
    from edgecnn.export.module import export_module

    adopted, card = export_module(model, target, dataset=dataset, **said)
    opset, ir_version = onnx_file.versions_of(target)
    return Exported(
        path=target,
        card_path=adopted.card_path,
        size_bytes=adopted.size_bytes,
        sha256=adopted.sha256,
        opset=opset,
        ir_version=ir_version,
        parameters=card.parameters,
        output=adopted.output,
        max_abs_gap=adopted.max_abs_gap,
        agreement=adopted.agreement,
        parity_images=adopted.parity_images,
        parity_source=adopted.parity_source,
        test_score=adopted.test_score,
        dataset=dataset or card.dataset.name,
        remarks=adopted.remarks,
    )


def _check_is_run(path: Path) -> None:
    """Raise EdgecnnError for a file that takes another command or a word more."""
    if path.suffix in INSTEAD and path.is_file():
        raise EdgecnnError(f"{path}: {INSTEAD[path.suffix]}")


def _exported_run(
    run_or_checkpoint: Path,
    output: str | Path | None,
    *,
    dataset: str | None,
    root: str | Path | None,
    calibrated: bool,
) -> Exported:
    from edgecnn import checkpoint as checkpoints

    checkpoint = checkpoints.read(run_or_checkpoint)
    task = cast(ExportingTask, TASKS.module(checkpoint.task))
    target = _target(output, _model_name(run_or_checkpoint))
    check_moved(checkpoint.dataset, dataset, str(run_or_checkpoint))
    with files.replacing(target) as partial, files.replacing(cards.beside(target)) as partial_card:
        proven = task.prove(checkpoint, run_or_checkpoint, dataset=dataset, root=root, calibrated=calibrated)
        card = replace(proven.card, name=_called(target, run_or_checkpoint), trained=run_of(run_or_checkpoint))
        onnx_file.write_with_card(proven.graph, card, partial)
        try:
            onnx_file.check(partial)
        except ParityError as error:
            raise ParityError(
                f"export {run_or_checkpoint}: {error} No file was written; please report it with the recipe."
            ) from error
        partial_card.write_bytes(card.to_json().encode())
    return _exported(target, proven, dataset or checkpoint.dataset.name)


def _exported(target: Path, proven: Proven, dataset: str) -> Exported:
    opset, ir_version = onnx_file.versions_of(target)
    return Exported(
        path=target,
        card_path=cards.beside(target),
        size_bytes=target.stat().st_size,
        sha256=files.sha256(target),
        opset=opset,
        ir_version=ir_version,
        parameters=proven.card.parameters,
        output=proven.output,
        max_abs_gap=proven.gap,
        agreement=proven.agreement,
        parity_images=proven.images,
        parity_source=proven.source,
        test_score=proven.card.score("test"),
        dataset=dataset,
        remarks=[],
    )


def _target(output: str | Path | None, name: str) -> Path:
    target = Path(output or f"{name}.onnx")
    if target.suffix != ".onnx":
        raise EdgecnnError(f"{target}: a model file ends in .onnx, as in -o {target.stem}.onnx")
    return target


def _module_name(model: "str | Path | nn.Module") -> str:
    """Return what a module's file is called: after its file, its name in a library, or its class."""
    if isinstance(model, (str, Path)):
        file, _, name = str(model).rpartition(":")
        return Path(file).stem if file.endswith(".py") else Path(name).stem if not file else name
    return type(model).__name__.lower()


def _model_name(run_or_checkpoint: Path) -> str:
    path = run_or_checkpoint.resolve()
    if path.is_dir():
        return path.name
    return path.parent.name if path.stem in ("best", "last") else path.stem


def _called(target: Path, run_or_checkpoint: Path) -> str:
    """Return the user's name for the model: that of its file, or of the run where the file is named after its form."""
    is_form = target.stem in zoo.FORMS and target.parent == Path()
    return _model_name(run_or_checkpoint) if is_form else zoo.title(target)
