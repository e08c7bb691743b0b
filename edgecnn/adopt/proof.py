"""Is it still the same classifier? The adopted file against the original, on the same arrays, and in batches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn import golden, progress
from edgecnn.adopt.answers import Answers
from edgecnn.errors import ParityError

TOLERANCE = {"float": 1e-4, "double": 1e-4, "float16": 2e-2, "uint8": 1e-4}
BATCHES = (1, 2, 7)


@dataclass(frozen=True)
class Same:
    """The largest gap of ``output`` on so many images, and the share of them with the same top-1."""

    output: str
    images: int
    max_abs_gap: float
    agreement: float
    tolerance: float


def compared(
    graph: bytes, original_nk: NDArray[np.float32], images_nhwc: NDArray[np.uint8], answers: Answers, tolerance: float
) -> Same:
    """Compare what a serialized model answers to images with what the original answered.

    A gap is allowed that is within the tolerance, or within the same part of the largest logit. Raises ParityError.
    """
    expected_nk = original_nk.reshape(len(original_nk), -1)
    if answers.kind == "probabilities":
        expected_nk = expected_nk / expected_nk.sum(axis=1, keepdims=True)
    found_nk = answered(graph, images_nhwc, answers.kind)
    gaps_n = np.abs(expected_nk - found_nk).max(axis=1)
    allowed = tolerance * max(1.0, float(np.abs(expected_nk).max()) / 10)
    best_two = np.sort(expected_nk, axis=1)[:, -2:]
    differs_n = expected_nk.argmax(axis=1) != found_nk.argmax(axis=1)
    broken_n = ~(gaps_n <= allowed) | (differs_n & (best_two[:, 1] - best_two[:, 0] >= allowed))
    if broken_n.any():
        worst = int(np.nan_to_num(gaps_n, nan=np.inf).argmax())
        raise ParityError(
            f"the adopted graph does not answer as the original on {broken_n.sum()} of {len(gaps_n)} images; the worst "
            f"is image {worst} with a gap of {answers.kind} of {gaps_n[worst]:.3g} (allowed {allowed:g})."
        )
    return Same(answers.kind, len(gaps_n), float(gaps_n.max()), float(1 - differs_n.mean()), allowed)


def takes_batches(graph: bytes, images_nhwc: NDArray[np.uint8], tolerance: float) -> bool:
    """Tell whether a serialized model answers batches of any size as it answers their images one by one."""
    few_nhwc = images_nhwc[: max(BATCHES)]
    try:
        alone_nk = np.concatenate([answered(graph, image_hwc[None], "probabilities") for image_hwc in few_nhwc])
        for batch in BATCHES:
            together_nk = answered(graph, np.resize(few_nhwc, (batch, *few_nhwc.shape[1:])), "probabilities")
            if not np.allclose(together_nk, np.resize(alone_nk, (batch, alone_nk.shape[1])), atol=tolerance):
                return False
    except Exception:  # ONNX Runtime raises a family of its own; a graph that does not run is no graph for batches
        return False
    return True


def answered(graph: bytes, images_nhwc: NDArray[np.uint8], output: str, *, batch: int = 32) -> NDArray[np.float32]:
    """Return an output of a serialized model for images, computed exactly, as many at once as it takes."""
    session = golden.exact_session(graph, threads=1, optimized=True)
    size = session.get_inputs()[0].shape[0]
    step = size if isinstance(size, int) else batch
    parts = [images_nhwc[start : start + step] for start in range(0, len(images_nhwc), step)]
    told = progress.told(parts, len(images_nhwc))
    return np.concatenate([session.run([output], {"image": part})[0] for part in told])
