"""Pairs of images that are nearly the same: compressed anew, scaled a little, brighter or darker.

The measure is the correlation of two images' pixels, over all channels, each image less its mean (zero-mean normalized
cross-correlation, J. P. Lewis 1995, "Fast Normalized Cross-Correlation"): a change of brightness or contrast alone
counts for nothing. How near is near depends on the data: two handwritten ones correlate by 0.98, two photographs of
cars by 0.7. So a class has a limit of its own: its images' distances (1 less the correlation) to the nearest other are
looked at, and alike is what is nearer than ``SHARE`` of their median, within ``LOOSEST`` and ``STRICTEST``.

Not every pair is compared. Each image becomes a unit vector of at most ``SIDE`` x ``SIDE`` gray values; two vectors of
correlation c are sqrt(2 - 2c) apart, and their projections on principal components no further. A grid on the first
components, its cells as wide as that distance, leaves neighbors; a product of more components leaves candidates, and
their pixels decide. No pair of thumbnails within the limit is missed. Images without contrast are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from edgecnn import progress

SHARE = 0.15
LOOSEST, STRICTEST = 0.96, 0.995
SAMPLE = 256  # images of a class whose nearest is looked for
SIDE = 16
AXES, COMPONENTS = 3, 48  # of the grid, of the product
LEAST_DEVIATION = 4.0  # gray levels: what is flatter is noise when it is scaled
BLOCK = 2048  # images in a product
PAIRS_AT_ONCE = 4096
MOST_PAIRS = 200_000

Pairs = NDArray[np.int64]  # (P, 2), the smaller index first
Cell = tuple[int, ...]


@dataclass(frozen=True)
class Alike:
    """Pairs of images, the most alike first, with the correlation of their pixels; ``complete`` is False where the
    search ended at ``MOST_PAIRS``."""

    pairs: Pairs
    correlations: NDArray[np.float32]
    complete: bool


def alike(images_nhwc: NDArray[np.uint8], labels_n: NDArray[np.int64]) -> Alike:
    """Return the pairs whose thumbnails and pixels correlate as much as both their classes ask for."""
    vectors_nd, kept = _thumbnails(images_nhwc)
    if len(kept) < 2:
        return Alike(np.empty((0, 2), np.int64), np.empty(0, np.float32), True)
    limits_n = _limits(vectors_nd, labels_n[kept])
    found, count = [], 0
    for candidates in _candidates(vectors_nd, float(limits_n.min())):
        correlations = _correlations(images_nhwc, kept[candidates])
        good = correlations >= limits_n[candidates].max(axis=1)
        found.append((kept[candidates[good]], correlations[good]))
        count += int(good.sum())
        if count > MOST_PAIRS:
            break
    pairs = np.sort(np.concatenate([pairs for pairs, _ in found]), axis=1)
    correlations = np.concatenate([values for _, values in found])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -correlations))
    return Alike(pairs[order], correlations[order], count <= MOST_PAIRS)


def _thumbnails(images_nhwc: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return unit vectors of the images that have contrast, and which these are."""
    _, height, width, _ = images_nhwc.shape
    rows, columns = _means(height), _means(width)
    vectors = np.empty((len(images_nhwc), len(rows) * len(columns)), np.float32)
    for start in range(0, len(images_nhwc), BLOCK):
        gray_nhw = images_nhwc[start : start + BLOCK].mean(axis=3, dtype=np.float32)
        vectors[start : start + BLOCK] = (rows @ gray_nhw @ columns.T).reshape(len(gray_nhw), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1)
    kept = np.flatnonzero(lengths > LEAST_DEVIATION * np.sqrt(vectors.shape[1]))
    return vectors[kept] / lengths[kept, None], kept


def _means(size: int) -> NDArray[np.float32]:
    """Return the matrix that makes at most ``SIDE`` means of ``size`` values, edges shared out by what they cover."""
    count = min(size, SIDE)
    edges = np.linspace(0, size, count + 1)
    places = np.arange(size)
    covered = np.minimum(edges[1:, None], places + 1) - np.maximum(edges[:-1, None], places)
    return (covered.clip(0) * (count / size)).astype(np.float32)


def _limits(vectors_nd: NDArray[np.float32], labels_n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each image the correlation from which its class calls two images alike."""
    limits = np.full(len(labels_n), LOOSEST)
    for label in np.unique(labels_n):
        members = np.flatnonzero(labels_n == label)
        if len(members) > 1:
            limits[members] = np.clip(1 - SHARE * _distance_to_nearest(vectors_nd[members]), LOOSEST, STRICTEST)
    return limits


def _distance_to_nearest(vectors_nd: NDArray[np.float32]) -> float:
    """Return the median of 1 less the correlation with the nearest other."""
    sample = np.linspace(0, len(vectors_nd) - 1, min(SAMPLE, len(vectors_nd))).astype(np.int64)
    products = vectors_nd[sample] @ vectors_nd.T
    products[np.arange(len(sample)), sample] = -1
    return float(np.median(1 - products.max(axis=1)))


def _candidates(vectors_nd: NDArray[np.float32], least: float) -> Iterator[Pairs]:
    """Yield the pairs whose projections are near enough for their thumbnails to correlate by ``least``."""
    reach = float(np.sqrt(2 - 2 * least))
    projected = _projected(vectors_nd)
    cells, order = _grid(projected[:, :AXES], reach)
    for cell in progress.told(list(cells), len(vectors_nd)):
        mine = order[cells[cell]]
        around = np.concatenate([mine, *(order[cells[other]] for other in _ahead(cell) if other in cells)])
        for start in range(0, len(mine), BLOCK):
            ours = mine[start : start + BLOCK]
            for begin in range(start, len(around), BLOCK):
                yield _near(projected, ours, around[begin : begin + BLOCK], reach, inside=begin == start)


def _projected(vectors_nd: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the vectors to their principal components, and keep the first."""
    centered = vectors_nd - vectors_nd.mean(axis=0)
    _, axes = np.linalg.eigh((centered.T @ centered).astype(np.float64))
    return np.ascontiguousarray(centered @ axes[:, ::-1][:, :COMPONENTS].astype(np.float32))


def _grid(points_na: NDArray[np.float32], width: float) -> tuple[dict[Cell, slice], NDArray[np.int64]]:
    """Sort points into cells; return each cell's part of the order, and the order."""
    places = np.floor(points_na / width).astype(np.int64)
    order = np.lexsort(places.T)
    changes = np.flatnonzero(np.any(np.diff(places[order], axis=0), axis=1)) + 1
    bounds = [0, *changes.tolist(), len(order)]
    return {tuple(places[order[start]].tolist()): slice(start, end) for start, end in pairwise(bounds)}, order


def _ahead(cell: Cell) -> Iterator[Cell]:
    """Yield half of the cells around one, so that each two meet once."""
    for step in product((-1, 0, 1), repeat=len(cell)):
        if step > (0,) * len(cell):
            yield tuple(place + by for place, by in zip(cell, step, strict=True))


def _near(
    points_nd: NDArray[np.float32], ours: NDArray[np.int64], theirs: NDArray[np.int64], reach: float, *, inside: bool
) -> Pairs:
    """Return the pairs of two blocks that are within ``reach``; ``inside`` where the second begins with the first."""
    mine, others = points_nd[ours], points_nd[theirs]
    products = mine @ others.T - np.square(others).sum(axis=1) / 2
    least = (np.square(mine).sum(axis=1) - reach**2) / 2 - 1e-5  # |a - b| <= r, solved for the product
    first, second = np.nonzero(products >= least[:, None])
    kept = second > first if inside else np.ones(len(first), bool)
    return np.stack([ours[first[kept]], theirs[second[kept]]], axis=1)


def _correlations(images_nhwc: NDArray[np.uint8], pairs: Pairs) -> NDArray[np.float32]:
    """Return the correlation of each pair's pixels."""
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        first, second = (_unit(images_nhwc[part]) for part in pairs[start : start + PAIRS_AT_ONCE].T)
        found[start : start + PAIRS_AT_ONCE] = np.einsum("nd,nd->n", first, second)
    return found


def _unit(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = images_nhwc.reshape(len(images_nhwc), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True).clip(1e-6)
    return flat
