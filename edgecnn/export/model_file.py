"""From a run to a model file that has its name only once it was proven."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from edgecnn import card as cards
from edgecnn import files, onnx_file, zoo
from edgecnn.card import Score
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.export.proven import Proven, run_of
from edgecnn.registry import TASKS
from edgecnn.verify.compare import check_moved

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint


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


def export(
    run_or_checkpoint: str | Path,
    output: str | Path | None = None,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    calibrated: bool = False,
) -> Exported:
    """Export a run or checkpoint to ``output`` (default: named after the run, in the working directory).

    Example::

        import edgecnn

        exported = edgecnn.export("runs/digits", "digits.onnx")
        print(exported.size_bytes, exported.max_abs_gap)

    ``calibrated`` divides a classifier's logits by a temperature that is fitted on its validation split. Raises
    ParityError when the file does not answer as the original; then there is no file.
    """
    from edgecnn import checkpoint as checkpoints

    run_or_checkpoint = Path(run_or_checkpoint)
    checkpoint = checkpoints.read(run_or_checkpoint)
    task = cast(ExportingTask, TASKS.module(checkpoint.task))
    target = Path(output or f"{_model_name(run_or_checkpoint)}.onnx")
    if target.suffix != ".onnx":
        raise EdgecnnError(f"{target}: a model file ends in .onnx, as in -o {target.stem}.onnx")
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
    )


def _model_name(run_or_checkpoint: Path) -> str:
    path = run_or_checkpoint.resolve()
    if path.is_dir():
        return path.name
    return path.parent.name if path.stem in ("best", "last") else path.stem


def _called(target: Path, run_or_checkpoint: Path) -> str:
    """Return the user's name for the model: that of its file, or of the run where the file is named after its form."""
    is_form = target.stem in zoo.FORMS and target.parent == Path()
    return _model_name(run_or_checkpoint) if is_form else zoo.title(target)
