"""The zoo's files still answer as where they were made, are small enough, and their pages say what they say."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import edgecnn
from edgecnn import data, zoo
from edgecnn.card import ModelCard, beside
from edgecnn.contender import open_contender
from edgecnn.metadata import read_card
from edgecnn.recipes.read import check
from edgecnn.registry import FIGURES
from edgecnn.report import model_card
from edgecnn.report.model_card import FRONT
from edgecnn.runtime.detector import Detector
from edgecnn.runtime.load import load_model
from edgecnn.runtime.selftest import selftest
from edgecnn.verify.compare import read_for

ROOT = Path(__file__).resolve().parents[1] / "exported"
MODELS = zoo.models_in(ROOT)
NAMES = [model.name for model in MODELS]
FILES = [path for model in MODELS for path in model.forms.values()]
CLASSIFIERS = [path for path in FILES if read_card(path).task == "classification"]
IDS = [f"{path.parent.name}/{path.stem}" for path in FILES]
MODEL_FILES = {"fp32.onnx", "fp32.card.json", "preferred.onnx", "preferred.card.json"}


def test_has_these_models() -> None:
    assert NAMES == [
        "cifar10-fast",
        "cifar10-fast-narrow",
        "cifar10-finetuned",
        "cifar10-finetuned-128",
        "cifar100-1m",
        "cifar100-finetuned",
        "digit-finder",
        "digits-webcam",
        "fashion-mnist-best",
        "mnist-best",
        "mnist-c1",
        "mnist-compact",
        "mnist-small",
    ]


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_folder_has_its_evidence_and_nothing_else(model: zoo.ZooModel) -> None:
    found = {path.name for path in model.folder.iterdir()}
    pictures = {FRONT, *(f"{name}.png" for name in FIGURES.names())}
    assert found - MODEL_FILES - pictures == {"README.md", "bench.json", "verify.json"}


def test_no_file_is_over_25_mb_and_all_together_are_under_80() -> None:
    sizes = {path: path.stat().st_size for path in ROOT.rglob("*") if path.is_file()}
    assert [path for path, size in sizes.items() if size > 25_000_000] == []
    assert sum(sizes.values()) < 80_000_000


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_passes_its_selftest(path: Path) -> None:
    assert selftest(load_model(path)).passed


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_card_beside_is_the_card_inside(path: Path) -> None:
    assert ModelCard.read_beside(path).to_json() == load_model(path).card.to_json()


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_card_is_small(path: Path) -> None:
    card = read_card(path)
    two_images = 2 * np.prod(card.input.shape) * 4 / 3  # as base64, the fewest that a card has
    text = 11_000 + 20 * len(card.labels)  # of a mixed form, its layers in float are in it
    assert beside(path).stat().st_size <= text + max(30_000, two_images)


def test_int8_forms_are_safe_on_any_processor() -> None:
    for path in FILES:
        quantization = load_model(path).card.quantization
        assert quantization is None or (quantization.overflow and quantization.overflow.safe), path


def test_the_pages_are_up_to_date() -> None:
    for path, text in model_card.pages(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run make docs"


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_page_can_be_copied_from(model: zoo.ZooModel, capsys: pytest.CaptureFixture[str]) -> None:
    page = (model.folder / model_card.PAGE).read_text(encoding="utf-8")
    python, recipe = (re.search(rf"```{kind}\n(.*?)```", page, re.S) for kind in ("python", "toml"))
    assert python is not None
    assert recipe is not None
    exec(python[1], {})
    shown, opened = capsys.readouterr().out.split()[0], load_model(model.preferred)
    assert shown == "0" if isinstance(opened, Detector) else shown in opened.labels  # nothing is on an empty frame
    check(tomllib.loads(recipe[1]), "the page's recipe")


def is_the_set_of(card: ModelCard, root: Path) -> bool:
    """Tell whether a model was trained on as many images as there are: rendered crops are cut where a detector finds
    something, so that another processor may have a few more."""
    assert card.dataset is not None
    if card.dataset.name != "digit-crops":
        return True
    there = len(data.read_split(card.dataset.name, "train", root=root))
    return there == card.dataset.train + card.dataset.validation


@pytest.mark.realdata
@pytest.mark.timeout(1500)  # digit-crops are rendered first, in minutes
@pytest.mark.parametrize("path", CLASSIFIERS, ids=[f"{path.parent.name}/{path.stem}" for path in CLASSIFIERS])
def test_has_the_accuracy_that_its_card_claims(path: Path, real_data_root: Path) -> None:
    contender, card = open_contender(path), edgecnn.load(path).card
    assert card.metrics
    for metric in card.metrics:
        if metric.split == "validation" and not is_the_set_of(card, real_data_root):
            continue  # what was held out is another part of another set: some of it was trained on
        split = read_for(card.dataset, card.input.shape, metric.split, root=real_data_root)
        right = (contender.logits(split.images_nhwc).argmax(axis=1) == split.labels_n).mean()
        assert right == pytest.approx(metric.value, abs=2e-3)  # other processors' int8 kernels round differently
