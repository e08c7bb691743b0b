"""Features on a map: t-SNE (van der Maaten and Hinton 2008), which puts what is alike side by side.

Distances between groups, and their sizes, mean nothing in it: who is whose neighbor is what it keeps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.split import stratified

MOST_POINTS = 2_000
COMPONENTS = 50  # of the principal components analysis that comes first, as the authors advise
PERPLEXITY = 30.0
FEWEST = 5


@dataclass(frozen=True, eq=False)
class Embedding:
    """Points of images: ``indices_n`` says which. The same features and seed give the same points."""

    points_n2: NDArray[np.float32]
    indices_n: NDArray[np.int64]
    perplexity: float
    seed: int


def chosen(labels_n: NDArray[np.int64], most: int = MOST_POINTS, seed: int = 0) -> NDArray[np.int64]:
    """Return which images to show: all, or so many of them, each class in its share."""
    if len(labels_n) <= most:
        return np.arange(len(labels_n))
    return stratified(labels_n, most, seed)[1]


def embed(features_nd: NDArray[np.float32], indices_n: NDArray[np.int64], *, seed: int = 0) -> Embedding:
    """Lay out the features of the images ``indices_n``, at least five."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count, width = features_nd.shape
    if count < FEWEST:
        raise ValueError(f"{count} images are too few for a map, expected at least {FEWEST}")
    reduced = features_nd
    if width > COMPONENTS:
        reduced = PCA(min(COMPONENTS, count), svd_solver="full").fit_transform(features_nd)
    perplexity = min(PERPLEXITY, (count - 1) / 3)
    start = "pca" if reduced.std(axis=0).max() > 0 else "random"
    points_n2 = TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(reduced)
    return Embedding(points_n2.astype(np.float32), indices_n, perplexity, seed)
