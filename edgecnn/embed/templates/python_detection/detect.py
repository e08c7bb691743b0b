"""Detect on gray pictures of any size: python detect.py PICTURE.pgm...

The model takes raw pixels, uint8 0..255 in rows from the top left: no scaling, no normalization. Binary PGM files hold
just that. In an application, call ``Detector.detect`` with arrays of your own.
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


class Detector:
    """The model beside this file, with the label of what it detects from the card."""

    def __init__(self) -> None:
        self.card: dict[str, Any] = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
        self.label: str = self.card["labels"][0]
        self._session = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])

    def detect(self, frame_hw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes float32 (M, 4), x, y, width, height in pixels, and scores (M,) of a gray frame uint8 (H, W)."""
        boxes_m4, scores_m = self._session.run(["boxes", "scores"], {"frame": frame_hw[None, ..., None]})
        return boxes_m4, scores_m


def read_picture(path: str) -> np.ndarray:
    """Read a binary PGM file as uint8 (H, W)."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SystemExit(f"{path}: cannot be read ({error.strerror})") from error
    header = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", content)
    width, height = (int(side) for side in header.groups()) if header else (0, 0)
    if header is None or width * height == 0 or len(content) != header.end() + width * height:
        raise SystemExit(f"{path}: expected a binary PGM, 0..255, without comments")
    return np.frombuffer(content, np.uint8, offset=header.end()).reshape(height, width)


def main(paths: list[str]) -> None:
    """Print label, score and box of each thing on each picture."""
    detector = Detector()
    for path in paths:
        for (x, y, width, height), score in zip(*detector.detect(read_picture(path)), strict=True):
            print(f"{path}: {detector.label}  {score:.1%}  {width:.1f}x{height:.1f} at {x:.1f}, {y:.1f}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
