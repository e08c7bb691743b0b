"""All digits of a picture in somebody else's application: onnxruntime, numpy and Pillow, no edgecnn.

python read_digits_without_edgecnn.py DETECTOR.onnx CLASSIFIER.onnx PICTURE

Prints label, probability and box (x, y, width, height) of each digit, the most confident detection first. The two
files are those of ``edgecnn list models --json``: digit-finder takes a gray frame of any size and cuts out what may be
a digit, digits-webcam names what was cut out, or says "none". What read_digits.py does beyond that is reading
order, and leaving out what was detected inside another digit.
"""

import json
import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import, or ONNX Runtime sends a record of its use away

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

MIN_SCORE, MIN_PROBABILITY, MIN_CONFIDENCE = 0.2, 0.5, 0.22  # as edgecnn webcam has them; the last is of both


def main(detector_path: str, classifier_path: str, picture: str) -> None:
    detector, classifier = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for path in (detector_path, classifier_path)
    )
    labels = json.loads(classifier.get_modelmeta().custom_metadata_map["edgecnn.card"])["labels"]
    frame = np.asarray(ImageOps.exif_transpose(Image.open(picture)).convert("L"))
    boxes, scores, crops = detector.run(["boxes", "scores", "crops"], {"frame": frame[None, ..., None]})
    likely = scores >= MIN_SCORE
    if not likely.any():
        return
    (probabilities,) = classifier.run(["probabilities"], {"image": crops[likely]})
    for box, score, row in zip(boxes[likely], scores[likely], probabilities, strict=True):
        is_sure = row.max() >= MIN_PROBABILITY and score * row.max() >= MIN_CONFIDENCE
        if labels[row.argmax()] != "none" and is_sure:
            print(f"{labels[row.argmax()]}  {row.max():.1%}  {' '.join(f'{side:.0f}' for side in box)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
