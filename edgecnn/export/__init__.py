"""From a checkpoint to one ONNX file that proves, before it gets its name, that it is still the same classifier.

uint8 pixels in, ``logits`` and ``probabilities`` out; preprocessing inside as standard operators; card and golden
images inside and beside; no external data, no trace of the builder's paths; the same bytes for the same checkpoint and
name.
"""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import card as cards
from edgecnn import data, files, golden, networks, onnx_file, zoo
from edgecnn.card import FINDER, Accuracy, Confidence, ModelCard, Parity
from edgecnn.contender import Classify, Contender, in_batches, open_contender
from edgecnn.data import Split
from edgecnn.errors import DataError, EdgecnnError, ParityError
from edgecnn.export import calibrate, finder
from edgecnn.export.appearance import of_training_images
from edgecnn.export.proof import Proven, public_recipe, run_of, trained_parameters
from edgecnn.export.trace import traced
from edgecnn.runtime.session import open_model
from edgecnn.verify.compare import check_labels, check_moved, read_for

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint

LOGIT_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Exported:
    """A finished file. ``max_abs_logit_gap`` and ``agreement`` are against PyTorch in float32 on ``parity_images``.

    ``dataset`` is what the next stages find the images by: the card has it without the folders that lead there.
    """

    path: Path
    card_path: Path
    size_bytes: int
    sha256: str
    opset: int
    ir_version: int
    parameters: int
    max_abs_logit_gap: float
    agreement: float
    parity_images: int
    parity_source: str
    test_accuracy: float | None
    dataset: str


@dataclass(frozen=True)
class _Answers:
    """Logits of both on the same images, with the labels where they are known.

    ``source`` goes into the file; ``remark`` says why it is no test split, and may name paths of this machine.
    """

    source: str
    remark: str
    original_nk: NDArray[np.float32]
    exported_nk: NDArray[np.float32]
    labels_n: NDArray[np.int64] | None


def export(
    run_or_checkpoint: str | Path,
    output: str | Path | None = None,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    calibrated: bool = False,
) -> Exported:
    """Export a run or checkpoint to ``output`` (default: named after the run, in the working directory).

    ``calibrated`` divides a classifier's logits by a temperature that is fitted on its validation split. Raises
    ParityError when the file does not answer as the original; then there is no file.
    """
    from edgecnn import checkpoint as checkpoints

    run_or_checkpoint = Path(run_or_checkpoint)
    checkpoint = checkpoints.read(run_or_checkpoint)
    target = Path(output or f"{_model_name(run_or_checkpoint)}.onnx")
    if target.suffix != ".onnx":
        raise EdgecnnError(f"{target}: a model file ends in .onnx, as in -o {target.stem}.onnx")
    is_finder = networks.kind(checkpoint.recipe.network.name) == FINDER
    if is_finder and (calibrated or dataset is not None):
        raise EdgecnnError(
            f"{run_or_checkpoint}: holds a finder, which has no probabilities to calibrate and is proven on a rendered "
            "page. Leave out --calibrate and --data."
        )
    check_moved(checkpoint.dataset, dataset, str(run_or_checkpoint))
    with files.replacing(target) as partial, files.replacing(cards.beside(target)) as partial_card:
        if is_finder:
            proven = finder.prove(checkpoint, root)
        else:
            original = open_contender(run_or_checkpoint)
            confidence = _confidence(original, dataset, root) if calibrated else None
            proven = _prove(checkpoint, original, dataset, root, confidence)
        card = replace(proven.card, name=_called(target, run_or_checkpoint), trained=run_of(run_or_checkpoint))
        onnx_file.write_with_card(proven.graph, card, partial)
        try:
            onnx_file.check(partial, card)
        except ParityError as error:
            raise ParityError(
                f"export {run_or_checkpoint}: {error} No file was written; please report it with the recipe."
            ) from error
        partial_card.write_bytes(card.to_json().encode())
    opset, ir_version = onnx_file.versions_of(target)
    return Exported(
        path=target,
        card_path=cards.beside(target),
        size_bytes=target.stat().st_size,
        sha256=files.sha256(target),
        opset=opset,
        ir_version=ir_version,
        parameters=proven.card.parameters,
        max_abs_logit_gap=proven.gap,
        agreement=proven.agreement,
        parity_images=proven.images,
        parity_source=proven.source,
        test_accuracy=proven.test_accuracy,
        dataset=dataset or checkpoint.dataset.name,
    )


def _confidence(original: Contender, dataset: str | None, root: str | Path | None) -> Confidence:
    validation = read_for(original.dataset, original.input.shape, "validation", dataset=dataset, root=root)
    return calibrate.fitted(original.logits(validation.images_nhwc), validation.labels_n)


def _prove(
    checkpoint: "Checkpoint",
    original: Contender,
    dataset: str | None,
    root: str | Path | None,
    confidence: Confidence | None,
) -> Proven:
    temperature = confidence.temperature if confidence else 1.0
    graph = _graph(checkpoint, temperature)
    answers = _answers(original, graph, checkpoint, dataset, root)
    answers = replace(answers, original_nk=answers.original_nk / np.float32(temperature))
    gap, agreement = check_parity(answers.original_nk, answers.exported_nk)
    images_nhwc = _golden_images(original, graph, checkpoint, dataset, root)
    return Proven(
        graph=graph,
        card=replace(
            _card(checkpoint, graph, answers, agreement, images_nhwc),
            confidence=confidence,
            appearance=of_training_images(checkpoint.dataset, checkpoint.input, dataset=dataset, root=root),
        ),
        gap=gap,
        agreement=agreement,
        images=len(answers.original_nk),
        source=answers.source + answers.remark,
        test_accuracy=_accuracy(answers),
    )


def check_parity(original_nk: NDArray[np.float32], exported_nk: NDArray[np.float32]) -> tuple[float, float]:
    """Return (largest |Δlogit|, share of equal top-1), or raise ParityError that shows the worst image.

    A different top-1 is let through only where the original's two best logits are closer than the tolerance.
    """
    gaps_n = np.abs(original_nk - exported_nk).max(axis=1)
    best_two = np.sort(original_nk, axis=1)[:, -2:]
    differs_n = original_nk.argmax(axis=1) != exported_nk.argmax(axis=1)
    broken_n = ~(gaps_n <= LOGIT_TOLERANCE) | (differs_n & (best_two[:, 1] - best_two[:, 0] >= LOGIT_TOLERANCE))
    if broken_n.any():
        worst = int(np.nan_to_num(gaps_n, nan=np.inf).argmax())
        raise ParityError(
            f"the exported graph does not answer as the original on {broken_n.sum()} of {len(gaps_n)} images; the "
            f"worst is image {worst} with a logit gap of {gaps_n[worst]:.3g} (allowed {LOGIT_TOLERANCE:g}).\n"
            f"  PyTorch:      {_row(original_nk[worst])}\n  ONNX Runtime: {_row(exported_nk[worst])}\n"
            "No file was written. An operator of the network is exported wrongly; please report it with the recipe."
        )
    return float(gaps_n.max()), float(1 - differs_n.mean())


def _graph(checkpoint: "Checkpoint", temperature: float) -> bytes:
    """Trace the network with its preprocessing and a softmax; the model bears no trace of this machine."""
    import torch

    class Deployed(torch.nn.Module):
        """The classifier with both of its outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.classifier = checkpoint.build()

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits_nk = self.classifier(image)
            if temperature != 1:
                logits_nk = logits_nk / temperature
            return logits_nk, torch.softmax(logits_nk, dim=1)

    model = traced(
        Deployed().eval(),
        checkpoint.golden_images_nhwc[:2],
        checkpoint.recipe.network.name,
        inputs=["image"],
        outputs=["logits", "probabilities"],
        dynamic={0: torch.export.Dim("N")},
    )
    graph: bytes = model.SerializeToString(deterministic=True)
    return graph


def _answers(
    original: Contender, graph: bytes, checkpoint: "Checkpoint", dataset: str | None, root: str | Path | None
) -> _Answers:
    """Run both on the test split, or on the golden images where the data set is not at hand."""
    exported = _classifying(graph)
    name = dataset or checkpoint.dataset.name
    try:
        split: Split = read_for(
            checkpoint.dataset,
            checkpoint.input.shape,
            "test",
            dataset=dataset,
            root=root,
            labels=checkpoint.labels,
        )
    except DataError as error:
        if dataset is not None:
            raise
        images, remark = original.golden_images_nhwc, f" ({str(error).splitlines()[0]})"
        source = "golden images, the data set is not at hand"
        return _Answers(source, remark, original.logits(images), exported(images), None)
    check_labels(original, split, name)
    images, source = split.images_nhwc, f"{data.public_name(name)} test split"
    return _Answers(source, "", original.logits(images), exported(images), split.labels_n)


def _classifying(graph: bytes) -> Classify:
    opened = open_model(graph)
    return lambda images_nhwc: in_batches(lambda part: opened.run(["logits"], {"image": part})[0], images_nhwc)


def _golden_images(
    original: Contender, graph: bytes, checkpoint: "Checkpoint", dataset: str | None, root: str | Path | None
) -> NDArray[np.uint8]:
    """Choose among the validation images, or keep the checkpoint's golden images where the data set is not at hand."""
    try:
        split = read_for(checkpoint.dataset, checkpoint.input.shape, "validation", dataset=dataset, root=root)
        check_labels(original, split, dataset or checkpoint.dataset.name)
    except DataError:
        return original.golden_images_nhwc
    return golden.of_split(_classifying(graph), split.images_nhwc, split.labels_n)


def _card(
    checkpoint: "Checkpoint", graph: bytes, answers: _Answers, agreement: float, golden_images_nhwc: NDArray[np.uint8]
) -> ModelCard:
    gap = float(np.abs(answers.original_nk - answers.exported_nk).max())
    dataset = data.public_name(checkpoint.dataset.name)
    images, accuracy = len(answers.original_nk), _accuracy(answers)
    validation = Accuracy("validation", checkpoint.dataset.validation, checkpoint.figures["accuracy"])
    return ModelCard(
        name=checkpoint.recipe.name,
        form="fp32",
        labels=list(checkpoint.labels),
        input=checkpoint.input,
        network=checkpoint.recipe.network.name,
        parameters=trained_parameters(checkpoint),
        dataset=cards.DatasetRecord(**{**asdict(checkpoint.dataset), "name": dataset}),
        recipe=public_recipe(checkpoint),
        metrics=[validation] + ([] if accuracy is None else [Accuracy("test", images, accuracy)]),
        parity=Parity(
            images=images,
            source=answers.source,
            tolerance=LOGIT_TOLERANCE,
            max_abs_logit_gap_below=_next_power_of_ten(gap),
            agreement=agreement,
        ),
        quantization=None,
        parent_sha256=None,
        versions=checkpoint.versions | onnx_file.runtime_versions(),
        golden=golden.measured(graph, golden_images_nhwc),
    )


def _accuracy(answers: _Answers) -> float | None:
    if answers.labels_n is None:
        return None
    return float((answers.exported_nk.argmax(axis=1) == answers.labels_n).mean())


def _model_name(run_or_checkpoint: Path) -> str:
    path = run_or_checkpoint.resolve()
    if path.is_dir():
        return path.name
    return path.parent.name if path.stem in ("best", "last") else path.stem


def _called(target: Path, run_or_checkpoint: Path) -> str:
    """Return the user's name for the model: that of its file, or of the run where the file is named after its form."""
    is_form = target.stem in zoo.FORMS and target.parent == Path()
    return _model_name(run_or_checkpoint) if is_form else zoo.title(target)


def _next_power_of_ten(gap: float) -> float:
    """Round up, so that a figure that differs in its last digits from machine to machine leaves the file the same."""
    return 10.0 ** math.ceil(math.log10(gap)) if gap > 0 else 0.0


def _row(values_k: NDArray[Any]) -> str:
    return " ".join(f"{value:.5g}" for value in values_k)
