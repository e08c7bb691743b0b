"""Shapes that are no digits: lines, scribbles, frames, rings, dirt, cables, and things that reach in."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages import paper
from edgecnn.digits.pages.canvas import Canvas
from edgecnn.digits.pages.log_uniform import log_uniform


def clutter(canvas: Canvas, rng: np.random.Generator, count: int) -> None:
    """Draw shapes that are no digits, where there is room."""
    for _ in range(count):
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        layer = canvas.layer(str(rng.choice(("print", "hand"))))
        shape(canvas, rng, layer)


def _long_line(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A line from one side to another."""
    y0, y1 = rng.uniform(0, canvas.height, 2)
    x0, x1 = rng.uniform(0, canvas.width, 2)
    width = float(rng.uniform(0.7, 4.0))
    if rng.random() < 0.5:
        paper.line(layer, (-5.0, float(y0)), (canvas.width + 5.0, float(y1)), width)
    else:
        paper.line(layer, (float(x0), -5.0), (float(x1), canvas.height + 5.0), width)


def _scribble(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A pen that goes to and fro: nothing that could be read."""
    side = log_uniform(rng, 15, canvas.page_height * 0.5)
    corner = canvas.somewhere(rng, side, side, gap=2)
    if corner is not None:
        points = rng.uniform(0, side, (int(rng.integers(9, 20)), 2))
        points[:, 0] = np.sort(points[:, 0]) + rng.normal(0, side * 0.1, len(points))
        paper.polyline(layer, points + corner, max(0.8, side * 0.04), closed=False)
        canvas.known(corner[0], corner[1], corner[0] + side, corner[1] + side, "hand")


def _frame(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A rectangle or a triangle, empty or full."""
    wide, tall = (log_uniform(rng, 8, canvas.page_height * 0.6) for _ in range(2))
    corner = canvas.somewhere(rng, wide, tall, gap=2)
    if corner is None:
        return
    points = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]]) + corner
    triangle = rng.random() < 0.25
    points = points[rng.permutation(4)[:3]] if triangle else points
    if rng.random() < 0.4:
        paper.filled(layer, points)
    else:
        paper.polyline(layer, points, float(rng.uniform(0.8, 3.0)), closed=True)
    low, high = points.min(0), points.max(0)
    upright = not triangle and tall > 1.15 * wide  # a one, or the zero of a display
    canvas.known(low[0], low[1], high[0], high[1], "print", unclear=upright)


def _ring(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A circle or an ellipse; empty, it could be a zero."""
    wide = log_uniform(rng, 8, canvas.page_height * 0.5)
    tall = wide * rng.uniform(0.6, 1.6)
    corner = canvas.somewhere(rng, wide, tall, gap=2)
    if corner is None:
        return
    turn = np.linspace(0, 2 * np.pi, 40)[:-1]
    points = np.stack([np.cos(turn) * wide / 2, np.sin(turn) * tall / 2], 1) + np.array([wide, tall]) / 2 + corner
    full = rng.random() < 0.5
    if full:
        paper.filled(layer, points)
    else:
        paper.polyline(layer, points, float(rng.uniform(0.8, 4.0)), closed=True)
    canvas.known(*corner, corner[0] + wide, corner[1] + tall, "print", unclear=not full)


def _specks(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """Dirt: dots of a few pixels, anywhere."""
    for x, y in rng.uniform(0, 1, (int(rng.integers(3, 25)), 2)) * (canvas.width, canvas.height):
        paper.line(
            layer, (x, y), (x + float(rng.normal(0, 1.5)), y + float(rng.normal(0, 1.5))), float(rng.uniform(1, 3))
        )


def _scratches(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """Scratches and hair: short thin lines that lie as no one does, or bent ones."""
    for x, y in rng.uniform(0, 1, (int(rng.integers(1, 7)), 2)) * (canvas.width, canvas.height):
        length, bend = log_uniform(rng, 8, canvas.page_height * 0.35), rng.uniform(0.3, 1.0) * rng.choice((-1, 1))
        lie = float(rng.uniform(0.6, np.pi - 0.6)) + np.pi / 2  # from upright
        way = np.linspace(-0.5, 0.5, 9)
        turn = lie + (way * bend * 2 if rng.random() < 0.5 else 0 * way)
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * way[:, None] * length + (x, y)
        paper.polyline(layer, points, float(rng.uniform(0.5, 1.8)), closed=False)


def _curve(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A curve across much of the page: a cable, the rim of a cup."""
    radius = canvas.page_height * rng.uniform(0.6, 2.0)
    middle = rng.uniform(-1, 2, 2) * (canvas.width, canvas.height)
    turn = np.linspace(0, 2 * np.pi, 90)[:-1]
    paper.polyline(
        layer, np.stack([np.cos(turn), np.sin(turn)], 1) * radius + middle, float(rng.uniform(0.8, 9.0)), closed=True
    )


def _edge(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A table's edge, a finger or a thing that reaches in from one side."""
    side = int(rng.integers(4))
    reach = rng.uniform(0.05, 0.3) * (canvas.width if side % 2 else canvas.height)
    box = {0: (0, 0, canvas.width, reach), 1: (0, 0, reach, canvas.height),
           2: (0, canvas.height - reach, canvas.width, canvas.height),
           3: (canvas.width - reach, 0, canvas.width, canvas.height)}[side]  # fmt: skip
    x0, y0, x1, y1 = box
    if rng.random() < 0.5:
        x0, x1 = (x0 + 0.3 * (x1 - x0), x0 + 0.6 * (x1 - x0)) if side % 2 == 0 else (x0, x1)
        y0, y1 = (y0 + 0.3 * (y1 - y0), y0 + 0.6 * (y1 - y0)) if side % 2 else (y0, y1)
    if canvas.take(x0, y0, x1, y1):
        turn = np.linspace(0, 2 * np.pi, 40)[:-1]
        outline = np.sign(np.stack([np.cos(turn), np.sin(turn)], 1)) * np.abs(
            np.stack([np.cos(turn), np.sin(turn)], 1)
        ) ** rng.uniform(0.2, 1.0)
        paper.filled(layer, outline * np.array([x1 - x0, y1 - y0]) / 2 + np.array([x0 + x1, y0 + y1]) / 2)


SHAPES = (_long_line, _scribble, _frame, _ring, _specks, _scratches, _curve, _edge)
