import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from edgecnn.report import names

inside = st.floats(0, 1)


def drawn(*named: names.Named) -> tuple[Figure, list]:
    """Write names into axes of a picture; return it with what was written."""
    picture = Figure(figsize=(6, 4))
    axes = picture.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    names.write(axes, named)
    return picture, list(axes.texts)


def extents(picture: Figure, texts: list) -> list:
    """Return what names take up, without their lines."""
    picture.draw_without_rendering()
    return [Text.get_window_extent(text) for text in texts]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_names_of_one_place_do_not_cover_each_other_and_have_a_line(count: int) -> None:
    picture, texts = drawn(*(names.Named((0.5, 0.5 + n / 100), f"model-{n}") for n in range(count)))
    boxes = extents(picture, texts)
    for number, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[number + 1 :])
    assert {text.arrow_patch is not None for text in texts} == {count > 1}


@given(st.lists(st.tuples(inside, inside), min_size=1, max_size=6))
@example([(0.03125, 0.96875), (0.015625, 1.0)])
@example([(0.0, 0.875), (0.0, 0.96484375)])
def test_no_name_leaves_the_axes(points: list[tuple[float, float]]) -> None:
    picture, texts = drawn(*(names.Named(point, "ab") for point in points))
    around = picture.axes[0].get_window_extent().padded(2)
    for box in extents(picture, texts):
        assert around.x0 <= box.x0
        assert box.x1 <= around.x1
        assert around.y0 <= box.y0
        assert box.y1 <= around.y1
