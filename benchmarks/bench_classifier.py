"""A prediction through Classifier costs at most 10 µs more than the bare session.run on the same array."""

from pathlib import Path

import numpy as np
import pytest

import edgecnn


@pytest.fixture(scope="module")
def classifier(model: Path) -> edgecnn.Classifier:
    """One thread: what is compared is Python's share, not the scheduler's."""
    return edgecnn.load(model, threads=1)


@pytest.fixture(scope="module")
def frame(classifier: edgecnn.Classifier) -> np.ndarray:
    return np.ascontiguousarray(classifier.card.golden.images_nhwc[3])


@pytest.mark.benchmark(group="one image")
def test_bare_session_run(benchmark, classifier: edgecnn.Classifier, frame: np.ndarray) -> None:
    session, batch = classifier._session, frame[None]
    benchmark(lambda: session.run(["probabilities"], {"image": batch}))


@pytest.mark.benchmark(group="one image")
def test_classifier_predict(benchmark, classifier: edgecnn.Classifier, frame: np.ndarray) -> None:
    benchmark(lambda: classifier.predict(frame))


@pytest.mark.benchmark(group="a full-HD frame to 28x28 gray")
def test_reference_resize(benchmark, classifier: edgecnn.Classifier) -> None:
    from edgecnn.runtime.image import to_input

    picture = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    benchmark(lambda: to_input(picture, classifier.card.input))


@pytest.mark.benchmark(group="a full-HD frame to 28x28 gray")
def test_pillow_resize(benchmark) -> None:
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    side = picture[:, 420:1500]
    benchmark(lambda: np.asarray(Image.fromarray(side).convert("L").resize((28, 28), Image.Resampling.BILINEAR)))
