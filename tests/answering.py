"""Made-up classifiers that answer what a test says, and splits of images that they know apart."""

from pathlib import Path

import numpy as np

from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.contender import ClassifierContender
from edgecnn.data import Split

LABELS = ("a", "b", "c")
SHAPE = ImageInput(1, 1, 1)
RECORD = DatasetRecord("made-up", 1, 1, 0)


def contender(name: str, answers: list[int], labels: tuple[str, ...] = LABELS) -> ClassifierContender:
    """A made-up classifier: the pixel of an image is its place in ``answers``."""
    logits_nk = np.eye(len(labels), dtype=np.float32)[answers]
    golden = np.zeros((1, *SHAPE.shape), np.uint8)
    return ClassifierContender(
        name, Path(name), "onnx", "fp32", labels, SHAPE, RECORD, golden, "", 1,
        answer=lambda images_nhwc: logits_nk[images_nhwc[:, 0, 0, 0]], size_bytes=1,
    )  # fmt: skip


def split_of(labels: list[int], names: tuple[str, ...] = LABELS) -> Split:
    return Split(np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1), np.array(labels), names)
