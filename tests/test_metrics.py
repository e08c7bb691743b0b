"""The metrics equal scikit-learn's."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from edgecnn.metrics import Metrics, confusion_matrix, from_confusion

CLOSE = {"rtol": 1e-12, "atol": 1e-12}


@st.composite
def _answers(draw):
    """Draw (truth_n, predicted_n, classes); some classes never occur, some are never predicted."""
    classes = draw(st.integers(2, 7))
    pairs = st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1))
    truth, predicted = zip(*draw(st.lists(pairs, min_size=1, max_size=40)), strict=True)
    return np.array(truth), np.array(predicted), classes


def _ours(answers) -> Metrics:
    return from_confusion(confusion_matrix(*answers))


@given(_answers())
def test_the_confusion_matrix_equals_scikit_learn(answers) -> None:
    truth, predicted, classes = answers
    expected = reference.confusion_matrix(truth, predicted, labels=range(classes))
    np.testing.assert_array_equal(confusion_matrix(*answers), expected)


@given(_answers())
def test_accuracy_equals_scikit_learn(answers) -> None:
    truth, predicted, _ = answers
    assert _ours(answers).accuracy == pytest.approx(reference.accuracy_score(truth, predicted), abs=1e-12)


@given(_answers())
def test_figures_by_class_equal_scikit_learn(answers) -> None:
    truth, predicted, classes = answers
    found = _ours(answers)
    expected = reference.precision_recall_fscore_support(truth, predicted, labels=range(classes), zero_division=0)[:3]
    np.testing.assert_allclose((found.precision_k, found.recall_k, found.f1_k), expected, **CLOSE)


@given(_answers())
def test_macro_averages_equal_scikit_learn_over_the_classes_of_the_truth(answers) -> None:
    truth, predicted, _ = answers
    found = _ours(answers)
    there = np.unique(truth)
    expected = reference.precision_recall_fscore_support(
        truth, predicted, labels=there, average="macro", zero_division=0
    )[:3]
    np.testing.assert_allclose((found.precision, found.recall, found.f1), expected, **CLOSE)


@given(_answers())
def test_balanced_accuracy_equals_scikit_learn(answers) -> None:
    truth, predicted, _ = answers
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
        warnings.filterwarnings("ignore", "A single label was found")
        expected = reference.balanced_accuracy_score(truth, predicted)
    assert _ours(answers).balanced_accuracy == pytest.approx(expected, abs=1e-12)


@given(_answers(), st.randoms())
def test_macro_averages_of_any_two_models_are_over_the_same_classes(answers, random) -> None:
    """What one of them alone predicts does not change what is averaged: recall is that of the classes there are."""
    truth, predicted, classes = answers
    other = np.array([random.randrange(classes) for _ in truth])
    for answer in (predicted, other):
        found = _ours((truth, answer, classes))
        there = [np.mean(answer[truth == label] == label) for label in np.unique(truth)]
        assert found.recall == pytest.approx(np.mean(there), abs=1e-12)


def test_a_class_that_is_predicted_and_never_occurs_does_not_lower_the_recall() -> None:
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    assert _ours((truth, predicted, 3)).recall == pytest.approx(0.75)
    assert _ours((truth, predicted, 3)).accuracy == pytest.approx(0.75)


def test_rows_are_the_truth_and_columns_the_prediction() -> None:
    np.testing.assert_array_equal(confusion_matrix(np.array([0, 0]), np.array([1, 1]), 2), [[0, 2], [0, 0]])


def test_no_image_gives_zeros() -> None:
    nothing = np.array([], dtype=np.int64)
    found = from_confusion(confusion_matrix(nothing, nothing, 3))
    assert (found.accuracy, found.precision, found.recall, found.f1) == (0, 0, 0, 0)
