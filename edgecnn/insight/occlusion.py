"""On which part of an image an answer rests: a patch is moved over it, and the answer asked again (Zeiler and Fergus
2014)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.insight.activations import Probe
from edgecnn.insight.graph import PROBABILITIES, Network, Value

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # images_nhwc -> probabilities_nk
Progress = Callable[[int, int], None]

PATCHES_A_SIDE = 6  # how many patches side by side would cover the shorter side
BATCH = 64
SURE = 1e-7  # the log-odds of nearer to one than this are not told apart


@dataclass(frozen=True, eq=False)
class Occlusion:
    """``evidence_hw`` is by how much the log-odds of the class fall where a pixel is covered, in the mean over the
    patches that cover it: positive where the image speaks for the class. ``least`` is the lowest probability of all
    patches, ``patch`` and ``stride`` are pixels."""

    class_id: int
    probability: float
    least: float
    evidence_hw: NDArray[np.float32]
    patch: int
    stride: int


def classifier(network: Network, *, provider: str = "cpu", threads: int | None = None) -> Classify:
    """Return what answers images with probabilities: the file's own output of that name, or the softmax of its first,
    unless that sums to one."""
    value = Value(network.output, network.output)
    probe = Probe(network, [value], provider=provider, threads=threads)

    def answer(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = probe.joined(images_nhwc)[value.name].reshape(len(images_nhwc), -1)
        return found if network.output == PROBABILITIES else as_probabilities(found)

    return answer


def as_probabilities(answers_nk: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return answers that are probabilities as they are, others through a softmax."""
    if answers_nk.min() >= 0 and np.allclose(answers_nk.sum(axis=1), 1, atol=1e-3):
        return answers_nk
    raised_nk = np.exp(answers_nk - answers_nk.max(axis=1, keepdims=True))
    found: NDArray[np.float32] = raised_nk / raised_nk.sum(axis=1, keepdims=True)
    return found


def occlusion(
    classify: Classify,
    image_hwc: NDArray[np.uint8],
    class_id: int,
    *,
    progress: Progress = lambda done, of: None,
) -> Occlusion:
    """Cover the image patch by patch in its own median color, and say how the class fares."""
    height, width = image_hwc.shape[:2]
    patch = max(1, -(-min(height, width) // PATCHES_A_SIDE))
    stride = max(1, patch // 3)
    corners = [(top, left) for top in _starts(height, patch, stride) for left in _starts(width, patch, stride)]
    fill_c = np.median(image_hwc.reshape(-1, image_hwc.shape[2]), axis=0).astype(np.uint8)
    whole = float(classify(image_hwc[None])[0, class_id])
    left_n = np.empty(len(corners), np.float32)
    for start in range(0, len(corners), BATCH):
        part = corners[start : start + BATCH]
        covered = np.repeat(image_hwc[None], len(part), axis=0)
        for image, (top, left) in zip(covered, part, strict=True):
            image[top : top + patch, left : left + patch] = fill_c
        left_n[start : start + len(part)] = classify(covered)[:, class_id]
        progress(start + len(part), len(corners))
    falls_n = log_odds(np.float32(whole)) - log_odds(left_n)
    evidence_hw = _spread(falls_n, corners, patch, (height, width))
    return Occlusion(class_id, whole, float(left_n.min()), evidence_hw, patch, stride)


def log_odds(probabilities_n: NDArray[np.float32] | np.float32) -> NDArray[np.float64]:
    """Return log(p / (1 - p)), of what is next to none or one that of the nearest that is told apart."""
    kept = np.clip(np.asarray(probabilities_n, np.float64), SURE, 1 - SURE)
    found: NDArray[np.float64] = np.log(kept) - np.log1p(-kept)
    return found


def _starts(side: int, patch: int, stride: int) -> list[int]:
    """Return where patches begin, so that the last one ends with the image."""
    return sorted({*range(0, side - patch + 1, stride), side - patch})


def _spread(
    falls_n: NDArray[np.float64], corners: list[tuple[int, int]], patch: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    total_hw, count_hw = np.zeros(shape), np.zeros(shape)
    for fall, (top, left) in zip(falls_n, corners, strict=True):
        total_hw[top : top + patch, left : left + patch] += fall
        count_hw[top : top + patch, left : left + patch] += 1
    found: NDArray[np.float32] = (total_hw / count_hw).astype(np.float32)
    return found
