"""What speaks for the answer of a classifier on one image."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.card import ImageInput
from edgecnn.data import Split
from edgecnn.errors import DataError
from edgecnn.explain.opened import Opened, opened
from edgecnn.insight import embedding, layers
from edgecnn.insight.activations import Values, activations
from edgecnn.insight.features import features, nearest, similarities
from edgecnn.insight.graph import Layer
from edgecnn.insight.occlusion import Classify, Occlusion, classifier, occlusion
from edgecnn.registry import DATASETS
from edgecnn.runtime import appearance
from edgecnn.runtime.files import Ranked
from edgecnn.runtime.image import Frame, checked_frame, pixels_of, to_input
from edgecnn.verify.compare import read_for

NEIGHBORS = 8
MOST_OPERATIONS = 1.2e12  # multiply-accumulates of the training images that are compared: some seconds
FEWEST_COMPARED = 1_000

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Neighbor:
    """A training image that the network's features hold alike: the cosine of the angle is 1 for the same direction."""

    label: str
    similarity: float
    index: int
    image_hwc: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class GradCamMap:
    """Where the maps of the last convolution speak for the class, 0..1 (Selvaraju et al. 2017)."""

    layer: str
    map_hw: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One image and its answer. ``ranked`` has all classes, best first; the first is what the rest explains.

    ``compared`` says how many training images the neighbors were chosen from, ``grad_cam`` is there for runs and
    checkpoints, ``maps`` are what the ``layers`` hand on, and ``remarks`` say what is missing and why.
    """

    model: str
    image_hwc: NDArray[np.uint8]
    ranked: list[Ranked]
    occlusion: Occlusion
    grad_cam: GradCamMap | None
    neighbors: list[Neighbor]
    compared: int
    layers: tuple[Layer, ...]
    maps: Values
    remarks: list[str]

    @property
    def best(self) -> Ranked:
        """The answer."""
        return self.ranked[0]


def explain(
    model: str | Path,
    image: Frame,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    on_stage: Say = lambda stage: None,
) -> Explanation:
    """Explain what a model file, a model of the zoo, a run or a checkpoint answers on one image of any size.

    Example::

        import edgecnn
        import numpy as np

        explanation = edgecnn.explain("digits.onnx", np.zeros((28, 28), np.uint8))
        print(explanation.best.label, explanation.occlusion.least)

    The nearest training images are of the data set that the model was made for, where it is on this machine, or of
    ``dataset``. Raises ImageError for what is no picture, DataError for a data set of other labels, and what opening
    the model raises.
    """
    subject = opened(model)
    image_hwc, remarks = _prepared(subject, image)
    classify = classifier(subject.network)
    probabilities_k = classify(image_hwc[None])[0]
    subject = subject if subject.labels else replace(subject, labels=_numbered(len(probabilities_k)))
    order = np.argsort(-probabilities_k, kind="stable")
    ranked = [Ranked(subject.labels[place], int(place), float(probabilities_k[place])) for place in order]
    covered = _covered(classify, image_hwc, ranked[0], on_stage)
    on_stage("asking the layers for their maps")
    maps = {name: array[0] for name, array in activations(subject.network, image_hwc[None]).items()}
    neighbors, compared, remark = _neighbors(subject, image_hwc, dataset, root, on_stage)
    return Explanation(
        model=str(model),
        image_hwc=image_hwc,
        ranked=ranked,
        occlusion=covered,
        grad_cam=_grad_cam(subject, image_hwc, ranked[0].class_id),
        neighbors=neighbors,
        compared=compared,
        layers=subject.network.layers,
        maps=maps,
        remarks=[*remarks, *([remark] if remark else [])],
    )


def _prepared(subject: Opened, image: Frame) -> tuple[NDArray[np.uint8], list[str]]:
    """Return the image as the network takes it, and what is to be said of that."""
    wanted, card = ImageInput(*subject.network.input.image_shape), subject.network.card
    pixels = checked_frame(image) if isinstance(image, np.ndarray) else pixels_of(image)
    image_hwc = to_input(pixels, wanted)
    remarks = []
    if card is not None and card.appearance is not None:
        unlike = appearance.difference(image_hwc, card.appearance)
        remarks += [f"the picture is unlike those that the model was made for: {unlike}"] if unlike else []
    if subject.network.input.dtype != "uint8":
        remarks.append("the file does not say how its input is scaled: pixels were given to it as 0..1")
    return image_hwc, remarks


def _covered(classify: Classify, image_hwc: NDArray[np.uint8], best: Ranked, on_stage: Say) -> Occlusion:
    def show(done: int, of: int) -> None:
        on_stage(f"covering the image, patch {done:,} of {of:,}")

    return occlusion(classify, image_hwc, best.class_id, progress=show)


def _grad_cam(subject: Opened, image_hwc: NDArray[np.uint8], class_id: int) -> GradCamMap | None:
    if subject.checkpoint is None:
        return None
    from edgecnn.insight.gradients import grad_cam

    found = grad_cam(subject.checkpoint, image_hwc, class_id)
    return GradCamMap(found.layer, found.map_hw)


def _neighbors(
    subject: Opened, image_hwc: NDArray[np.uint8], dataset: str | None, root: str | Path | None, on_stage: Say
) -> tuple[list[Neighbor], int, str]:
    """Return the nearest training images, of how many, and why there are none where there are none."""
    missing = _missing(subject, dataset, root)
    if missing:
        return [], 0, missing
    train = _training_images(subject, dataset, root)
    macs = sum(row.macs or 0 for row in layers.table(subject.network))
    most = max(FEWEST_COMPARED, int(MOST_OPERATIONS / max(macs, 1)))
    places = embedding.chosen(train.labels_n, most)

    def show(done: int, of: int) -> None:
        on_stage(f"comparing with training images, {done:,} of {of:,}")

    features_nd = features(subject.network, train.images_nhwc[places], progress=show)
    (feature_d,) = features(subject.network, image_hwc[None])
    alike_n = similarities(features_nd, feature_d)
    found = [
        Neighbor(
            label=train.names[train.labels_n[places[place]]],
            similarity=float(alike_n[place]),
            index=int(places[place]),
            image_hwc=train.images_nhwc[places[place]],
        )
        for place in nearest(features_nd, feature_d, NEIGHBORS)
    ]
    return found, len(places), ""


def _training_images(subject: Opened, dataset: str | None, root: str | Path | None) -> Split:
    shape = subject.network.input.image_shape
    if subject.dataset is not None:
        return read_for(subject.dataset, shape, "train", dataset=dataset, root=root, labels=subject.labels)
    assert dataset is not None
    return data.read_split(dataset, "train", root=root, size=shape[:2], channels=shape[2])


def _missing(subject: Opened, dataset: str | None, root: str | Path | None) -> str:
    """Say why there are no training images, or nothing where there are; nothing is downloaded for this unasked."""
    if dataset is not None:
        return ""
    if subject.dataset is None:
        return "no nearest training images: the file does not say what it was trained on. Say so with --data."
    name = subject.dataset.name
    if not data.is_named(name):
        try:
            _training_images(subject, None, root)
        except DataError as error:
            return f"no nearest training images: {error}"
        return ""
    if name in DATASETS and data.is_here(name, data.data_root(root), ("train",)):
        return ""
    return (
        f"no nearest training images: {name} is not in the data root. Say where it is with --data-root, or fetch it "
        f"with --data {name}."
    )


def _numbered(classes: int) -> tuple[str, ...]:
    return tuple(f"class {place}" for place in range(classes))


def said(explanation: Explanation) -> str:
    """Say in a sentence what covering the image does."""
    found = explanation.occlusion
    return (
        f"a patch of {found.patch}x{found.patch} pixels that covers the image takes {explanation.best.label} from "
        f"{found.probability:.2%} to {found.least:.2%} at worst"
    )


@dataclass(frozen=True)
class Alike:
    """A training image that the network's features hold alike, by its place in the training part; ``similarity`` is the
    cosine of the angle between."""

    label: str
    similarity: float
    index: int


@dataclass(frozen=True)
class Explained:
    """What an explanation says in numbers. ``ranked`` has all classes, best first.

    ``evidence`` is by row and column of the image: by how much the log-odds of the best class fall where a patch of
    ``patch`` pixels a side covers it; ``least`` is the lowest probability that a patch leaves. ``grad_cam`` is 0..1,
    of runs and checkpoints alone, ``compared`` how many training images the nearest were chosen from, and ``remarks``
    say what is missing and why.
    """

    model: str
    picture: Path
    ranked: list[Ranked]
    patch: int
    least: float
    evidence: list[list[float]]
    grad_cam: list[list[float]] | None
    neighbors: list[Alike]
    compared: int
    layers: list[str]
    remarks: list[str]


def in_numbers(explanation: Explanation, picture: Path) -> Explained:
    """Return what is said of an explanation that was drawn as ``picture``."""
    covered, cam = explanation.occlusion, explanation.grad_cam
    return Explained(
        model=explanation.model,
        picture=picture,
        ranked=explanation.ranked,
        patch=covered.patch,
        least=covered.least,
        evidence=covered.evidence_hw.tolist(),
        grad_cam=None if cam is None else cam.map_hw.tolist(),
        neighbors=[Alike(one.label, one.similarity, one.index) for one in explanation.neighbors],
        compared=explanation.compared,
        layers=[layer.title for layer in explanation.layers],
        remarks=explanation.remarks,
    )
