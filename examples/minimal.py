"""A model file in somebody else's application: onnxruntime and numpy, no edgecnn.

python minimal.py MODEL.onnx

Reads labels and golden images from the card in the file's metadata, runs them, and prints label and probability.
"""

import base64
import json
import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import, or ONNX Runtime sends a record of its use away

import numpy as np
import onnxruntime


def main(path: str) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    card = json.loads(session.get_modelmeta().custom_metadata_map["edgecnn.card"])
    golden = card["golden"]["images_nhwc"]
    images = np.frombuffer(base64.b64decode(golden["base64"]), np.uint8).reshape(golden["shape"])
    (probabilities,) = session.run(["probabilities"], {"image": images})
    for row in probabilities:
        print(f"{card['labels'][row.argmax()]}  {row.max():.1%}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python minimal.py MODEL.onnx")
    main(sys.argv[1])
