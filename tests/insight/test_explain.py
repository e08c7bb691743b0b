"""Why a classifier answers so: of a file, of a run, of a file that is not ours, and with nothing to compare with."""

import re
from pathlib import Path

import numpy as np
import pytest
from foreign import exported
from PIL import Image

import edgecnn as package
from edgecnn import data
from edgecnn.explain import Explanation
from edgecnn.explain.picture import parts, write_picture
from edgecnn.insight import graph
from edgecnn.insight.features import features


@pytest.fixture(scope="module")
def digits(data_root: Path) -> data.Split:
    return data.read_split("digits", "test", root=data_root)


@pytest.fixture(scope="module")
def of_file(model: Path, digits, data_root: Path) -> Explanation:
    return package.explain(model, digits.images_nhwc[7], root=data_root)


@pytest.fixture(scope="module")
def of_run(run: Path, digits, data_root: Path) -> Explanation:
    return package.explain(run, digits.images_nhwc[7], root=data_root)


def test_classes_are_ranked_by_the_probabilities_of_the_file(of_file: Explanation, model: Path, digits) -> None:
    prediction = package.load(model).predict(digits.images_nhwc[7])
    assert [(one.class_id, one.probability) for one in of_file.ranked] == prediction.top(10)
    assert (of_file.best.label, of_file.occlusion.class_id) == (prediction.label, prediction.class_id)


def test_neighbors_are_training_images_with_the_nearest_features(
    of_file: Explanation, model: Path, digits, data_root
) -> None:
    from edgecnn.verify.compare import read_for

    network = graph.read(model)
    train = read_for(network.card.dataset, (28, 28, 1), "train", root=data_root)
    ours, theirs = features(network, digits.images_nhwc[7:8])[0], features(network, train.images_nhwc)
    cosines = theirs @ ours / np.linalg.norm(theirs, axis=1) / np.linalg.norm(ours)
    assert of_file.compared == len(train) == 700
    assert sorted(one.index for one in of_file.neighbors) == sorted(np.argsort(-cosines)[:8].tolist())
    assert [one.similarity for one in of_file.neighbors] == pytest.approx(np.sort(cosines)[::-1][:8].tolist(), abs=1e-5)
    np.testing.assert_array_equal(of_file.neighbors[0].image_hwc, train.images_nhwc[of_file.neighbors[0].index])


def test_a_run_is_explained_as_its_file_and_has_grad_cam(of_run: Explanation, of_file: Explanation) -> None:
    assert of_run.best.label == of_file.best.label
    assert of_run.best.probability == pytest.approx(of_file.best.probability, abs=1e-4)
    np.testing.assert_allclose(of_run.occlusion.evidence_hw, of_file.occlusion.evidence_hw, atol=1e-2)
    assert of_file.grad_cam is None
    assert of_run.grad_cam.map_hw.shape == (28, 28)


def test_a_network_of_somebody_else_has_classes_by_number(foreign, tmp_path: Path) -> None:
    made = foreign("lenet")
    found = package.explain(made.network.path, made.images_nhwc[0])
    assert found.best.label == f"class {found.best.class_id}"
    assert sum(one.probability for one in found.ranked) == pytest.approx(1, abs=1e-5)
    assert found.remarks == [
        "the file does not say how its input is scaled: pixels were given to it as 0..1",
        "no nearest training images: the file does not say what it was trained on. Say so with --data.",
    ]


def test_without_its_training_images_it_says_so_and_downloads_nothing(model: Path, digits, tmp_path: Path) -> None:
    found = package.explain(model, digits.images_nhwc[0], root=tmp_path / "empty")
    assert (found.neighbors, found.compared) == ([], 0)
    assert found.remarks[-1].startswith("no nearest training images: digits is not in the data root. Say where")
    assert not (tmp_path / "empty").exists()


def test_a_page_stands_alone_and_says_what_its_pictures_show(of_run: Explanation, tmp_path: Path) -> None:
    page = write_picture(of_run, tmp_path / "it.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("<section") == page.count("<h2") == page.count("<img") == len(parts(of_run)) == 3
    assert f"{of_run.best.label}, {of_run.best.probability:.1%}" in page
    assert all(len(alt) > 20 for alt in re.findall(r'alt="([^"]*)"', page))


def test_labels_of_others_are_text_on_the_page(of_file: Explanation, tmp_path: Path) -> None:
    from dataclasses import replace

    evil = [replace(one, label="<script>alert(1)</script>$x") for one in of_file.ranked]
    page = write_picture(replace(of_file, ranked=evil), tmp_path / "evil.html").read_text(encoding="utf-8")
    assert "<script" not in page


def test_a_picture_is_one_png(of_file: Explanation, tmp_path: Path) -> None:
    with Image.open(write_picture(of_file, tmp_path / "it.png")) as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
        assert picture.height > 1000


def test_a_convolution_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    from torch import nn

    exported(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)), tmp_path / "dense.onnx")
    found = package.explain(tmp_path / "dense.onnx", np.zeros((50, 40, 3), np.uint8))
    assert len(found.ranked) == 4
    write_picture(found, tmp_path / "dense.png")
