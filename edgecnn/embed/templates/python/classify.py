"""Classify pictures that have the model's size: python classify.py PICTURE.pgm...

The model takes raw pixels, uint8 0..255 in rows from the top left: no scaling, no normalization. Binary PGM (gray) and
PPM (RGB) files hold just that. In an application, call ``Classifier.probabilities`` with arrays of your own.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import, or ONNX Runtime sends a record of its use away

import numpy as np
import onnxruntime

FOLDER = Path(__file__).resolve().parent


class Classifier:
    """The model beside this file, with its labels and its input's (height, width, channels) from the card."""

    def __init__(self) -> None:
        self.card: dict[str, Any] = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
        self.labels: list[str] = self.card["labels"]
        self.shape = tuple(self.card["input"][key] for key in ("height", "width", "channels"))
        self._session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])

    def probabilities(self, images_nhwc: np.ndarray) -> np.ndarray:
        """Return float32 (N, labels) for uint8 (N, height, width, channels)."""
        result: np.ndarray = self._session.run(["probabilities"], {"image": images_nhwc})[0]
        return result


def read_picture(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """Read a binary PGM or PPM file of exactly the model's size."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SystemExit(f"{path}: cannot be read ({error.strerror})") from error
    kind, suffix = ("P5", "PGM") if shape[2] == 1 else ("P6", "PPM")
    header = re.match(rf"{kind}\s+{shape[1]}\s+{shape[0]}\s+255\s".encode(), content)
    if header is None or len(content) != header.end() + int(np.prod(shape)):
        raise SystemExit(f"{path}: expected a binary {suffix} of {shape[1]}x{shape[0]}, 0..255, without comments")
    return np.frombuffer(content, np.uint8, offset=header.end()).reshape(shape)


def main(paths: list[str]) -> None:
    """Print label and probability of each picture."""
    classifier = Classifier()
    for path in paths:
        row = classifier.probabilities(read_picture(path, classifier.shape)[None])[0]
        print(f"{path}: {classifier.labels[row.argmax()]}  {row.max():.1%}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
