"""What a person does on the page, and what it shows: for tests in a real browser."""

import io
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgecnn.runtime.classifier import Classifier

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

Pixels = NDArray[np.uint8]
Stroke = list[tuple[float, float]]
SEVEN: list[Stroke] = [[(80, 70), (190, 65), (120, 220)]]
ONE: list[Stroke] = [[(140, 60), (138, 215)]]
FOUR: list[Stroke] = [[(95, 60), (80, 150), (190, 150)], [(170, 60), (165, 225)]]
ZERO: list[Stroke] = [
    [(140, 60), (95, 90), (85, 150), (105, 205), (145, 220), (185, 190), (195, 130), (180, 80), (140, 60)]
]


PATIENCE_MS = 120_000  # on a busy machine


def says(page: Any, text: str | re.Pattern[str]) -> None:
    playwright.expect(page.locator("#answer")).to_have_text(text, timeout=PATIENCE_MS)


def seen(page: Any) -> list[Pixels]:
    """Return the crops that the page shows, (h, w, 3)."""
    script = """() => Array.from(document.querySelectorAll("#crops canvas"), (canvas) => [canvas.height, canvas.width,
      Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)])"""
    return [np.array(values, np.uint8).reshape(high, wide, 4)[..., :3] for high, wide, values in page.evaluate(script)]


def shows(page: Any, image_hwc: Pixels, classifier: Classifier) -> None:
    """Hold the only crop and every bar to what Python has."""
    (crop,) = seen(page)
    np.testing.assert_array_equal(crop, np.broadcast_to(image_hwc, crop.shape))
    expected_k = classifier.probabilities(image_hwc[None])[0]
    assert page.locator("#answer").inner_text() == classifier.labels[int(expected_k.argmax())]
    assert page.locator("#bars .label").all_inner_texts() == classifier.labels
    found_k = [float(text.removesuffix(" %")) for text in page.locator("#bars .value").all_inner_texts()]
    assert np.abs(np.array(found_k) - 100 * expected_k).max() <= 0.05 + 100 * classifier.card.golden.tolerance


def draw(page: Any, strokes: list[Stroke], *, left: int = 0, top: int = 0, scale: float = 1.0, steps: int = 6) -> None:
    """Draw with the mouse, in pixels of the canvas."""
    box = page.locator("#paper").bounding_box()
    pixel = box["width"] / page.locator("#paper").evaluate("(canvas) => canvas.width")
    for stroke in strokes:
        first, *others = [
            (box["x"] + pixel * (left + scale * x), box["y"] + pixel * (top + scale * y)) for x, y in stroke
        ]
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place, steps=steps)
        page.mouse.up()


def png(image_hwc: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image_hwc[..., 0] if image_hwc.shape[2] == 1 else image_hwc).save(file, "PNG")
    return file.getvalue()


def choose(page: Any, name: str, content: bytes) -> None:
    page.locator("#file").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
    playwright.expect(page.locator("#picture-name")).to_have_text(name, timeout=PATIENCE_MS)
