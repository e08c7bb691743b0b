"""Write what model files answer, by ONNX Runtime as any program would call it: answers.py OUT.npz IMAGES.npy MODEL …

Alone with numpy and onnxruntime, so that it runs on any processor, emulated ones too. OUT has an array for each output
of each model, ``0/logits``, ``0/probabilities`` …; a detector's outputs are joined, with ``0/counts`` for each image.
"""

import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
from numpy.typing import NDArray

BATCH = 50
OF_DETECTOR = ("boxes", "scores")


def answers(model: str, images_nhwc: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return the outputs for all images, a batch at a time; of a detector, an image at a time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0].name
    names, size = (OF_DETECTOR, 1) if taken == "frame" else (("logits",), BATCH)
    told = [session.run(list(names), {taken: images_nhwc[i : i + size]}) for i in range(0, len(images_nhwc), size)]
    found = {name: np.concatenate([parts[place] for parts in told]) for place, name in enumerate(names)}
    return found | ({"counts": np.array([len(parts[0]) for parts in told])} if taken == "frame" else {})


if __name__ == "__main__":
    target, images, *models = sys.argv[1:]
    images_nhwc = np.load(images)
    found = {
        f"{place}/{name}": array
        for place, model in enumerate(models)
        for name, array in answers(model, images_nhwc).items()
    }
    np.savez(target, **found)
