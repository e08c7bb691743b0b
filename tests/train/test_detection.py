"""What a detector learns: boxes become maps and back, the loss is least there, and detections are counted right."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn.data.boxes import IGNORED, NOTHING, THING
from edgecnn.networks.finder import RARE, STRIDE, build
from edgecnn.tasks._detection.learning import DetectionTally, decode, loss_sum, targets

CELLS = 40
PAGE = CELLS * STRIDE

boxes = st.tuples(
    st.floats(0, 120), st.floats(0, 120), st.floats(6, 36), st.floats(8, 38)
).map(lambda box: (*(float(np.float32(side)) for side in box), THING))  # fmt: skip


def batch(*things: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor([things], dtype=torch.float32)


def perfect(boxes_nb5: torch.Tensor) -> torch.Tensor:
    """The maps that say exactly what is there."""
    wanted = targets(boxes_nb5, CELLS, CELLS)
    logit = torch.where(wanted.heat_nhw == 1, 12.0, -12.0)
    return torch.cat((logit[:, None], wanted.boxes_nchw), 1)


@given(boxes)
@settings(max_examples=100)
def test_a_box_comes_back(box: tuple[float, ...]) -> None:
    found, scores = decode(perfect(batch(box)))
    assert (scores[0] > 0.5).sum() == 1
    np.testing.assert_allclose(found[0, 0], box[:4], atol=1e-3)


def test_two_boxes_do_not_mix() -> None:
    things = ((10.0, 20.0, 12.0, 30.0, THING), (60.0, 20.0, 40.0, 25.0, THING))
    found, scores = decode(perfect(batch(*things)))
    assert (scores[0] > 0.5).sum() == 2
    np.testing.assert_allclose(sorted(found[0, :2].tolist()), [thing[:4] for thing in things], atol=1e-3)


def test_what_no_one_could_read_is_not_judged() -> None:
    wanted = targets(batch((40.0, 40.0, 40.0, 40.0, IGNORED)), CELLS, CELLS)
    assert wanted.heat_nhw.max() == 0
    assert wanted.weight_nhw[0, 10:20, 10:20].max() == 0
    assert wanted.weight_nhw.sum() == CELLS**2 - 100


def test_a_digit_on_something_unread_is_still_learned() -> None:
    wanted = targets(batch((50.0, 50.0, 20.0, 20.0, THING), (40.0, 40.0, 40.0, 40.0, IGNORED)), CELLS, CELLS)
    assert wanted.weight_nhw[0][wanted.heat_nhw[0] == 1].tolist() == [1.0]


def test_loss_is_least_where_the_maps_are_right() -> None:
    things = batch((30.0, 30.0, 20.0, 30.0, THING), (90.0, 90.0, 30.0, 40.0, IGNORED))
    right = perfect(things)
    assert loss_sum(right, things) < 1e-3
    for change in range(5):
        wrong = right.clone()
        wrong[:, change] += 1.0 if change else -wrong[:, change] * 1.5
        assert loss_sum(wrong, things) > loss_sum(right, things) + 0.1


def test_loss_of_a_batch_is_the_sum_over_its_images() -> None:
    things = batch((30.0, 30.0, 20.0, 30.0, THING))
    maps = torch.randn(1, 5, CELLS, CELLS, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(
        loss_sum(maps.repeat(3, 1, 1, 1), things.repeat(3, 1, 1)), 3 * loss_sum(maps, things), rtol=1e-5
    )


def test_pages_without_anything_have_a_loss_and_a_gradient() -> None:
    maps = torch.zeros(2, 5, CELLS, CELLS, requires_grad=True)
    loss_sum(maps, torch.zeros(2, 1, 5)).backward()
    assert maps.grad is not None
    assert maps.grad.isfinite().all()
    assert maps.grad[:, 0].min() > 0


def test_tally_counts_true_and_false_positives_and_false_negatives() -> None:
    there = ((10.0, 20.0, 20.0, 30.0, THING), (100.0, 20.0, 20.0, 30.0, THING), (60.0, 100.0, 20.0, 30.0, IGNORED))
    said = ((11.0, 20.0, 20.0, 30.0, THING), (60.0, 100.0, 20.0, 30.0, THING), (100.0, 100.0, 20.0, 30.0, THING))
    tally = DetectionTally(torch.device("cpu"))
    tally.add(torch.tensor(1.0), batch(*there), perfect(batch(*said)))
    assert tally.pairs.tolist() == [1, 1, 1, 1]  # the one at what no one could read counts neither way
    figures = tally.figures()
    assert figures == {"f1": 0.5, "precision": 0.5, "recall": 0.5}


def test_two_detections_of_one_digit_are_a_true_and_a_false_positive() -> None:
    tally = DetectionTally(torch.device("cpu"))
    said = batch((10.0, 20.0, 40.0, 40.0, THING), (18.0, 20.0, 40.0, 40.0, THING))
    tally.add(torch.tensor(1.0), batch((14.0, 20.0, 40.0, 40.0, THING), (0.0, 0.0, 0.0, 0.0, NOTHING)), perfect(said))
    assert tally.pairs.tolist() == [1, 1, 0, 1]


def test_an_untrained_detector_expects_little() -> None:
    torch.manual_seed(0)
    network = build(size=(PAGE, PAGE), channels=1, classes=1).eval()
    maps = network(torch.zeros(1, 1, PAGE, PAGE))
    assert maps.shape == (1, 5, CELLS, CELLS)
    assert abs(float(maps[:, 0].detach().sigmoid().mean()) - RARE) < RARE
