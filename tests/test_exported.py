"""The zoo's files still answer as where they were made."""

from pathlib import Path

import pytest

import edgecnn
from edgecnn import zoo
from edgecnn.card import beside
from edgecnn.contender import open_contender
from edgecnn.runtime.selftest import selftest
from edgecnn.verify.compare import read_for

FILES = [path for model in zoo.models() for path in model.files]
IDS = [f"{path.parent.name}/{path.stem}" for path in FILES]


def test_has_these_models() -> None:
    assert [model.name for model in zoo.models()] == ["mnist-c1", "mnist-compact"]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_passes_its_selftest(path: Path) -> None:
    assert selftest(edgecnn.load(path)).passed


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_card_beside_is_the_card_inside(path: Path) -> None:
    assert beside(path).read_text(encoding="utf-8") == edgecnn.load(path).card.to_json()


@pytest.mark.realdata
@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_has_the_accuracy_that_its_card_claims(path: Path, real_data_root: Path) -> None:
    contender, card = open_contender(path), edgecnn.load(path).card
    assert card.metrics
    for metric in card.metrics:
        split = read_for(card.dataset, card.input.shape, metric.split, root=real_data_root)
        right = (contender.logits(split.images_nhwc).argmax(axis=1) == split.labels_n).mean()
        assert right == pytest.approx(metric.accuracy, abs=2e-3)  # other processors' int8 kernels round differently
