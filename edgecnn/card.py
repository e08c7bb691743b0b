"""The model card: everything a model file has to say about itself, as one JSON document inside the file.

It travels in the ONNX ``metadata_props`` under ``edgecnn.card``, next to the keys that other tools look for (the ONNX
``Image.*`` keys and ``names``), and again as ``<model>.card.json`` beside the file for runtimes that cannot read
metadata. It holds a few golden images with the probabilities that the file gave for them, so that the file can test
itself wherever it lands. Nothing in it names the builder's machine or paths, but for the processors of the training
and of measurements.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import card_schema_1, documents, metrics
from edgecnn.documents import OPTIONAL
from edgecnn.errors import CardError, DocumentError
from edgecnn.text import excerpt

SCHEMA = 2
CARD_KEY = "edgecnn.card"
TRAINED_FORM = "int8-trained"  # what a training with rounding is exported to
CLASSIFICATION = "classification"  # the task of what says none
BATCH_DEPENDENT_BEFORE = "int8-dense"  # the form of that kind in cards that do not say so
LONGEST_SIDE = 65_535  # pixels, of a JPEG
PAIR_BOUND = 128  # two weights of one channel that sum to no more fit 16 bits with any activations: 255 * 128 < 32,768

_WHOLE_NUMBERS = re.compile(r"\[\n[\d,\s-]+\]")  # a list of them takes one line: strings hold no line breaks


@dataclass(frozen=True)
class ImageInput:
    """The input ``image``: uint8 (N, height, width, channels), 0..255, gray or RGB, nothing subtracted or scaled."""

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return (self.height, self.width, self.channels)

    def __str__(self) -> str:
        return f"{self.height}x{self.width} {'gray' if self.channels == 1 else 'RGB'}"


@dataclass(frozen=True)
class DatasetRecord:
    """What the model was trained on, enough to draw the same validation split again; or, with ``own_validation``, to
    read the one that the data set has of its own.

    Of an adopted model it is what the model is measured on; where nobody named that, it is ``UNKNOWN_DATASET``, which
    has no images.
    """

    name: str
    train: int
    validation: int
    split_seed: int
    subset: int | None = None
    groups: dict[str, list[str]] | None = None
    own_validation: bool | None = field(default=None, metadata=OPTIONAL)

    @property
    def is_known(self) -> bool:
        """Whether it names a data set."""
        return self.train > 0


UNKNOWN_DATASET = DatasetRecord("unknown", train=0, validation=0, split_seed=0)


@dataclass(frozen=True)
class Score:
    """One measured figure with what it was measured on: ``metric`` is its name, such as accuracy or f1."""

    split: str
    images: int
    metric: str
    value: float

    def __str__(self) -> str:
        return f"{metrics.digits(self.metric, self.value)} on {self.images:,} images of the {self.split} split"


@dataclass(frozen=True)
class Parity:
    """How the exported file was compared with the PyTorch original in float32 before it got its name, or an adopted one
    with the file that it was made of.

    ``output`` is what was compared; ``agreement`` is the share of images with the same top-1, where there is one.
    """

    images: int
    source: str
    output: str
    tolerance: float
    max_abs_gap_below: float
    agreement: float | None


@dataclass(frozen=True)
class Confidence:
    """Logits are divided by ``temperature``, which was fitted on so many validation images.

    The errors are the expected calibration error there before and after: how far probabilities are from frequencies.
    ``after_on`` says which images the latter was measured on; without it, on those that the temperature was fitted on.
    """

    temperature: float
    images: int
    error_before: float
    error_after: float
    after_on: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Calibration:
    """The training images whose activations set the ranges of a static form."""

    images: int
    seed: int
    indices: list[int]


@dataclass(frozen=True)
class Measured:
    """A quantized form against its parent: score on the validation split, median latency at batch 1.

    ``verdict`` is of the latency, ``drop_verdict`` (within, undecided, beyond) of the drop at ``max_drop_pp``. Whether
    the form is ``preferred`` holds for the processors of one ``family`` (``edgecnn.machine``), and for the ``provider``
    where another one than the processor's own kernels was asked for.
    """

    images: int
    drop_pp: float
    latency_ratio: float
    latency_ratio_ci95: list[float]
    verdict: str
    preferred: bool
    machine: str
    drop_pp_ci95: list[float] | None = field(default=None, metadata=OPTIONAL)
    max_drop_pp: float | None = field(default=None, metadata=OPTIONAL)
    drop_verdict: str | None = field(default=None, metadata=OPTIONAL)
    family: str | None = field(default=None, metadata=OPTIONAL)
    provider: str | None = field(default=None, metadata=OPTIONAL)

    @property
    def place(self) -> str:
        """Say on what it was measured."""
        return f"{self.machine} with {self.provider}" if self.provider else self.machine


@dataclass(frozen=True)
class Overflow:
    """Whether the int8 products fit 16 bits for any input, as the written graph shows (``edgecnn.saturation``).

    ``largest_pair_sum`` is that of the two largest weights of one sign in one output channel. Above ``bound``, x86
    processors without VNNI may saturate, and the answers are wrong there.
    """

    safe: bool
    largest_pair_sum: int
    bound: int = PAIR_BOUND


@dataclass(frozen=True)
class FloatLayer:
    """A layer that a mixed form leaves in float32; of a pyramid, at all its levels.

    ``snr_db`` is the ratio of signal to noise in what it hands on where all layers are integers, ``alone_db`` that at
    the end of the network where it alone is, both on training images and None where there is no noise. ``drop_pp`` is
    the drop on validation images once it and those before it in the list are in float.
    """

    name: str
    title: str
    snr_db: float | None
    alone_db: float | None
    drop_pp: float


@dataclass(frozen=True)
class Mixture:
    """Which of ``layers`` a mixed form leaves in float, in the order in which they were chosen.

    ``static_drop_pp`` is the drop on validation images with none of them in float.
    """

    layers: int
    static_drop_pp: float
    in_float: list[FloatLayer]


@dataclass(frozen=True)
class Quantization:
    """How a quantized form was made, and what it was worth where it was made, and on processors of other families.

    Files from before ``overflow`` was recorded may saturate. Where activations are ranged over a whole batch as they
    come, answers are ``batch_dependent``.
    """

    method: str
    calibration: Calibration | None
    measured: Measured | None
    overflow: Overflow | None = field(default=None, metadata=OPTIONAL)
    measured_elsewhere: list[Measured] | None = field(default=None, metadata=OPTIONAL)
    batch_dependent: bool | None = field(default=None, metadata=OPTIONAL)
    mixture: Mixture | None = field(default=None, metadata=OPTIONAL)

    def families(self) -> list[str]:
        """Return the families of processors that the form was measured on."""
        found = [self.measured, *(self.measured_elsewhere or [])]
        return [measured.family for measured in found if measured and measured.family and not measured.provider]


@dataclass(frozen=True)
class Power:
    """What the self-test is worth on this model: of so many ways to damage the file, those that cost half a point of
    accuracy on validation images, and how many of these the golden images notice."""

    damages: int
    harmful: int
    noticed: int
    images: int


@dataclass(frozen=True, eq=False)
class Golden:
    """A few images with the answers that this very file gave for them, one image at a time, by name of the output.

    Logarithms of probabilities are what is compared, as probabilities near one hide what happened to the rest:
    ``log_tolerance`` is allowed for any of them, ``rms_tolerance`` for their root mean square. Cards without the two
    allow ``tolerance`` for a probability.
    """

    images_nhwc: NDArray[np.uint8]
    answers: dict[str, NDArray[np.float32]]
    tolerance: float
    log_tolerance: float | None = field(default=None, metadata=OPTIONAL)
    rms_tolerance: float | None = field(default=None, metadata=OPTIONAL)
    power: Power | None = field(default=None, metadata=OPTIONAL)

    @property
    def probabilities_nk(self) -> NDArray[np.float32]:
        """A classifier's answers. Raises CardError where there are none."""
        if "probabilities" not in self.answers:
            raise CardError("the golden images have no probabilities, as a classifier's have. Export the model again.")
        return self.answers["probabilities"]


@dataclass(frozen=True)
class Trained:
    """The run that the weights are of: where and how it was trained. ``commit`` is that of a checkout."""

    processor: str
    threads: int
    device: str
    precision: str
    commit: str | None


@dataclass(frozen=True)
class Pixels:
    """What is done to pixels before a graph that was adopted: ``(pixel * scale - mean) / std``, by channel and in its
    order, which is blue, green, red where ``bgr``."""

    scale: float
    mean: list[float]
    std: list[float]
    bgr: bool


@dataclass(frozen=True)
class Adoption:
    """The file of others that a model was made of, and how it is used: ``preprocessing`` is what is done to pixels
    before it, ``pixels`` the same as numbers, ``answers`` what its output has.

    ``known`` says what was known of it without being said, and where from. ``foreign`` are the domains of operators
    that only some runtimes have.
    """

    file: str
    sha256: str
    producer: str
    opset: int
    ir_version: int
    input: str
    preprocessing: str
    answers: str
    known: dict[str, str]
    foreign: list[str]
    pixels: Pixels | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Spread:
    """How a figure of the training images spreads: all but the most unusual ones lie from ``low`` to ``high``."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Appearance:
    """What the images look like that a classifier learned from, by the measures of ``edgecnn/runtime/appearance.py``.

    ``background`` is the median gray level of an image's border, ``share`` the part of its pixels that stand out from
    that, ``reach`` how much of its side these span.
    """

    images: int
    background: Spread
    share: Spread
    reach: Spread


@dataclass(frozen=True)
class Tuning:
    """How a model is run on the processors of one ``family``, as ``edgecnn tune`` found it on ``machine``: the threads
    of a call on ``provider``, and whether they spin while they wait for the next one.

    ``latency_ratio`` is that over the default settings of the file that was tuned.
    """

    family: str
    machine: str
    provider: str
    threads: int
    spinning: bool
    latency_ratio: float
    latency_ratio_ci95: list[float]


@dataclass(frozen=True)
class ModelCard:
    """The document. ``form`` is fp32, or the name of a quantized form; ``task`` is what the model is for.

    A model that takes frames of any size has the ``input`` that it was trained on.
    """

    name: str
    form: str
    labels: list[str]
    input: ImageInput
    network: str
    parameters: int
    dataset: DatasetRecord
    recipe: dict[str, Any]
    metrics: list[Score]
    parity: Parity | None
    quantization: Quantization | None
    parent_sha256: str | None
    versions: dict[str, str]
    golden: Golden
    task: str = CLASSIFICATION
    confidence: Confidence | None = field(default=None, metadata=OPTIONAL)
    appearance: Appearance | None = field(default=None, metadata=OPTIONAL)
    trained: Trained | None = field(default=None, metadata=OPTIONAL)
    adopted: Adoption | None = field(default=None, metadata=OPTIONAL)
    tuned: list[Tuning] | None = field(default=None, metadata=OPTIONAL)
    schema: int = SCHEMA

    @property
    def batch_dependent(self) -> bool:
        """Whether activations are ranged over a whole batch, so that each image is to be answered alone."""
        said = self.quantization.batch_dependent if self.quantization else None
        return self.form == BATCH_DEPENDENT_BEFORE if said is None else said

    def to_json(self) -> str:
        """Return the document as JSON, the same text for the same card; the order of groups is that of the labels."""
        text = json.dumps(documents.encode(self, packed=True), indent=1, ensure_ascii=False, allow_nan=False)
        return _WHOLE_NUMBERS.sub(lambda found: " ".join(found.group().split()), text)

    @staticmethod
    def from_json(text: str | bytes, *, source: str) -> "ModelCard":
        """Read and check a card; ``source`` names the file in the CardError that anything amiss raises."""
        try:
            return ModelCard._of(documents.parse(text, f"{source}: the card"), source)
        except DocumentError as error:
            raise CardError(f"{error} Export the model again.") from error

    @staticmethod
    def _of(document: Any, source: str) -> "ModelCard":
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        if isinstance(found, bool) or found not in (1, SCHEMA):
            raise CardError(
                f"{source}: the card has schema {excerpt(repr(found))}, this edgecnn reads schema 1 and {SCHEMA}. "
                "Use the edgecnn that wrote it, or export the model again."
            )
        current = card_schema_1.upgraded(document) if found == 1 else document
        card = documents.decode(ModelCard, current, f"{source}: card")
        card._check(source)
        return card

    def _check(self, source: str) -> None:
        height, width, channels = self.input.shape
        if not (0 < height <= LONGEST_SIDE and 0 < width <= LONGEST_SIDE and channels in (1, 3)):
            raise CardError(
                f"{source}: its input is {height}x{width} with {channels} channels, expected sides of 1 to "
                f"{LONGEST_SIDE:,} pixels and 1 channel or 3. Export the model again."
            )
        golden = self.golden
        if (golden.log_tolerance is None) != (golden.rms_tolerance is None):
            raise CardError(
                f"{source}: its golden images have one of log_tolerance and rms_tolerance, expected both or none. "
                "Export the model again."
            )
        count = len(golden.images_nhwc) if golden.images_nhwc.ndim else 0
        shapes = {name: found.shape for name, found in golden.answers.items()}
        fits = shapes.get("probabilities", (count, len(self.labels))) == (count, len(self.labels))
        if not count or not shapes or golden.images_nhwc.shape != (count, *self.input.shape) or not fits:
            said = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "no answers"
            raise CardError(
                f"{source}: golden images {golden.images_nhwc.shape} with {excerpt(said)} do not fit input "
                f"{self.input} and {len(self.labels)} labels. Export the model again."
            )

    def score(self, split: str) -> Score | None:
        """Return the figure of a split, or None where it was not measured there."""
        return next((found for found in self.metrics if found.split == split), None)

    def metadata(self) -> dict[str, str]:
        """Return the ``metadata_props`` of a model file: the card and the keys that other tools look for."""
        return {
            CARD_KEY: self.to_json(),
            "names": repr(dict(enumerate(self.labels))),
            "Image.BitmapPixelFormat": "Gray8" if self.input.channels == 1 else "Rgb8",
            "Image.ColorSpaceGamma": "SRGB",
            "Image.NominalPixelRange": "NominalRange_0_255",
        }

    @staticmethod
    def read_beside(model: Path) -> "ModelCard":
        """Read the card beside a model file. Raises CardError."""
        path = beside(model)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CardError(f"{path}: cannot be read ({error.strerror}). Expected the card of {model.name}.") from error
        return ModelCard.from_json(content, source=str(path))

    @staticmethod
    def from_metadata(metadata: Mapping[str, str], *, source: str) -> "ModelCard":
        """Find the card in a file's metadata, or raise CardError."""
        if CARD_KEY not in metadata:
            raise CardError(
                f"{source}: no edgecnn card in its metadata (found {excerpt(', '.join(sorted(metadata)) or 'none')}; "
                f"expected {CARD_KEY}). Make a file of a run with edgecnn export, of a file of others with: "
                "edgecnn adopt FILE"
            )
        return ModelCard.from_json(metadata[CARD_KEY], source=source)


def beside(model: Path) -> Path:
    """Return where the card of a model file lies as plain JSON."""
    return model.with_name(f"{model.stem}.card.json")
