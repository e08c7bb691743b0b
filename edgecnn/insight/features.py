"""Features: what the network hands to its last layer with weights, by which it tells the classes apart."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import ModelError
from edgecnn.insight.activations import Probe
from edgecnn.insight.graph import Layer, Network

Progress = Callable[[int, int], None]  # images done, of how many


def last_layer(network: Network) -> Layer:
    """Return the last layer with weights. Raises ModelError where there is none."""
    for layer in reversed(network.layers):
        if layer.has_weights:
            return layer
    raise ModelError(f"{network.name}: no layer has weights, so it has no features. Expected a trained network.")


def features(
    network: Network, images_nhwc: NDArray[np.uint8], *, progress: Progress = lambda done, of: None
) -> NDArray[np.float32]:
    """Return features_nd of any number of images. Several views of an image are averaged, as their logits are; of maps
    that a last convolution takes, each is averaged."""
    layer = last_layer(network)
    probe = Probe(network, [layer.source])
    parts = []
    for place, values in probe.run(images_nhwc, mean_view):
        array = values[layer.source.name]
        is_map = array.ndim == 4 and "dense" not in layer.title
        parts.append(array.mean(axis=(2, 3)) if is_map else array.reshape(len(array), -1))
        progress(place.stop, len(images_nhwc))
    return np.concatenate(parts)


def mean_view(views_vn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep the mean over the views of an image."""
    found: NDArray[np.float32] = views_vn.mean(axis=0)
    return found


def nearest(features_nd: NDArray[np.float32], feature_d: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return which features point into the direction of one, the most similar (by cosine) first."""
    return np.argsort(-similarities(features_nd, feature_d), kind="stable")[:count]


def similarities(features_nd: NDArray[np.float32], feature_d: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines of the angles between features and one."""
    lengths_n = np.linalg.norm(features_nd, axis=1) * np.linalg.norm(feature_d)
    found: NDArray[np.float32] = features_nd @ feature_d / np.maximum(lengths_n, np.finfo(np.float32).tiny)
    return found
