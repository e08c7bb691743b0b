"""The whole path in one picture."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from edgecnn import data
from edgecnn.bench import BenchReport, bench
from edgecnn.report.summary import draw_confusion, draw_summary
from edgecnn.runtime.classifier import load
from edgecnn.train.run_folder import read_rows
from edgecnn.verify import Comparison, compare_files


@pytest.fixture(scope="module")
def comparison(run: Path, model: Path, data_root: Path) -> Comparison:
    return compare_files(run, model, root=data_root)


@pytest.fixture(scope="module")
def timings(model: Path) -> BenchReport:
    return bench([model], batches=(1,), threads=(1,), seconds=0.01)


def draw(
    target: Path,
    run: Path,
    model: Path,
    root: Path,
    comparison: Comparison,
    timings: BenchReport,
    *,
    samples: int,
    epochs: int,
) -> Path:
    test = data.read_split("digits", "test", root=root)
    images = test.images_nhwc[:samples]
    return draw_summary(
        target,
        title="a title",
        rows=read_rows(run)[:epochs],
        comparison=comparison,
        timings=timings,
        images_nhwc=images,
        truth=[test.names[label] for label in test.labels_n[:samples]],
        predictions=load(model).predict_batch(images),
    )


@pytest.mark.parametrize(("samples", "epochs"), [(10, 3), (2, 1), (1, 3)])
def test_picture_is_a_png(
    tmp_path: Path, run: Path, model: Path, data_root: Path, comparison: Comparison, timings: BenchReport,
    samples: int, epochs: int,
) -> None:  # fmt: skip
    target = tmp_path / "summary.png"
    assert draw(target, run, model, data_root, comparison, timings, samples=samples, epochs=epochs) == target
    with Image.open(target) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (1872, 1008))
        assert len(picture.convert("RGB").getcolors(10**6)) > 50
    assert list(tmp_path.iterdir()) == [target]


def test_confusion_shows_the_count_of_every_pair(comparison: Comparison) -> None:
    axes = Figure().subplots()
    draw_confusion(axes, comparison.candidate)
    counts = np.array(comparison.candidate.confusion)
    shown = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in axes.texts}
    assert shown == {(row, column): counts[row, column] for row, column in np.argwhere(counts)}
    assert sum(shown.values()) == 359


def test_confusion_is_shaded_by_the_root_of_the_share_of_the_true_class(comparison: Comparison) -> None:
    """So that a single mistake of a thousand images is seen."""
    axes = Figure().subplots()
    draw_confusion(axes, comparison.candidate)
    np.testing.assert_allclose((axes.images[0].get_array() ** 2).sum(axis=1), 1)


def test_confusion_names_the_labels(comparison: Comparison) -> None:
    axes = Figure().subplots()
    draw_confusion(axes, comparison.candidate)
    assert [label.get_text() for label in axes.get_yticklabels()] == list("0123456789")
