"""The page of a report in a real Chromium: at a desk, on a phone, in both themes, printed, and as axe-core sees it."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edgecnn
from edgecnn.report.style import WIDTH

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
pytestmark = pytest.mark.slow

AXE = Path(__file__).resolve().parents[2] / ".js-tools" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
LOADED = "() => Array.from(document.images, (image) => image.naturalWidth)"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("needs chromium, which is not installed")
    with (
        playwright.sync_playwright() as driver,
        driver.chromium.launch(executable_path=executable, args=list(FLAGS)) as started,
    ):
        yield started


@pytest.fixture
def visit(browser: Any, made: Path) -> Iterator[Visit]:
    """Open the page. Afterwards: it asked for nothing but itself, and the browser had nothing to complain."""
    address = (made / "report.html").as_uri()
    heard: list[str] = []
    contexts: list[Any] = []

    def opened(size: str = "desk", theme: str = "light") -> Any:
        contexts.append(browser.new_context(viewport=SIZES[size], color_scheme=theme, offline=True))
        page = contexts[-1].new_page()
        page.on("request", lambda asked: heard.append(asked.url[:80]) if not asked.url.startswith(OWN) else None)
        page.on("console", lambda message: heard.append(message.text))
        page.goto(address)
        return page

    OWN = (address, "data:image/")  # noqa: N806
    yield opened
    for context in contexts:
        context.close()
    assert heard == []


@pytest.fixture(scope="module")
def board(model: Path, static_model: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    edgecnn.leaderboard([model, static_model], folder, root=data_root, seconds=0.05)
    return folder / "leaderboard.html"


def shot(page: Any, selector: str) -> np.ndarray:
    """Return what is seen of an element, gray, 0..255."""
    with Image.open(io.BytesIO(page.locator(selector).screenshot())) as picture:
        return np.asarray(picture.convert("L"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_and_every_picture_is_there(visit: Visit, size: str, theme: str) -> None:
    page = visit(size, theme)
    assert page.evaluate(OVERFLOW) == 0
    widths = page.evaluate(LOADED)
    assert len(widths) > 8
    assert min(widths) > 100
    assert page.evaluate(BACKGROUND) == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[theme]


@pytest.mark.parametrize("size", SIZES)
def test_the_first_screen_has_name_verdict_and_all_figures(visit: Visit, size: str) -> None:
    page = visit(size)
    tiles = page.locator(".tiles > div")
    assert tiles.count() == 4
    for found in (page.locator("h1"), page.locator(".answer"), tiles.last):
        box = found.bounding_box()
        assert box["y"] + box["height"] <= SIZES[size]["height"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_has_nothing_to_say(visit: Visit, size: str, theme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core: make lint-js")
    page = visit(size, theme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run().then(({ violations }) => violations)")
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_a_leaderboard_fits_and_axe_has_nothing_to_say(board: Path, browser: Any, theme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core: make lint-js")
    context = browser.new_context(viewport=SIZES["phone"], color_scheme=theme, offline=True)
    page = context.new_page()
    page.goto(board.as_uri())
    assert page.evaluate(OVERFLOW) == 0
    assert min(page.evaluate(LOADED)) > 100
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run().then(({ violations }) => violations)")
    context.close()
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def test_letters_of_pictures_can_be_read_on_a_phone(visit: Visit) -> None:
    """Those of nine points, in a picture that was drawn as wide as the page, have eleven pixels."""
    widths = visit("phone").evaluate("() => Array.from(document.images, (image) => image.clientWidth)")
    assert min(widths) * 9 / (72 * WIDTH) >= 10.9


def test_the_ink_of_pictures_follows_the_theme(visit: Visit) -> None:
    light, dark = (shot(visit(theme=theme), "#roc img") for theme in ("light", "dark"))
    assert np.median(light) > 250
    assert light.min() < 80
    assert np.median(dark) < 40
    assert dark.max() > 200


def test_a_page_is_printed_dark_on_light_whatever_the_theme(visit: Visit) -> None:
    page = visit(theme="dark")
    page.emulate_media(media="print")
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    pixels = shot(page, "#roc img")
    assert np.median(pixels) > 250
    assert pixels.min() < 80
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_keyboard_reaches_the_figures(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the figures"
    page.keyboard.press("Enter")
    assert page.evaluate("() => location.hash") == "#figures"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('main') !== null")
