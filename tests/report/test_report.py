"""The report of a classifier: every number against scikit-learn, the page itself, and what is not shown."""

import csv
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from sklearn import metrics as sk

from edgecnn import read_card
from edgecnn.bench.figures import Ratio
from edgecnn.contender import open_classifier
from edgecnn.errors import EdgecnnError
from edgecnn.registry import FIGURES, TASKS
from edgecnn.report import Report, figure, report, verdict
from edgecnn.report.verdict import Reason
from edgecnn.verify.compare import read_for

pytestmark = pytest.mark.slow
CLOSE = 1e-4
EMPTY = {"curves": "There is no run", "flips": "There is no reference"}


@pytest.fixture(scope="session")
def answers(model: Path, data_root: Path):
    """True labels and probabilities of the test images, from the model file alone."""
    contender = open_classifier(model)
    split = read_for(contender.dataset, contender.input.shape, "test", root=data_root)
    logits_nk = contender.logits(split.images_nhwc).astype(np.float64)
    probabilities_nk = np.exp(logits_nk) / np.exp(logits_nk).sum(axis=1, keepdims=True)
    return split.labels_n, probabilities_nk


def rows(made: Path, name: str) -> list[dict[str, str]]:
    with (made / "report_files" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(made: Path, name: str, key: str) -> list[float]:
    return [float(row[key]) for row in rows(made, name)]


def test_the_confusion_matrix_is_scikit_learns(made: Path, answers) -> None:
    labels_n, probabilities_nk = answers
    found = [[int(row[str(label)]) for label in range(10)] for row in rows(made, "confusion")]
    assert found == sk.confusion_matrix(labels_n, probabilities_nk.argmax(axis=1)).tolist()


def test_the_classes_are_scikit_learns_and_the_worst_is_first(made: Path, answers) -> None:
    labels_n, probabilities_nk = answers
    expected = sk.precision_recall_fscore_support(labels_n, probabilities_nk.argmax(axis=1), zero_division=0)
    found = {row["class"]: row for row in rows(made, "classes")}
    for label in range(10):
        row = found[str(label)]
        values = [float(row[name]) for name in ("precision", "recall", "f1", "images")]
        assert np.allclose(values, [each[label] for each in expected], atol=CLOSE)
    assert column(made, "classes", "f1")[:-1] == sorted(column(made, "classes", "f1")[:-1])


@pytest.mark.parametrize(
    ("name", "key", "metric"),
    [("roc", "auc", sk.roc_auc_score), ("precision-recall", "average_precision", sk.average_precision_score)],
)
def test_areas_under_curves_are_scikit_learns(made: Path, answers, name: str, key: str, metric) -> None:
    labels_n, probabilities_nk = answers
    expected = [metric(labels_n == label, probabilities_nk[:, label]) for label in range(10)]
    assert np.allclose(column(made, name, key), [*expected, np.mean(expected)], atol=CLOSE)


def test_the_reliability_diagram_is_scikit_learns(made: Path, answers) -> None:
    from sklearn.calibration import calibration_curve

    labels_n, probabilities_nk = answers
    right_n, confidence_n = probabilities_nk.argmax(axis=1) == labels_n, probabilities_nk.max(axis=1)
    accuracy, confidence = calibration_curve(right_n, confidence_n, n_bins=15)
    assert np.allclose(column(made, "reliability", "accuracy"), accuracy, atol=CLOSE)
    assert np.allclose(column(made, "reliability", "mean_confidence"), confidence, atol=CLOSE)
    assert sum(column(made, "reliability", "images")) == len(labels_n)


def test_a_threshold_keeps_what_is_surer(made: Path, answers) -> None:
    labels_n, probabilities_nk = answers
    right_n, confidence_n = probabilities_nk.argmax(axis=1) == labels_n, probabilities_nk.max(axis=1)
    for row in rows(made, "coverage"):
        kept_n = confidence_n >= float(row["threshold"])
        assert float(row["coverage"]) == pytest.approx(kept_n.mean(), abs=CLOSE)
        assert float(row["accuracy"]) == pytest.approx(right_n[kept_n].mean(), abs=CLOSE)
        assert (int(row["rejected"]), int(row["wrong"])) == ((~kept_n).sum(), (~right_n[kept_n]).sum())


def test_the_worst_mistakes_are_wrong_and_the_surest(made: Path, answers) -> None:
    labels_n, probabilities_nk = answers
    wrong_n = np.flatnonzero(probabilities_nk.argmax(axis=1) != labels_n)
    expected = np.sort(probabilities_nk[wrong_n].max(axis=1))[::-1][:10]
    assert np.allclose(column(made, "mistakes", "probability"), expected, atol=CLOSE)
    for row in rows(made, "mistakes"):
        assert (int(row["true"]), int(row["said"])) == _said(answers, int(row["image"]))
        assert row["true"] != row["said"]


def test_the_extremes_are_the_surest_right_answers_and_the_least_sure(made: Path, answers) -> None:
    labels_n, probabilities_nk = answers
    confidence_n = probabilities_nk.max(axis=1)
    right_n = probabilities_nk.argmax(axis=1) == labels_n
    values = column(made, "extremes", "probability")
    assert np.allclose(values[:5], np.sort(confidence_n[right_n])[::-1][:5], atol=CLOSE)
    assert np.allclose(values[5:], np.sort(confidence_n)[:5], atol=CLOSE)


def test_what_flipped_is_what_the_two_answer_differently(
    made: Path, answers, static_model: Path, data_root: Path
) -> None:
    other = open_classifier(static_model)
    split = read_for(other.dataset, other.input.shape, "test", root=data_root)
    reference_n = other.logits(split.images_nhwc).argmax(axis=1)
    expected = np.flatnonzero(reference_n != answers[1].argmax(axis=1)).tolist()
    if expected:
        assert [int(row["image"]) for row in rows(made, "flips")] == expected
    else:
        assert "Nothing flipped" in (made / "report.html").read_text(encoding="utf-8")


def _said(answers, index: int) -> tuple[int, int]:
    return int(answers[0][index]), int(answers[1][index].argmax())


def test_learning_curves_are_the_runs_figures(made: Path, run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows(made, "curves")) == 2 * len(lines)
    assert {"loss", "accuracy", "precision", "recall", "f1"} <= rows(made, "curves")[0].keys()


def test_every_picture_is_there_as_pixels_and_as_drawing(made: Path) -> None:
    drawn = sorted(path.stem for path in (made / "report_files").glob("*.png"))
    assert drawn == sorted(path.stem for path in (made / "report_files").glob("*.svg"))
    assert {"confusion", "curves", "roc", "samples", "latency"} <= set(drawn)
    for name in drawn:
        pixels = imread(made / "report_files" / f"{name}.png")
        assert pixels.shape[1] > 600
        assert pixels[..., :3].std() > 0.02, "something is drawn"


class Page(HTMLParser):
    """What a page has: every tag with its attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_nothing_else_and_runs_nothing(made: Path) -> None:
    page = Page(made / "report.html")
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]
    images = [found for tag, found in page.tags if tag == "img"]
    assert images
    assert all(found["src"].startswith("data:image/") and len(found["alt"]) > 20 for found in images)


def test_every_link_of_the_page_leads_somewhere(made: Path) -> None:
    page = Page(made / "report.html")
    names = {found["id"] for _, found in page.tags if "id" in found}
    for tag, found in page.tags:
        if tag == "a":
            target = found["href"]
            assert target[1:] in names if target.startswith("#") else (made / target).is_file(), target


def test_names_that_others_chose_are_text(model: Path, data_root: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "<img src=x onerror=alert(1)>.onnx"
    hostile.write_bytes(model.read_bytes())
    report(hostile, None, tmp_path / "a.html", root=data_root, seconds=0, only=("reproduce",))
    assert "<img" not in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_what_cannot_be_shown_is_said_with_what_brings_it(model: Path, data_root: Path, tmp_path: Path) -> None:
    made = report(model, None, tmp_path / "a.html", root=data_root, seconds=0, only=tuple(EMPTY))
    assert {found.name: found.missing for found in made.figures if found.missing}.keys() == EMPTY.keys()
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert all(words in text for words in EMPTY.values())


def test_a_figure_that_fails_is_told_and_takes_no_other_with_it(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(subject: object) -> None:
        raise ZeroDivisionError("by <b>nothing</b>")

    monkeypatch.setattr(FIGURES.module("samples"), "draw", broken)
    made = report(model, None, tmp_path / "a.html", root=data_root, seconds=0, only=("card", "samples"))
    assert {found.name: found.failed for found in made.failed} == {"samples": "ZeroDivisionError: by <b>nothing</b>"}
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError: by &lt;b&gt;nothing&lt;/b&gt;" in text
    assert 'id="card"' in text


def test_without_its_images_a_model_still_has_a_report(model: Path, tmp_path: Path) -> None:
    made = report(model, None, tmp_path / "a.html", root=tmp_path, dataset="folder:nowhere", seconds=0)
    missing = {found.name for found in made.figures if found.missing}
    assert {"confusion", "roc", "samples"} <= missing
    assert {"card", "reproduce"}.isdisjoint(missing)
    assert made.verdict.answer == "with care"


@pytest.mark.parametrize(("named", "images"), [(False, 50), (True, 359)])
def test_a_parent_that_nobody_named_is_compared_on_fewer_images(
    named: bool, images: int, static_model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecnn.report.classified.LEAST", 50)
    monkeypatch.setattr("edgecnn.report.classified.COMPARED_MACS", 1)
    monkeypatch.setattr("edgecnn.report.making.parent_of", lambda model: str(static_model))
    made = report(
        static_model, static_model if named else None, tmp_path / "a.html", root=data_root, only=("flips",), seconds=0
    )
    (same,) = [reason.text for reason in made.verdict.reasons if reason.about == "the comparison with its reference"]
    assert "drops by 0.00 points (95 %: " in same
    assert f") on {images} images, " in same
    (flips,) = made.figures
    assert flips.caption.startswith("Nothing flipped")
    assert ("of the 359, drawn with seed 0" in flips.caption) == (not named)


def test_a_report_is_not_written_over_what_is_none(model: Path, data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "a_files").mkdir()
    (tmp_path / "a_files" / "thesis.doc").write_text("years of work")
    with pytest.raises(EdgecnnError, match=r"thesis\.doc: is in the way"):
        report(model, None, tmp_path / "a.html", root=data_root, only=("card",), seconds=0)
    assert [path.name for path in tmp_path.rglob("*")] == ["a_files", "thesis.doc"]


def test_a_second_report_replaces_the_first_whole(model: Path, data_root: Path, tmp_path: Path) -> None:
    for only in (("card", "samples"), ("card",)):
        report(model, None, tmp_path / "a.html", root=data_root, only=only, seconds=0)
    assert [path.name for path in (tmp_path / "a_files").iterdir()] == ["card.csv"]


@pytest.mark.parametrize(
    ("output", "only", "message"),
    [("a.pdf", (), r"a report ends in \.html"), ("a.html", ("confusoin",), "Did you mean 'confusion'")],
)
def test_misuse_is_told(model: Path, tmp_path: Path, output: str, only: tuple[str, ...], message: str) -> None:
    with pytest.raises(EdgecnnError, match=message):
        report(model, None, tmp_path / output, only=only)
    assert not list(tmp_path.iterdir())


def test_the_figures_of_a_task_are_found_in_the_order_of_the_page() -> None:
    assert FIGURES.names() == (
        "card", "classes", "confusion", "coverage", "curves", "detections", "extremes", "features", "flips", "kernels",
        "latency", "layers", "maps", "misses", "mistakes", "noise", "precision-recall", "reliability", "reproduce",
        "roc", "samples", "threshold", "weights",
    )  # fmt: skip
    for task in TASKS.names():
        places = [kind.place for kind in figure.kinds(task)]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("weights", "answer"),
    [(("for", "for"), "yes"), (("for", "open"), "with care"), (("open", "against", "for"), "no")],
)
def test_one_reason_against_is_enough_and_an_open_one_asks_for_care(weights, answer: str) -> None:
    assert verdict._answer([Reason("x", weight, "") for weight in weights]) == answer


def test_latency_is_judged_with_all_threads_and_one_image() -> None:
    ratios = [Ratio("a", "b", batch, threads, 1.0, (1.0, 1.0), "same") for batch in (1, 8) for threads in (1, 2)]
    assert (verdict.single(ratios).batch, verdict.single(ratios).threads) == (1, 2)


def test_a_report_says_which_model_and_how_it_was_asked_for(made: Path, model: Path) -> None:
    text = (made / "report.html").read_text(encoding="utf-8")
    assert f"<h1>{read_card(model).name}</h1>" in text or "<h1>run</h1>" in text
    assert "edgecnn report" in text


def test_a_report_is_said_in_full_as_a_document(model: Path, data_root: Path, tmp_path: Path) -> None:
    from edgecnn import documents

    made = report(model, None, tmp_path / "a.html", root=data_root, only=("card",), seconds=0)
    assert documents.from_json(Report, documents.to_json(made), "it") == made


def test_the_layer_table_is_that_of_the_file_and_its_shares_sum_to_one(made: Path, run: Path) -> None:
    from edgecnn import checkpoint

    layers = rows(made, "layers")
    weights = sum(parameter.numel() for parameter in checkpoint.read(run).build().network.parameters())
    folded = 8 + 8 + 16 + 16  # scales of norms
    assert sum(int(row["parameters"]) for row in layers) == weights - folded
    assert 0.9 < sum(column(made, "layers", "time_share")) <= 1 + CLOSE


def test_maps_are_those_of_forward_hooks(made: Path, run: Path, data_root: Path) -> None:
    """Every channel's mean of the image that is right, of each ReLU, in PyTorch."""
    import torch

    from edgecnn import checkpoint, data

    own = [row for row in rows(made, "maps") if row["file"] == str(run) and row["value"].startswith("relu")]
    place = int(own[0]["image"].partition("image ")[2].rstrip(")"))
    image_hwc = data.read_split("digits", "test", root=data_root).images_nhwc[place]
    network, given = checkpoint.read(run).build(), []
    for part in (one for one in network.modules() if isinstance(one, torch.nn.ReLU)):
        part.register_forward_hook(lambda part, taken, found: given.append(found[0].mean(dim=(1, 2)).numpy()))
    with torch.inference_mode():
        network(torch.from_numpy(image_hwc[None]))
    found = [float(row["mean"]) for row in own if row["image"] == own[0]["image"]]
    np.testing.assert_allclose(found, np.concatenate(given), atol=CLOSE)


def test_histograms_and_kernels_are_the_files_numbers(made: Path, run: Path, model: Path) -> None:
    from onnx import load, numpy_helper

    tensors = {one.name: numpy_helper.to_array(one) for one in load(model).graph.initializer}
    for row in rows(made, "kernels")[:500]:
        place = tuple(int(row[axis]) for axis in ("filter", "channel", "row", "column"))
        assert float(row["value"]) == pytest.approx(float(tensors[row["tensor"]][place]), rel=1e-6)
    first = [row for row in rows(made, "weights") if row["file"] == str(run) and row["part"] == "weights"]
    name = first[0]["tensor"]
    counts = [int(row["count"]) for row in first if row["tensor"] == name]
    bound = float(np.abs(tensors[name]).max())
    assert counts == np.histogram(tensors[name], bins=len(counts), range=(-bound, bound))[0].tolist()


def test_noise_is_that_of_the_two_answers(made: Path, model: Path, static_model: Path, data_root: Path) -> None:
    shown = read_for(read_card(model).dataset, (28, 28, 1), "test", root=data_root).images_nhwc[:64]
    ours, theirs = (open_classifier(path).logits(shown).astype(np.float64) for path in (model, static_model))
    page = (made / "report.html").read_text(encoding="utf-8")
    assert f"Signal to noise of {static_model} against " in page
    told = next(float(row["snr_db"]) for row in rows(made, "noise") if row["value"] == "logits")
    assert told == pytest.approx(10 * np.log10((ours**2).sum() / ((ours - theirs) ** 2).sum()), abs=0.01)


def test_neighbors_on_the_map_are_of_one_class(made: Path) -> None:
    points = np.array([[float(row["x"]), float(row["y"])] for row in rows(made, "features")])
    labels = np.array([row["class"] for row in rows(made, "features")])
    gaps = np.linalg.norm(points[:, None] - points, axis=2) + np.diag(np.full(len(points), np.inf))
    assert (labels[gaps.argmin(axis=1)] == labels).mean() > 0.6


# What the five reports show, the figure that has it here, and what its numbers are of.
SHOWN = {
    "learning curves": ("curves", {"epoch", "split", "loss", "accuracy", "precision", "recall", "f1"}),
    "ten samples with truth and prediction": ("samples", {"true", "said", "probability"}),
    "confident and unsure samples": ("extremes", {"group", "true", "said", "probability"}),
    "the ten worst mistakes": ("mistakes", {"true", "said", "probability"}),
    "confusion matrix": ("confusion", {"true", *map(str, range(10))}),
    "precision, recall, F1": ("classes", {"class", "precision", "recall", "f1"}),
    "ROC AUC": ("roc", {"class", "auc"}),
    "layer table": ("layers", {"layer", "type", "output", "parameters", "weight_bytes", "time_share"}),
    "kernels of each convolution": ("kernels", {"layer", "filter", "row", "column", "value"}),
    "feature maps of every layer": ("maps", {"image", "layer", "channel", "mean"}),
    "t-SNE of the features": ("features", {"image", "class", "x", "y"}),
    "histograms of weights and biases": ("weights", {"layer", "part", "from", "to", "count"}),
}


@pytest.mark.parametrize("what", SHOWN)
def test_every_picture_of_the_reports_is_in_a_report(made: Path, what: str) -> None:
    name, columns = SHOWN[what]
    found = rows(made, name)
    assert found
    assert columns <= found[0].keys()
    if name not in ("layers", "classes"):  # these are tables
        assert (made / "report_files" / f"{name}.svg").exists()
