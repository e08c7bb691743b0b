"""The order of a confusion matrix of many classes."""

import numpy as np

from edgecnn.report.figures.confusion import neighbors


def test_classes_that_are_taken_for_each_other_stand_side_by_side() -> None:
    counts_kk = np.diag([90] * 12)
    pairs = [(0, 7), (1, 11), (2, 5)]
    for one, other in pairs:
        counts_kk[one, other] = counts_kk[other, one] = 10
    places = neighbors(counts_kk)
    assert sorted(places) == list(range(12))
    assert all(abs(places.index(one) - places.index(other)) == 1 for one, other in pairs)
