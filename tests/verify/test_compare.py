"""Two classifiers on the same images: what is counted, what is refused, and the verdict."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from answering import LABELS, contender, split_of
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from PIL import Image
from sklearn import metrics as sklearn_metrics

from edgecnn import checkpoint, data, documents, onnx_file
from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.data import Split
from edgecnn.errors import DataError, ModelError
from edgecnn.runtime.classifier import load
from edgecnn.verify import Comparison, compare_files
from edgecnn.verify.compare import compare, read_for
from edgecnn.verify.scores import Flip, FlipCounts
from edgecnn.verify.shown import MOST_FLIPS


def compared(truth: list[int], reference: list[int], candidate: list[int], *, max_drop_pp: float = 0.5) -> Comparison:
    pair = contender("reference", reference), contender("candidate", candidate)
    return compare(*pair, split_of(truth), dataset="made-up", split_name="test", max_drop_pp=max_drop_pp)


@pytest.fixture(scope="module")
def biased(once, model: Path, data_root: Path) -> Path:
    """The model with the bias of its last dense layer changed, so that everything is the rarest digit."""
    rarest = int(np.bincount(data.read_split("digits", "test", root=data_root).labels_n).argmin())

    def build(path: Path) -> None:
        changed = onnx.load(model)
        last = next(node for node in changed.graph.node if node.op_type == "Gemm")
        bias = next(tensor for tensor in changed.graph.initializer if tensor.name == last.input[2])
        values = numpy_helper.to_array(bias).copy()
        values[rarest] += 1000
        bias.CopyFrom(numpy_helper.from_array(values, bias.name))
        onnx_file.write_with_card(changed.SerializeToString(), load(model).card, path)

    return once("biased.onnx", build)


@pytest.fixture(scope="module")
def worse(model: Path, biased: Path, data_root: Path) -> Comparison:
    return compare_files(model, biased, root=data_root, max_drop_pp=0.0)


# Made up


def test_counts_accuracies_and_drop() -> None:
    found = compared([0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [0, 1, 1, 1, 0])
    assert (found.reference.accuracy, found.candidate.accuracy) == (1, 0.6)
    assert found.drop_pp == pytest.approx(40)
    assert (found.agreement, found.images) == (0.6, 5)


def test_flips_name_the_image_its_label_and_both_answers() -> None:
    found = compared([0, 0, 1, 2], [0, 1, 1, 2], [0, 0, 1, 1])
    assert found.flips == [Flip(1, "a", "b", "a"), Flip(3, "c", "c", "b")]


def test_confusion_is_by_true_then_predicted_class() -> None:
    found = compared([0, 0, 0, 1, 2], [0, 1, 1, 1, 0], [0, 0, 0, 1, 2])
    assert found.reference.confusion == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]


def test_better_candidate_has_a_negative_drop() -> None:
    found = compared([0, 1, 2, 0], [0, 1, 2, 1], [0, 1, 2, 0])
    assert found.drop_pp == -25
    assert found.drop_pp_ci95[0] < -25 < found.drop_pp_ci95[1]


def with_lost(n: int, lost: int, *, max_drop_pp: float) -> Comparison:
    """A candidate that gets ``lost`` of n images wrong, where the reference gets all right."""
    places = np.arange(n)
    pair = (
        replace(contender("reference", [0]), answer=lambda images: np.eye(3, dtype=np.float32)[images[:, 0, 0, 0] * 0]),
        replace(contender("candidate", [0]), answer=lambda images: np.eye(3, dtype=np.float32)[images[:, 0, 0, 0]]),
    )
    split = Split((places < lost).astype(np.uint8).reshape(-1, 1, 1, 1), np.zeros(n, int), LABELS)
    return compare(*pair, split, dataset="made-up", split_name="test", max_drop_pp=max_drop_pp)


@given(st.integers(1, 200), st.integers(0, 200), st.floats(-1, 100))
def test_verdict_is_about_the_interval_and_not_the_drop(n: int, lost: int, limit: float) -> None:
    found = with_lost(n, min(lost, n), max_drop_pp=limit)
    low, high = found.drop_pp_ci95
    expected = "within" if high <= limit else "beyond" if low > limit else "undecided"
    assert (found.verdict, found.passed) == (expected, expected == "within")


@pytest.mark.parametrize(
    ("n", "lost", "limit", "verdict", "needed"),
    [
        (359, 0, 2, "within", None),
        (359, 0, 0.5, "undecided", 1534),
        (359, 4, 2, "undecided", 1878),
        (359, 30, 2, "beyond", None),
        (10_000, 10, 0.5, "within", None),
        (1_000, 5, 0.5, "undecided", None),  # the drop is what is allowed: no number of images would tell
        (1, 0, 50, "undecided", 14),
    ],
)
def test_verdict_says_how_many_images_would_decide(
    n: int, lost: int, limit: float, verdict: str, needed: int | None
) -> None:
    found = with_lost(n, lost, max_drop_pp=limit)
    assert (found.verdict, found.images_needed) == (verdict, needed)


def test_flips_are_counted_by_what_they_do() -> None:
    found = compared([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], [0, 0, 1, 1, 1])
    assert [flip.effect for flip in found.flips] == ["beneficial", "harmful", "neutral"]
    assert found.flip_counts == FlipCounts(harmful=1, beneficial=1, neutral=1)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60))
def test_swapping_the_two_swaps_harm_and_benefit_and_mirrors_the_drop(images: list[tuple[int, int, int]]) -> None:
    truth, reference, candidate = (list(column) for column in zip(*images, strict=True))
    one, other = compared(truth, reference, candidate), compared(truth, candidate, reference)
    assert one.flip_counts == FlipCounts(*[getattr(other.flip_counts, n) for n in ("beneficial", "harmful", "neutral")])
    low, high = one.drop_pp_ci95
    assert (one.drop_pp, low, high) == pytest.approx(tuple(-end for end in (other.drop_pp, *other.drop_pp_ci95[::-1])))


def test_harmful_flips_are_shown_before_others() -> None:
    n = MOST_FLIPS + 2
    found = compared([0] * n, [1] * (n - 1) + [0], [0] * (n - 1) + [1])
    shown = found.tables()[-1]
    assert shown.title.startswith(f"{n} images flipped: 1 harmful (8.33%), {n - 1} beneficial (91.67%); the first 10")
    assert [row[-1] for row in shown.rows] == ["harmful"] + ["beneficial"] * (MOST_FLIPS - 1)


def test_what_was_written_without_counts_has_them_from_its_flips() -> None:
    found = compared([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], [0, 0, 1, 1, 1])
    written = {key: value for key, value in documents.encode(found).items() if key not in ("flip_counts", "error_rate")}
    assert documents.decode(Comparison, written, "verify.json") == found


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60))
def test_figures_agree_with_each_other(images: list[tuple[int, int, int]]) -> None:
    truth, reference, candidate = (list(column) for column in zip(*images, strict=True))
    found = compared(truth, reference, candidate)
    assert len(found.flips) == round((1 - found.agreement) * len(truth))
    assert found.drop_pp == pytest.approx((found.reference.accuracy - found.candidate.accuracy) * 100)
    assert sum(map(sum, found.candidate.confusion)) == len(truth)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_scores_are_those_of_scikit_learn(images: list[tuple[int, int]]) -> None:
    truth, answers = (list(column) for column in zip(*images, strict=True))
    found = compared(truth, answers, answers).reference
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        truth, answers, labels=sorted(set(truth)), average="macro", zero_division=0
    )
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))


def test_largest_gap_of_all_logits_is_found() -> None:
    reference = contender("reference", [0, 1, 2])
    shifted = replace(reference, answer=lambda images: reference.answer(images) + 3 * (images[:, :, 0, 0] == 1))
    found = compare(reference, shifted, split_of([0, 1, 2]), dataset="d", split_name="test", max_drop_pp=0.5)
    assert found.max_abs_logit_gap == 3


def test_other_labels_than_the_data_sets_are_an_error() -> None:
    pair = contender("reference", [0, 1]), contender("candidate", [0, 1], ("x", "y"))
    with pytest.raises(DataError, match=r"candidate: answers 2 labels \(x, y\), made-up has 3 \(a, b, c\)\. Name the"):
        compare(*pair, split_of([0, 1]), dataset="made-up", split_name="test", max_drop_pp=0.5)


def test_same_labels_in_another_order_are_an_error() -> None:
    pair = contender("reference", [0, 1], ("b", "a", "c")), contender("candidate", [0, 1])
    with pytest.raises(DataError, match=r"reference: answers 3 labels \(b, a, c\)"):
        compare(*pair, split_of([0, 1]), dataset="made-up", split_name="test", max_drop_pp=0.5)


def test_many_labels_are_cut_short_in_messages() -> None:
    names = tuple(f"n{index}" for index in range(9))
    pair = contender("reference", [0, 1]), contender("candidate", [0, 1])
    with pytest.raises(DataError, match=r"d has 9 \(n0, n1, n2, n3, …\)"):
        compare(*pair, split_of([0, 1], names), dataset="d", split_name="test", max_drop_pp=0.5)


def test_another_input_is_an_error() -> None:
    pair = contender("reference", [0]), replace(contender("candidate", [0]), input=ImageInput(32, 32, 3))
    with pytest.raises(DataError, match="reference takes 1x1 gray images, candidate takes 32x32 RGB"):
        compare(*pair, split_of([0]), dataset="d", split_name="test", max_drop_pp=0.5)


# Real files


def test_same_file_twice_has_no_difference(model: Path, data_root: Path) -> None:
    found = compare_files(model, model, root=data_root)
    assert (found.drop_pp, found.mcnemar_p) == (0, 1)
    assert (found.agreement, found.flips, found.max_abs_logit_gap) == (1, [], 0)
    assert found.drop_pp_ci95 == pytest.approx((-1.0587, 1.0587), abs=1e-4)
    assert found.verdict == "undecided"


def test_run_and_its_model_file_agree(run: Path, model: Path, data_root: Path) -> None:
    found = compare_files(run, model, root=data_root, max_drop_pp=2)
    assert (found.dataset, found.split, found.images, found.agreement) == ("digits", "test", 359, 1)
    assert 0 <= found.max_abs_logit_gap < 1e-4
    assert (found.reference.model, found.candidate.model) == (str(run), str(model))
    assert found.passed


def test_a_folder_that_lacks_classes_of_the_model_is_measured_on_as_a_whole(
    model: Path, data_root: Path, tmp_path: Path
) -> None:
    test = data.read_split("digits", "test", root=data_root)
    chosen = np.flatnonzero(np.isin(test.labels_n, (3, 5)))
    for index in chosen:
        path = tmp_path / "new" / test.names[test.labels_n[index]] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.images_nhwc[index, ..., 0]).save(path)
    found = compare_files(model, model, dataset=f"folder:{tmp_path / 'new'}", root=data_root)
    right = load(model).logits(test.images_nhwc[chosen]).argmax(1) == test.labels_n[chosen]
    assert found.images == len(chosen)
    assert found.reference.accuracy == pytest.approx(right.mean())
    assert found.reference.recall == pytest.approx(np.mean([right[test.labels_n[chosen] == k].mean() for k in (3, 5)]))
    (tmp_path / "new" / "3").rename(tmp_path / "new" / "three")
    with pytest.raises(DataError, match=r"has classes that the model lacks: three\. It knows 0, 1, 2"):
        compare_files(model, model, dataset=f"folder:{tmp_path / 'new'}", root=data_root)


def test_accuracy_is_that_of_the_card(model: Path, data_root: Path) -> None:
    found = compare_files(model, model, root=data_root).reference.accuracy
    assert found == pytest.approx(next(entry.value for entry in load(model).card.metrics if entry.split == "test"))


def test_worse_candidate_has_the_drop_that_was_made(worse: Comparison, data_root: Path) -> None:
    counts = np.bincount(data.read_split("digits", "test", root=data_root).labels_n)
    assert worse.candidate.accuracy == pytest.approx(counts.min() / counts.sum())
    assert worse.drop_pp == pytest.approx((worse.reference.accuracy - worse.candidate.accuracy) * 100)
    assert worse.drop_pp > 0


def test_worse_candidate_does_not_pass(worse: Comparison) -> None:
    assert (worse.verdict, worse.passed) == ("beyond", False)


def test_worse_candidate_flips_to_what_it_answers(worse: Comparison, model: Path, data_root: Path) -> None:
    test = data.read_split("digits", "test", root=data_root)
    rarest = test.names[np.bincount(test.labels_n).argmin()]
    answers = [test.names[index] for index in load(model).logits(test.images_nhwc).argmax(1)]
    assert worse.flips == [
        Flip(index, test.names[test.labels_n[index]], answer, rarest)
        for index, answer in enumerate(answers)
        if answer != rarest
    ]


def test_worse_candidate_is_off_by_what_was_added(worse: Comparison) -> None:
    assert worse.max_abs_logit_gap == pytest.approx(1000, rel=1e-3)


def test_validation_split_is_the_one_trained_with(run: Path, data_root: Path) -> None:
    found = compare_files(run, run, root=data_root, split="validation")
    best = checkpoint.read(run)
    assert (found.split, found.images) == ("validation", best.dataset.validation)
    assert found.reference.accuracy == pytest.approx(best.figures["accuracy"])


def test_training_images_are_those_that_are_not_validated(model: Path, data_root: Path) -> None:
    card = load(model).card
    parts = [read_for(card.dataset, card.input.shape, part, root=data_root) for part in ("train", "validation")]
    assert [len(part) for part in parts] == [card.dataset.train, card.dataset.validation]
    train, validation = ({image.tobytes() for image in part.images_nhwc} for part in parts)
    assert not train & validation


def test_groups_are_applied_to_the_test_split(data_root: Path) -> None:
    record = DatasetRecord("digits", 10, 10, 0, groups={"low": ["0", "1"], "high": ["9"]})
    split = read_for(record, (28, 28, 1), "test", root=data_root)
    labels = data.read_split("digits", "test", root=data_root).labels_n
    assert split.names == ("low", "high")
    assert np.bincount(split.labels_n).tolist() == [np.isin(labels, (0, 1)).sum(), (labels == 9).sum()]


def test_images_are_brought_to_the_models_input(data_root: Path) -> None:
    split = read_for(DatasetRecord("digits", 10, 10, 0), (16, 20, 3), "test", root=data_root)
    assert split.images_nhwc.shape == (359, 16, 20, 3)


def test_data_set_of_another_kind_is_an_error(model: Path, data_root: Path, tmp_path: Path) -> None:
    own, labels = tmp_path / "own.npz", np.arange(40) % 2
    np.savez(own, images=np.zeros((40, 28, 28), np.uint8), labels=labels, label_names=["cat", "dog"])
    with pytest.raises(DataError, match=r"own\.npz: has classes that the model lacks: cat, dog\. It knows 0, 1, 2"):
        compare_files(model, model, dataset=str(own), root=data_root)


def test_relabeled_model_is_an_error(model: Path, data_root: Path, tmp_path: Path) -> None:
    card = replace(load(model).card, labels=[f"digit {label}" for label in range(10)])
    onnx_file.write_with_card(model.read_bytes(), card, tmp_path / "own.onnx")
    with pytest.raises(DataError, match=r"own\.onnx: answers 10 labels \(digit 0, digit 1, .*digits has 10 \(0, 1, 2"):
        compare_files(model, tmp_path / "own.onnx", root=data_root)


def test_data_set_that_is_gone_says_what_to_do(model: Path, tmp_path: Path) -> None:
    card = load(model).card
    card = replace(card, dataset=replace(card.dataset, name="folder:flowers"))
    onnx_file.write_with_card(model.read_bytes(), card, tmp_path / "own.onnx")
    with pytest.raises(DataError, match=r"trained on folder:flowers, which is not here\. Say where it is with --data"):
        compare_files(tmp_path / "own.onnx", model)


def test_missing_model_is_a_message(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file and no model of the zoo named .*gone\.onnx"):
        compare_files(model, tmp_path / "gone.onnx")


def test_has_the_keys_that_scripts_read(worse: Comparison) -> None:
    document = asdict(worse)
    keys = {"drop_pp", "drop_pp_ci95", "mcnemar_p", "agreement", "flips", "max_abs_logit_gap", "passed"}
    assert keys <= document.keys()
    assert "accuracy" in document["reference"]
    assert "accuracy" in document["candidate"]
    assert set(document["flips"][0]) == {"index", "label", "reference", "candidate"}
