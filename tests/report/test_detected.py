"""The figures of a detector's report, against counts by hand, by scikit-learn and by the task's own scores."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from edgecnn.data.boxes import IGNORED, NOTHING, THING, Boxes
from edgecnn.insight.graph import read
from edgecnn.report import page_html, style
from edgecnn.report.figure import Missing
from edgecnn.tasks._detection.figures import detections, misses, threshold
from edgecnn.tasks._detection.graph import THRESHOLD
from edgecnn.tasks._detection.matching import match, match_on
from edgecnn.tasks._detection.reported import Answer, DetectedSubject

SIDE = 64


@dataclass(frozen=True)
class Source:
    command: str = "edgecnn report x"


@dataclass(frozen=True, eq=False)
class Subject:
    """What figures ask for, of answers that are given."""

    split: Boxes
    answers: list[Answer]
    source: Source = Source()
    threshold: float | None = 0.2

    @property
    def counts_n3(self) -> NDArray[np.int64]:
        return np.array([answer.match.counts for answer in self.answers])


def subject(images: int, seed: int = 0) -> Subject:
    """Draw images with up to three things, and answers on, beside and far from them."""
    rng = np.random.default_rng(seed)
    boxes_nb4 = np.concatenate([rng.integers(0, 40, (images, 3, 2)), rng.integers(8, 24, (images, 3, 2))], axis=2)
    boxes_nb4 = boxes_nb4.astype(np.float32)
    what_nb = rng.choice([NOTHING, THING, THING, IGNORED], (images, 3)).astype(np.float32)
    split = Boxes(rng.integers(0, 256, (images, SIDE, SIDE, 1), np.uint8), boxes_nb4, what_nb, ("thing",))
    answers = []
    for boxes_b4, what_b in zip(boxes_nb4, what_nb, strict=True):
        near = boxes_b4 + rng.integers(-6, 7, boxes_b4.shape)
        said_m4 = np.concatenate([near, rng.integers(4, 40, (2, 4))]).astype(np.float32)
        scores_m = -np.sort(-rng.choice(np.linspace(0.25, 0.95, 8), len(said_m4))).astype(np.float32)
        answers.append(Answer(said_m4, scores_m, match_on(said_m4, boxes_b4, what_b)))
    return Subject(split, answers)


def test_the_curve_is_that_of_the_answers_above_each_threshold() -> None:
    """Matched again for each threshold, without those below it."""
    found = subject(40)
    curve = threshold.traced(found)
    assert len(curve.threshold_t) == 8
    for at, precision, recall in zip(curve.threshold_t, curve.precision_t, curve.recall_t, strict=True):
        kept = [answer.boxes_m4[answer.scores_m >= at - 1e-6] for answer in found.answers]
        each = zip(kept, found.split.boxes_nb4, found.split.what_nb, strict=True)
        true, false, missed = np.sum([match_on(*one).counts for one in each], axis=0)
        assert (precision, recall) == (true / (true + false), true / (true + missed))


def test_the_curve_is_scikit_learns_where_everything_is_answered() -> None:
    found = subject(60, seed=3)
    curve = threshold.traced(found)
    right_m = np.concatenate([answer.match.right_m for answer in found.answers])
    counted_m = right_m | np.concatenate([answer.match.wrong_m for answer in found.answers])
    scores_m = np.concatenate([answer.scores_m for answer in found.answers]).astype(np.float64)
    precision, recall, at = precision_recall_curve(right_m[counted_m], scores_m[counted_m])
    np.testing.assert_allclose(curve.threshold_t[::-1], at)
    np.testing.assert_allclose(curve.precision_t[::-1], precision[:-1])
    np.testing.assert_allclose(curve.recall_t[::-1] * found.split.things / right_m.sum(), recall[:-1])


def test_the_last_of_the_curve_is_the_score_of_the_file() -> None:
    found = subject(40, seed=1)
    true, false, missed = found.counts_n3.sum(0)
    assert threshold.traced(found).f1_t[-1] == pytest.approx(2 * true / (2 * true + false + missed))


@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
def test_better_answers_match_alike_without_the_others(seed: int, kept: int) -> None:
    rng = np.random.default_rng(seed)
    said, things, ignored = (rng.integers(1, 20, (count, 4)).astype(np.float32) for count in (6, 4, 2))
    every, some = match(said, things, ignored), match(said[:kept], things, ignored)
    assert (some.right_m == every.right_m[:kept]).all()
    assert (some.wrong_m == every.wrong_m[:kept]).all()


def test_bins_hold_every_thing_once_and_say_how_many_were_detected() -> None:
    rng = np.random.default_rng(0)
    measure, detected = rng.integers(1, 9, 200).astype(float), rng.random(200) < 0.7
    bins = misses.binned(measure, detected)
    assert sum(one.things for one in bins) == 200
    assert sum(one.detected for one in bins) == detected.sum()
    for one, after in pairwise(bins):
        assert one.high < after.low
    for one in bins:
        assert one.things == ((measure >= one.low) & (measure <= one.high)).sum()
        assert one.interval[0] < one.recall < one.interval[1]


def test_things_of_one_size_are_one_bin() -> None:
    assert len(misses.binned(np.full(7, 3.0), np.ones(7, bool))) == 1


def test_a_blurred_box_is_less_sharp_whatever_its_contrast() -> None:
    import cv2

    image = np.random.default_rng(0).integers(0, 100, (SIDE, SIDE), np.uint8)
    blurred, box = cv2.GaussianBlur(image, (0, 0), 2), np.array([4, 4, 40, 40], np.float32)
    sharp = misses.sharpness(image, box)
    assert misses.sharpness(blurred, box) < sharp / 10
    assert misses.sharpness(image * 2, box) == pytest.approx(sharp)
    assert misses.sharpness(np.full((SIDE, SIDE), 9, np.uint8), box) == 0
    assert misses.sharpness(image, np.array([60, 60, 30, 30], np.float32)) > 0, "cut off by the border"


@pytest.mark.parametrize("images", [1, 300])
def test_a_few_images_are_drawn_and_every_box_of_them_is_listed(images: int) -> None:
    found = subject(images)
    with style.style():
        figure = detections.draw(found)
    (legend,) = figure.picture.legends
    assert [text.get_text() for text in legend.get_texts()] == [*detections.LINES, "nobody could tell"]
    listed = {row[0] for row in figure.numbers.rows}
    assert len(listed) <= detections.TYPICAL + detections.WORST
    for place in listed:
        kinds = [row[1] for row in figure.numbers.rows if row[0] == place]
        true, false, missed = found.counts_n3[place]
        assert (kinds.count("detected"), kinds.count("false"), kinds.count("missed")) == (true, false, missed)


def test_images_with_many_boxes_stand_in_the_page_as_a_drawing_that_follows_its_theme() -> None:
    """The drawing is long as it has images in it; their pixels would be as long, on white."""
    with style.style():
        picture = detections.draw(subject(300)).picture
        assert page_html.data_url(picture).startswith("data:image/svg+xml;")


@pytest.mark.parametrize(
    ("length", "kind"),
    [(page_html.RASTER_BYTES, "svg+xml"), (page_html.RASTER_BYTES + 1, "png"), (3 * page_html.RASTER_BYTES, "png")],
)
def test_a_drawing_that_is_much_longer_than_its_pixels_is_not_put_in_the_page(length: int, kind: str) -> None:
    drawn = "<svg>".ljust(length)
    assert page_html._data_url(drawn, lambda: b"pixels").startswith(f"data:image/{kind};")
    assert page_html._data_url(drawn, lambda: bytes(length)).startswith("data:image/svg+xml;")


def test_the_threshold_of_the_file_is_marked_and_every_line_of_boxes_differs() -> None:
    found = subject(40)
    with style.style():
        left = threshold.draw(found).picture.axes[0]
    assert any(set(line.get_xdata()) == {0.2} for line in left.lines)
    assert len({dashes for _, dashes in (*detections.LINES.values(), detections.UNTOLD)}) == len(detections.LINES) + 1


@pytest.mark.parametrize("form", ["fp32", "preferred"])
def test_the_threshold_is_that_in_the_graph(form: str) -> None:
    found = DetectedSubject.__new__(DetectedSubject)
    found.__dict__["network"] = read(f"digit-finder/{form}" if form == "fp32" else "digit-finder")
    assert found.threshold == pytest.approx(THRESHOLD)


def test_a_threshold_that_the_graph_does_not_say_is_not_marked() -> None:
    found = replace(subject(40), threshold=None)
    with style.style():
        figure = threshold.draw(found)
    assert figure.caption.startswith("F1 is highest")
    assert "the file's own" not in [text.get_text() for text in figure.picture.axes[0].texts]


def test_what_cannot_be_drawn_is_said() -> None:
    found = subject(2)
    empty = Subject(
        Boxes(found.split.images_nhwc, found.split.boxes_nb4, np.zeros((2, 3), np.float32), ("thing",)),
        [Answer(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), match_on(*_nothing())) for _ in range(2)],
    )
    assert isinstance(threshold.draw(empty), Missing)
    assert isinstance(misses.draw(empty), Missing)


def _nothing() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    return np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
