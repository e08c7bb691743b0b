"""Golden images: which ones a file carries, what it says of them, and how much of a difference it allows.

Chosen among validation images: an easy one of every class where there is room for as many again, and near the decision
boundaries, so that all classes are among the two best of some image. What is allowed is measured, not guessed: the
file's own answers under other kernels, threads and batches, times a margin.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn import progress
from edgecnn.card import Golden, Power
from edgecnn.contender import BATCH
from edgecnn.damage import damages
from edgecnn.runtime import engine
from edgecnn.runtime.selftest import LEAST_PROBABILITY, judged, log_gaps

ROOM_BYTES, PROBABILITY_BYTES = 30_000, 4  # of a card's 40 kB, for images and answers in base64
MOST, LEAST = 20, 2
POOL = 2_000  # validation images to choose from, at most
NEAREST = 10  # times as many images as are wanted are near enough to a boundary to be asked for their classes
SURE = 1.0  # an easy image's best class is so far ahead of the next, in logits: almost three times as probable

# What is allowed: so many times the variation measured here, and no less than these; of int8 so much of the deviation
# of an image's log-probabilities, as what a rounding moves grows with them. Over the zoo, float32 differed by up to
# 8e-6 on AVX2, SSE, OpenVINO and tract; int8 by 0.1 of the deviation, and by 0.02 in the mean, on runtimes that round
# in other places.
MARGIN = 3
LEAST_LOG, LEAST_RMS = 1e-3, 3e-4
LEAST_LOG_INT8, LEAST_RMS_INT8 = 0.2, 0.03
SILENT = 4  # ONNX Runtime's log severity for what ends the process
COSTLY_PP, DAMAGED_IMAGES, TIMED = 0.5, (500, 2_000), 50
PROBABILITY_TOLERANCE, PROBABILITY_TOLERANCE_INT8 = 1e-4, 0.05  # for those who read cards as they were at first


def room_for(pixels: int, classes: int) -> int:
    """Return how many images of so many bytes, with a probability of each class, a card has room for."""
    return max(LEAST, min(MOST, ROOM_BYTES * 3 // 4 // (pixels + classes * PROBABILITY_BYTES)))


def of_split(
    classify: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    images_nhwc: NDArray[np.uint8],
    labels_n: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Choose as many of a validation split's first images as a card has room for; ``classify`` gives their logits."""
    images_nhwc, labels_n = images_nhwc[:POOL], labels_n[:POOL]
    logits_nk = classify(images_nhwc)
    count = room_for(images_nhwc[0].size, logits_nk.shape[1])
    return images_nhwc[chosen(logits_nk, labels_n, count)]


def chosen(logits_nk: NDArray[np.float32], labels_n: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the places of ``count`` golden images among validation images, of which a model says ``logits_nk``.

    First an easy one of each class, in the order of the classes, where ``count`` is at least twice their number.
    """
    classes = logits_nk.shape[1]
    easy = _easy(logits_nk, labels_n) if count >= 2 * classes else []
    near = (index for index in _near_boundaries(logits_nk, count) if index not in easy)
    return np.array([*easy, *near][: min(count, len(logits_nk))], np.int64)


def _easy(logits_nk: NDArray[np.float32], labels_n: NDArray[np.int64]) -> list[int]:
    """Return of each class the first image that the model is right and sure about, or the one that comes nearest."""
    right_n = np.where(logits_nk.argmax(axis=1) == labels_n, _margins(logits_nk), -_margins(logits_nk)).clip(max=SURE)
    found = (np.flatnonzero(labels_n == label) for label in range(logits_nk.shape[1]))
    return [int(places[right_n[places].round(3).argmax()]) for places in found if len(places)]


def _near_boundaries(logits_nk: NDArray[np.float32], count: int) -> Iterator[int]:
    """Yield images by how close their two best classes are; of the nearest, those that bring a new class come first."""
    order = np.argsort(_margins(logits_nk).round(3), kind="stable")  # the same on machines that differ in last digits
    nearest = [int(index) for index in order[: NEAREST * count]]
    pairs_n2 = np.argsort(-logits_nk, axis=1, kind="stable")[:, :2]
    seen = set[int]()
    bringing = []
    while nearest:
        new = [len(set(pairs_n2[index].tolist()) - seen) for index in nearest]
        if not max(new):
            break
        bringing.append(nearest.pop(int(np.argmax(new))))
        seen |= set(pairs_n2[bringing[-1]].tolist())
    yield from bringing
    yield from (int(index) for index in order if int(index) not in bringing)


def _margins(logits_nk: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far the best logit of each image is ahead of the next; infinite where there is one class."""
    if logits_nk.shape[1] < 2:
        return np.full(len(logits_nk), np.inf, np.float32)
    best_n2 = np.sort(logits_nk, axis=1)[:, -2:]
    margins_n: NDArray[np.float32] = best_n2[:, 1] - best_n2[:, 0]
    return margins_n


def measured(graph: bytes, images_nhwc: NDArray[np.uint8]) -> Golden:
    """Return golden images with what a serialized classifier says of them, and what is allowed of any other answer.

    The variation is that on the images and on their mirror images: few of them are where a rounding differs.
    """
    wide_nhwc = np.concatenate([images_nhwc[:, ::down, ::across] for down in (1, -1) for across in (1, -1)])
    expected_nk = answers_alone(graph, wide_nhwc)
    gaps = [log_gaps(found_nk, expected_nk) for found_nk in variants(graph, wide_nhwc)]
    largest = max(float(gaps_nk.max()) for gaps_nk in gaps)
    mean = max(float(np.sqrt((gaps_nk**2).mean())) for gaps_nk in gaps)
    int8 = is_quantized(graph)
    return Golden(
        images_nhwc,
        {"probabilities": expected_nk[: len(images_nhwc)]},
        PROBABILITY_TOLERANCE_INT8 if int8 else PROBABILITY_TOLERANCE,
        *allowed(expected_nk[: len(images_nhwc)], largest, mean, int8=int8),
    )


def allowed(expected_nk: NDArray[np.float32], largest: float, mean: float, *, int8: bool) -> tuple[float, float]:
    """Return what is allowed of the largest gap and of the mean, where so much was measured."""
    deviation = _deviation(expected_nk)
    rounding = (LEAST_LOG_INT8 * deviation, LEAST_RMS_INT8 * deviation) if int8 else (0.0, 0.0)
    return (
        rounded_up(max(LEAST_LOG, rounding[0], MARGIN * largest)),
        rounded_up(max(LEAST_RMS, rounding[1], MARGIN * mean)),
    )


def _deviation(probabilities_nk: NDArray[np.float32]) -> float:
    """Return the root mean square distance of log-probabilities from the mean of their image; 0 of none."""
    if not len(probabilities_nk):
        return 0.0
    logarithms_nk = np.log(np.maximum(probabilities_nk.astype(np.float64), LEAST_PROBABILITY))
    return float(np.sqrt(((logarithms_nk - logarithms_nk.mean(axis=1, keepdims=True)) ** 2).mean()))


def variants(graph: bytes, images_nhwc: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities that a serialized classifier gives under other kernels, threads and batches.

    Without optimizations, a quantized graph is computed in float32 between its roundings: another exact runtime.
    """
    alone = [image_hwc[None] for image_hwc in images_nhwc]
    batches = alone if b"DynamicQuantizeLinear" in graph else [images_nhwc]  # ranges that depend on company
    yield answers(graph, batches)
    yield answers(graph, batches, threads=2)
    yield answers(graph, alone, optimized=False)


def power(
    graph: bytes, own: Golden, images_nhwc: NDArray[np.uint8], labels_n: NDArray[np.int64], *, seconds: float = 60
) -> Power:
    """Damage a serialized classifier in every way that ``damages`` has, and count what its golden images notice.

    As many validation images as ``seconds`` allow on this machine, 500 at least, tell which damages cost half a point.
    """
    model = onnx.load_model_from_string(graph)
    done = damages(model)
    count = _affordable(graph, images_nhwc, seconds / len(done))
    images_nhwc, labels_n = images_nhwc[:count], labels_n[:count]
    intact = _accuracy(graph, images_nhwc, labels_n)
    harmful = noticed = 0
    for damage in done:
        damaged = damage.done_to(model)
        if round(100 * (intact - _accuracy(damaged, images_nhwc, labels_n)), 6) >= COSTLY_PP:
            harmful += 1
            noticed += not judged(own, own.probabilities_nk, answers_alone(damaged, own.images_nhwc)).passed
    return Power(len(done), harmful, noticed, len(images_nhwc))


def _affordable(graph: bytes, images_nhwc: NDArray[np.uint8], seconds: float) -> int:
    """Return how many images a serialized model classifies in that time, within limits."""
    few = images_nhwc[:TIMED]
    answers(graph, [few])
    started = time.perf_counter()
    answers(graph, [few])
    return int(np.clip(len(few) * seconds / (time.perf_counter() - started), *DAMAGED_IMAGES))


def _accuracy(graph: bytes, images_nhwc: NDArray[np.uint8], labels_n: NDArray[np.int64]) -> float:
    batches = [images_nhwc[start : start + BATCH] for start in range(0, len(images_nhwc), BATCH)]
    return float((answers(graph, batches).argmax(axis=1) == labels_n).mean())


def is_quantized(graph: bytes) -> bool:
    """Tell whether a serialized model computes in integers somewhere."""
    operators = {node.op_type for node in onnx.load_model_from_string(graph).graph.node}
    return bool(operators & {"QuantizeLinear", "DynamicQuantizeLinear"})


def rounded_up(value: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 5, 7, 10, …: machines that differ in the last digits write the same card.

    >>> [rounded_up(value) for value in (0, 0.0011, 0.3, 0.51, 8)]
    [0.0, 0.0015, 0.3, 0.7, 10.0]
    """
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(step for step in (1, 1.5, 2, 3, 5, 7, 10) if value <= step * power * (1 + 1e-9)) * power:.6g}")


def answers_alone(graph: bytes, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities that a serialized classifier gives for images one at a time, as in use."""
    return answers(graph, [image_hwc[None] for image_hwc in images_nhwc])


def answers(
    graph: bytes, batches: list[NDArray[np.uint8]], *, threads: int = 1, optimized: bool = True
) -> NDArray[np.float32]:
    """Return the probabilities that a serialized classifier gives for batches of images, computed exactly."""
    session = exact_session(graph, threads=threads, optimized=optimized)
    if session.get_inputs()[0].shape[0] == 1:  # a graph that takes no more at once
        batches = [image_hwc[None] for images in batches for image_hwc in images]
    return np.concatenate([session.run(["probabilities"], {"image": images})[0] for images in progress.told(batches)])


def exact_session(graph: bytes, *, threads: int, optimized: bool) -> Any:
    """Open a model to be computed exactly, on processors as well whose int8 kernels saturate."""
    ort = engine.onnxruntime()

    def opened(**settings: str) -> Any:
        options = ort.SessionOptions()
        options.log_severity_level = SILENT
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        for key, value in settings.items():
            options.add_session_config_entry(f"session.{key}", value)
        if not optimized:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    try:
        return opened(x64quantprecision="1")
    except Exception:  # ONNX Runtime's rewriting fails on graphs whose layers share weights, as a pyramid's do
        return opened()
