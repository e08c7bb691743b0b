"""What is drawn can be seen on any background, stays inside the frame, and leaves the frame itself alone."""

import numpy as np
import pytest

from edgecnn.digits import Digit, Reading, Seen
from edgecnn.webcam.overlay import ACCEPTED, REJECTED, draw

SIZE = (240, 320)


def reading(*boxes: tuple[float, float, float, float], seen: tuple[Seen, ...] = ()) -> Reading:
    return Reading("", (tuple(Digit("7", 0.93, box) for box in boxes),), 0, seen)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where two frames differ, (H, W)."""
    return (before != after).any(axis=2)


def plain(level: int) -> np.ndarray:
    return np.full((*SIZE, 3), level, np.uint8)


@pytest.mark.parametrize("level", [0, 100, 128, 255])
def test_boxes_and_writing_stand_out_from_any_background(level: int) -> None:
    image = draw(plain(level), reading((100, 100, 40, 60)), "25.0 FPS  4.2 ms", crops=False)
    contrast = np.abs(image.astype(int) - level).max(axis=2)
    for part in (contrast[98:103, 110:130], contrast[80:95, 100:140], contrast[2:14, 2:60]):  # line, label, status
        assert part.max() >= 100


def test_the_frame_itself_stays_as_it_is() -> None:
    frame = plain(90)
    draw(frame, reading((100, 100, 40, 60)), "status", crops=True)
    assert np.unique(frame).tolist() == [90]


def test_a_box_is_drawn_where_the_digit_is() -> None:
    bare, boxed = (draw(plain(90), found, "", crops=False) for found in (reading(), reading((200, 150, 40, 60))))
    rows, columns = np.nonzero(changed(bare, boxed))
    assert 195 <= columns.min() <= 200
    assert rows.max() in range(210, 216)
    assert not changed(bare, boxed)[160:200, 210:230].any()  # the digit itself stays visible


@pytest.mark.parametrize("box", [(-30, -30, 40, 60), (310, 230, 40, 60), (0, 0, 320, 240), (500, 500, 10, 10)])
def test_what_lies_at_the_border_still_has_its_label(box: tuple[float, float, float, float]) -> None:
    bare, boxed = (draw(plain(128), found, "", crops=False) for found in (reading(), reading(box)))
    white = (boxed > 150).all(axis=2) & changed(bare, boxed)
    assert white.sum() >= 20


def test_crops_are_shown_as_the_network_saw_them() -> None:
    crop = np.zeros((28, 28, 1), np.uint8)
    crop[10:18, 10:18] = 200
    seen = (Seen(crop, "7", 0.9, True), Seen(crop, "none", 0.8, False))
    image = draw(plain(128), reading(seen=seen), "", crops=True)
    bottom = image[-56:]
    assert (bottom[28, 28] == 200).all()
    assert (bottom[8, 8] == 0).all()
    assert (bottom == ACCEPTED).all(axis=2).any()
    assert (bottom == REJECTED).all(axis=2).any()


def test_crops_are_hidden_unless_wanted() -> None:
    seen = (Seen(np.full((28, 28, 1), 200, np.uint8), "7", 0.9, True),)
    assert not changed(*(draw(plain(128), found, "", crops=False) for found in (reading(), reading(seen=seen)))).any()


def test_color_crops_keep_their_colors() -> None:
    red_rgb = np.zeros((32, 32, 3), np.uint8)
    red_rgb[..., 0] = 250
    image = draw(plain(128), reading(seen=(Seen(red_rgb, "7", 0.9, True),)), "", crops=True)
    assert image[-28, 28].tolist() == [0, 0, 250]


def test_more_crops_than_fit_are_left_out() -> None:
    seen = (Seen(np.zeros((28, 28, 1), np.uint8), "7", 0.9, True),) * 100
    assert draw(plain(128), reading(seen=seen), "", crops=True).shape == (*SIZE, 3)


@pytest.mark.parametrize("size", [(1, 1), (20, 30), (30, 20), (1080, 1920)])
def test_any_size_of_frame_can_be_drawn_on(size: tuple[int, int]) -> None:
    seen = (Seen(np.zeros((28, 28, 1), np.uint8), "7", 0.9, True),) * 3
    found = reading((2, 2, 10, 12), seen=seen)
    assert draw(np.zeros((*size, 3), np.uint8), found, "1.0 FPS", crops=True).shape == (*size, 3)
