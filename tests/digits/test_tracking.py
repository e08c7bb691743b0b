"""The same digit over frames."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.boxes import overlaps
from edgecnn.digits.tracking import MEMORY, VOTES, Tracker

SURE_OF_A, SURE_OF_B = [0.9, 0.1], [0.2, 0.8]


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def answers(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 2)


HERE, THERE = (10, 10, 20, 30), (200, 10, 20, 30)
NOTHING = (boxes(), answers())


def test_overlap_is_intersection_over_union() -> None:
    found = overlaps(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (5, 0, 10, 10), (10, 0, 5, 5), (50, 50, 1, 1)))
    np.testing.assert_allclose(found, [[1, 1 / 3, 0, 0]], rtol=1e-6)


def test_probabilities_are_averaged_over_a_track() -> None:
    tracker = Tracker(2)
    for answer in (SURE_OF_A, SURE_OF_A, SURE_OF_B):
        tracker.update(boxes(HERE), answers(answer))
    np.testing.assert_allclose(tracker.probabilities_tk, [np.mean([SURE_OF_A, SURE_OF_A, SURE_OF_B], axis=0)])


def test_only_recent_frames_vote() -> None:
    tracker = Tracker(2)
    for answer in [SURE_OF_A] * 20 + [SURE_OF_B] * VOTES:
        tracker.update(boxes(HERE), answers(answer))
    np.testing.assert_allclose(tracker.probabilities_tk, [SURE_OF_B], rtol=1e-6)


def test_it_counts_in_how_many_of_three_frames_a_digit_was_seen() -> None:
    tracker = Tracker(2)
    counts = []
    for seen in (True, True, False, True, True, True):
        tracker.update(*((boxes(HERE), answers(SURE_OF_A)) if seen else NOTHING))
        counts.append(tracker.seen_t.tolist())
    assert counts == [[1], [2], [2], [2], [2], [3]]


def test_a_digit_that_is_gone_is_forgotten_after_three_frames() -> None:
    tracker = Tracker(2)
    tracker.update(boxes(HERE), answers(SURE_OF_A))
    counts = [len(tracker.boxes_t4) for _ in range(MEMORY) if tracker.update(*NOTHING) is not None]
    assert counts == [1, 1, 0]


def test_two_digits_keep_their_own_votes_when_they_are_found_in_another_order() -> None:
    tracker = Tracker(2)
    first = tracker.update(boxes(HERE, THERE), answers(SURE_OF_A, SURE_OF_B))
    second = tracker.update(boxes(THERE, HERE), answers(SURE_OF_B, SURE_OF_A))
    assert first.tolist() == second[::-1].tolist()
    np.testing.assert_allclose(tracker.probabilities_tk[first], [SURE_OF_A, SURE_OF_B], rtol=1e-6)


def test_a_box_glides_to_where_the_digit_went() -> None:
    tracker = Tracker(2)
    tracker.update(boxes(HERE), answers(SURE_OF_A))
    tracker.update(boxes((14, 10, 20, 30)), answers(SURE_OF_A))
    assert tracker.boxes_t4.tolist() == [[12, 10, 20, 30]]


def test_a_digit_somewhere_else_is_another_one() -> None:
    tracker = Tracker(2)
    tracker.update(boxes(HERE), answers(SURE_OF_A))
    track_m = tracker.update(boxes(THERE), answers(SURE_OF_B))
    np.testing.assert_allclose(tracker.probabilities_tk[track_m], [SURE_OF_B], rtol=1e-6)
    assert tracker.seen_t[track_m].tolist() == [1]


def test_of_two_finds_on_one_digit_the_better_one_continues_it() -> None:
    tracker = Tracker(2)
    tracker.update(boxes(HERE), answers(SURE_OF_A))
    track_m = tracker.update(boxes((16, 10, 20, 30), HERE), answers(SURE_OF_B, SURE_OF_A))
    assert tracker.seen_t[track_m].tolist() == [1, 2]


DETECTED = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(1, 60), st.integers(1, 60)), max_size=8
)


@given(st.lists(DETECTED, max_size=12))
def test_every_detection_has_a_track_of_its_own_that_was_seen_now(frames: list[list[tuple]]) -> None:
    tracker = Tracker(2)
    for found in frames:
        track_m = tracker.update(boxes(*found), np.full((len(found), 2), 0.5, np.float32))
        assert len(set(track_m.tolist())) == len(found)
        assert (tracker.seen_t[track_m] >= 1).all()
        np.testing.assert_allclose(tracker.probabilities_tk.sum(axis=1), 1, rtol=1e-5)


def test_tracks_do_not_pile_up() -> None:
    tracker = Tracker(2)
    for place in range(2000):
        tracker.update(boxes((place * 50, 0, 20, 30)), answers(SURE_OF_A))
    assert len(tracker.boxes_t4) == MEMORY
