"""A classifier's checkpoint as an exported model that was held to the logits of PyTorch on the whole test split."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn import card as cards
from edgecnn import data, golden
from edgecnn.card import TRAINED_FORM, Confidence, ModelCard, Parity, Quantization, Score
from edgecnn.contender import Answer, ClassifierContender, in_batches, open_classifier
from edgecnn.data import Split
from edgecnn.errors import DataError, ParityError
from edgecnn.export import calibrate
from edgecnn.export.appearance import of_training_images
from edgecnn.export.proven import Proven, public_recipe, trained_parameters
from edgecnn.export.trace import traced
from edgecnn.onnx_file import runtime_versions
from edgecnn.runtime.model import Model
from edgecnn.runtime.session import open_model
from edgecnn.saturation import prove
from edgecnn.verify.compare import check_labels, read_for

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint

LOGIT_TOLERANCE = 1e-4
ROUNDING = 2.0**-18  # of a logit's size: what float32 sums in another order may differ by
ROUNDED_TOLERANCE = 0.05  # of the logits' deviation, in int8
BATCHES = (1, 2, 7)


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


def proven(
    checkpoint: "Checkpoint", run: Path, *, dataset: str | None, root: str | Path | None, calibrated: bool
) -> Proven:
    """Return the model and its card. ``calibrated`` divides logits by a temperature that is fitted on the validation
    split. Raises ParityError where it does not answer as the original."""
    original = open_classifier(run)
    confidence = _confidence(original, dataset, root) if calibrated else None
    return _prove(checkpoint, original, dataset, root, confidence)


def check_batches(model: Model) -> None:
    """Raise ParityError unless a written file takes one image, two and more."""
    card = model.card
    for batch in BATCHES:
        images = np.resize(card.golden.images_nhwc, (batch, *card.input.shape))
        if model.answers(images)["probabilities"].shape != (batch, len(card.labels)):
            raise ParityError(f"the file does not take a batch of {batch}.")


def _confidence(original: ClassifierContender, dataset: str | None, root: str | Path | None) -> Confidence:
    validation = read_for(original.dataset, original.input.shape, "validation", dataset=dataset, root=root)
    return calibrate.fitted(original.logits(validation.images_nhwc), validation.labels_n)


def _prove(
    checkpoint: "Checkpoint",
    original: ClassifierContender,
    dataset: str | None,
    root: str | Path | None,
    confidence: Confidence | None,
) -> Proven:
    temperature = confidence.temperature if confidence else 1.0
    graph = deployed_graph(checkpoint, temperature)
    answers = _answers(original, graph, checkpoint, dataset, root)
    answers = replace(answers, original_nk=answers.original_nk / np.float32(temperature))
    check = check_rounded_parity if checkpoint.recipe.quantization else check_parity
    gap, agreement = check(answers.original_nk, answers.exported_nk)
    images_nhwc = _golden_images(original, graph, checkpoint, dataset, root)
    card = replace(
        _card(checkpoint, graph, answers, agreement, images_nhwc),
        confidence=confidence,
        appearance=of_training_images(checkpoint.dataset, checkpoint.input, dataset=dataset, root=root),
    )
    return Proven(
        graph=graph,
        card=card,
        output="logits",
        gap=gap,
        agreement=agreement,
        images=len(answers.original_nk),
        source=answers.source + answers.remark,
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
            f"No file was written. {_reason(float(gaps_n[worst]), float(np.abs(original_nk[worst]).max()))}"
        )
    return float(gaps_n.max()), float(1 - differs_n.mean())


def _reason(gap: float, largest: float) -> str:
    if gap <= ROUNDING * largest:
        return (
            f"Logits as large as {largest:.2g} are no finer than that in float32: the training diverged, or has hardly "
            "begun. Train for longer, or at a lower learning rate."
        )
    return "An operator of the network is exported wrongly; please report it with the recipe."


def check_rounded_parity(original_nk: NDArray[np.float32], exported_nk: NDArray[np.float32]) -> tuple[float, float]:
    """Return (largest |Δlogit|, share of equal top-1) of a file in int8 to the network that was trained with rounding,
    or raise ParityError. Where sums lie between two levels, which one they are rounded to depends on the kernel."""
    gaps_nk = original_nk - exported_nk
    spread, rms = float(original_nk.std()), float(np.sqrt(np.square(gaps_nk, dtype=np.float64).mean()))
    agreement = float((original_nk.argmax(axis=1) == exported_nk.argmax(axis=1)).mean())
    if not rms <= ROUNDED_TOLERANCE * spread:
        raise ParityError(
            f"the int8 graph does not answer as the network that was trained with rounding: over {len(gaps_nk)} images "
            f"logits differ by {rms:.3g} (root mean square; allowed {ROUNDED_TOLERANCE * spread:.3g}, "
            f"{ROUNDED_TOLERANCE:.0%} of their deviation), and {agreement:.2%} have the same best label. "
            "No file was written. Please report it with the recipe and this processor (edgecnn doctor)."
        )
    return float(np.abs(gaps_nk).max()), agreement


def deployed_graph(checkpoint: "Checkpoint", temperature: float = 1.0) -> bytes:
    """Trace the network with its preprocessing and a softmax; the model bears no trace of this machine."""
    import torch
    from torch.fx import GraphModule

    from edgecnn import qat

    class Deployed(torch.nn.Module):
        """The classifier with both of its outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.classifier = checkpoint.build()
            if checkpoint.recipe.quantization:
                self.classifier.network = qat.deployed(cast(GraphModule, self.classifier.network))

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
    original: ClassifierContender, graph: bytes, checkpoint: "Checkpoint", dataset: str | None, root: str | Path | None
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


def _classifying(graph: bytes) -> Answer:
    opened = open_model(graph)
    return lambda images_nhwc: in_batches(lambda part: opened.run(["logits"], {"image": part})[0], images_nhwc)


def _golden_images(
    original: ClassifierContender, graph: bytes, checkpoint: "Checkpoint", dataset: str | None, root: str | Path | None
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
    validation = Score("validation", checkpoint.dataset.validation, "accuracy", checkpoint.figures["accuracy"])
    rounded = checkpoint.recipe.quantization is not None
    tolerance = ROUNDED_TOLERANCE * float(answers.original_nk.std()) if rounded else LOGIT_TOLERANCE
    return ModelCard(
        name=checkpoint.recipe.name,
        form=TRAINED_FORM if rounded else "fp32",
        labels=list(checkpoint.labels),
        input=checkpoint.input,
        network=checkpoint.recipe.network.public().name,
        parameters=trained_parameters(checkpoint),
        dataset=cards.DatasetRecord(**{**asdict(checkpoint.dataset), "name": dataset}),
        recipe=public_recipe(checkpoint),
        metrics=[validation] + ([] if accuracy is None else [Score("test", images, "accuracy", accuracy)]),
        parity=Parity(
            images=images,
            source=answers.source,
            output="logits",
            tolerance=tolerance,
            max_abs_gap_below=_next_power_of_ten(gap),
            agreement=agreement,
        ),
        quantization=_quantization(graph) if rounded else None,
        parent_sha256=None,
        versions=checkpoint.versions | runtime_versions(),
        golden=golden.measured(graph, golden_images_nhwc),
    )


def _quantization(graph: bytes) -> Quantization:
    """Say how a network that was trained with rounding is int8, with the proof that its sums do not overflow."""
    return Quantization(TRAINED_FORM, calibration=None, measured=None, overflow=prove(graph).overflow)


def _accuracy(answers: _Answers) -> float | None:
    if answers.labels_n is None:
        return None
    return float((answers.exported_nk.argmax(axis=1) == answers.labels_n).mean())


def _next_power_of_ten(gap: float) -> float:
    """Round up, so that a figure that differs in its last digits from machine to machine leaves the file the same."""
    return 10.0 ** math.ceil(math.log10(gap)) if gap > 0 else 0.0


def _row(values_k: NDArray[Any]) -> str:
    return " ".join(f"{value:.5g}" for value in values_k)
