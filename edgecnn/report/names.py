"""Names beside the points of a picture: where no other name, point or edge is, with a line where that is far."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from edgecnn.report import style
from edgecnn.text import picture_text

LETTER = 4.2  # points that a letter takes across, and half of what it takes up
POINT = 4.0  # half of what a point takes, and a little
NEAR = 6.0  # how far from its point a name needs no line to it
BESIDE: tuple[tuple[float, float], ...] = tuple(
    (side * across, up)
    for far in (NEAR, 15, 24, 33, 45, 57)
    for across in ((NEAR,) if far == NEAR else (NEAR, 18, 30))
    for up in (far, -far)
    for side in (1, -1)
)  # where a name may be, how far right of its point and how far up
OUTSIDE = 10_000.0  # square points of overlap that a name costs which leaves the axes
MISTAKEN = 100.0  # square points of overlap that a name costs which seems another point's, or whose line crosses a name
ROUNDS = 3  # how often all are placed, each beside what the others then have

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Named:
    """A point of the axes in its data's units, and what is written beside it."""

    point: tuple[float, float]
    name: str
    bold: bool = False


def write(axes: Axes, named: Sequence[Named], others: Sequence[tuple[float, float]] = ()) -> None:
    """Write names beside points; ``others`` are points without one. Everything else is to be where it stays."""
    scale = 72 / axes.figure.dpi
    places = [_place(axes, one.point, scale) for one in named]
    points = [(x - POINT, y - POINT, x + POINT, y + POINT) for x, y in places]
    fixed = [_box(*_place(axes, other, scale), 0, 0, 0) for other in others]
    chosen = _chosen(places, [len(one.name) for one in named], points, fixed, _outside(axes, scale))
    line = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.6, "shrinkA": 1, "shrinkB": POINT}
    for one, (right, up) in zip(named, chosen, strict=True):
        axes.annotate(
            picture_text(one.name), one.point, (right, up), textcoords="offset points", va="center",
            ha="left" if right > 0 else "right", fontsize=LETTER / 0.6, fontweight="bold" if one.bold else "normal",
            arrowprops=line | {"relpos": (0 if right > 0 else 1, 0.5)} if abs(up) > NEAR else None,
        )  # fmt: skip


def _chosen(
    places: Sequence[tuple[float, float]],
    letters: Sequence[int],
    points: Sequence[Box],
    fixed: Sequence[Box],
    outside: Sequence[Box],
) -> list[tuple[float, float]]:
    """Return for each point how far right and up of it its name begins."""
    chosen: list[tuple[float, float]] = [BESIDE[0]] * len(places)
    boxes: list[Box] = []
    for _ in range(ROUNDS):
        for number, ((x, y), wide) in enumerate(zip(places, letters, strict=True)):
            strange = [*points[:number], *points[number + 1 :]]
            written = [box for other, box in enumerate(boxes) if other != number]
            there = [_box(x, y, wide, *beside) for beside in BESIDE]
            costs = [
                _cost(box, (x, y), beside, strange, [*fixed, *written]) + _leaving(box, outside)
                for box, beside in zip(there, BESIDE, strict=True)
            ]
            chosen[number] = BESIDE[costs.index(min(costs))]
            boxes[number : number + 1] = [_box(x, y, wide, *chosen[number])]
    return chosen


def _cost(
    box: Box, place: tuple[float, float], beside: tuple[float, float], points: Sequence[Box], taken: Sequence[Box]
) -> float:
    """Return how much a name there hides, in square points, and how easily it is taken for another point's."""
    hidden = sum(_overlap(box, other) for other in (*points, *taken))
    if abs(beside[1]) <= NEAR:
        around = (box[0] - NEAR, box[1] - NEAR, box[2] + NEAR, box[3] + NEAR)
        return hidden + MISTAKEN * sum(_overlap(around, other) > 0 for other in points)
    (x, y), (right, up) = place, beside
    steps = [(x + right * part / 8, y + up * part / 8) for part in range(2, 8)]
    crossed = sum(any(_within(step, other) for step in steps) for other in (*points, *taken))
    return hidden + MISTAKEN * crossed + abs(right) + abs(up)  # of two that are free, the nearer one


def _leaving(box: Box, outside: Sequence[Box]) -> float:
    """Return what a name costs of which something is outside: more than any other place, and more the more it is."""
    left = sum(_overlap(box, other) for other in outside)
    return OUTSIDE + left if left else 0.0


def _place(axes: Axes, point: tuple[float, float], scale: float) -> tuple[float, float]:
    """Return where a point of the data is, in points of the picture."""
    x, y = axes.transData.transform(point)
    return scale * x, scale * y


def _outside(axes: Axes, scale: float) -> list[Box]:
    """Return what lies around the axes."""
    (left, low), (right, high) = scale * axes.transAxes.transform([(0, 0), (1, 1)])
    return [
        (left - 999, low - 999, left, high + 999), (right, low - 999, right + 999, high + 999),
        (left, low - 999, right, low), (left, high, right, high + 999),
    ]  # fmt: skip


def _box(x: float, y: float, letters: int, right: float, up: float) -> Box:
    """Return what a name takes beside a point, in points of the picture."""
    wide = letters * LETTER
    left = x + right if right > 0 else x + right - wide
    return left, y + up - LETTER, left + wide, y + up + LETTER


def _within(place: tuple[float, float], box: Box) -> bool:
    return box[0] <= place[0] <= box[2] and box[1] <= place[1] <= box[3]


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
