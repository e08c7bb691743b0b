"""The page in Chromium and in Firefox: modes, confidence, feature maps, two models, offline, accessibility, themes."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from digits.written import typed
from PIL import Image

from edgecnn import data, zoo
from edgecnn.digits import Reader
from edgecnn.runtime.classifier import load
from edgecnn.web import default_other

from .acting import FOUR, ONE, SEVEN, Stroke, choose, draw, playwright, png, says, seen
from .conftest import SOURCE, Visits, without
from .strokes import strokes

pytestmark = pytest.mark.slow

BEST = "mnist-best"
PHONE = {"width": 360, "height": 640}
AXE = SOURCE.parent / ".js-tools" / "node_modules" / "axe-core" / "axe.min.js"
# Both strokes of a 4 without what tells it from a 9, and a blot: what nobody is sure of.
UNSURE: list[Stroke] = [[(100, 60), (180, 60), (180, 120), (100, 120), (100, 60)], [(60, 200), (220, 200), (60, 240)]]


@pytest.fixture(scope="module", params=["browser", "fox"], ids=["chromium", "firefox"])
def by(request: pytest.FixtureRequest) -> Any:
    """Each of the browsers."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def opened(built: Path, by: Any) -> Iterator[Any]:
    """The page with all that it can have, opened once in each browser."""
    visits = Visits(built, lambda: by)
    yield visits(BEST, other=default_other(BEST), detector=zoo.find("digit-finder"))
    visits.close()


@pytest.fixture
def page(opened: Any) -> Any:
    """The opened page as it is at first."""
    opened.get_by_role("tab", name="Draw").click()
    opened.get_by_label("One digit").check()
    for name in ("Feature maps", "Compare with fp32"):
        opened.get_by_role("checkbox", name=name).uncheck()
    opened.get_by_role("button", name="Clear").click()
    says(opened, "Draw a digit")
    return opened


@pytest.fixture(scope="module")
def axe() -> str:
    """The checks of accessibility, which npm installs beside the linters."""
    if not AXE.is_file():
        without("needs axe-core: make lint-js")
    return AXE.read_text(encoding="utf-8")


def violations(page: Any, axe: str) -> list[str]:
    """Return what axe-core finds, and say where."""
    page.evaluate(axe)
    found = page.evaluate("() => axe.run().then(({ violations }) => violations)")
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def drawn(page: Any, image_hw: Any) -> str:
    """Draw an image of 28x28 by strokes, and return what the page reads."""
    page.locator("#clear").click()
    says(page, "Draw a digit")
    draw(page, [[(10 * x, 10 * y) for x, y in stroke] for stroke in strokes(image_hw)], steps=1)
    return answer(page)


def answer(page: Any) -> str:
    """Return the answer once the last stroke is read: the drawing is given once more, and that is waited for."""
    page.get_by_role("tab", name="Picture").click()
    says(page, "Choose a picture")
    page.get_by_role("tab", name="Draw").click()
    says(page, re.compile(r"^\S+$"))
    return str(page.locator("#answer").inner_text())


def test_digits_drawn_by_strokes_are_read_one_by_one(page: Any) -> None:
    """Those that were read worst when they were detected: 1, 3 and 5, of the golden images, which are of MNIST's."""
    golden = load(BEST).card.golden
    assert golden.probabilities_nk[:10].argmax(axis=1).tolist() == list(range(10))
    assert [drawn(page, golden.images_nhwc[label, ..., 0]) for label in (1, 3, 5)] == ["1", "3", "5"]
    assert page.locator("#draw-boxes rect").count() == 0


@pytest.mark.realdata
def test_at_least_97_of_a_hundred_drawn_mnist_digits_are_read(visit: Visits, real_data_root: Path) -> None:
    """The first ten of each class of the test split; the model never saw one drawn."""
    split = data.read_split("mnist", "test", root=real_data_root)
    chosen = [int(index) for label in range(10) for index in np.flatnonzero(split.labels_n == label)[:10]]
    page = visit(BEST, detector=zoo.find("digit-finder"))
    read = [drawn(page, split.images_nhwc[index, ..., 0]) for index in chosen]
    wrong = [
        f"{index}: {split.labels_n[index]} read as {text}"
        for index, text in zip(chosen, read, strict=True)
        if text != str(split.labels_n[index])
    ]
    assert len(wrong) <= 3, wrong


def test_one_digit_is_classified_whole_and_many_are_detected(page: Any) -> None:
    draw(page, ONE)
    says(page, "1")
    assert page.locator("#draw-boxes rect").count() == 0
    page.get_by_label("Many digits").check()
    page.get_by_role("button", name="Clear").click()
    for index, digit in enumerate((SEVEN, FOUR)):
        draw(page, digit, left=60 + 200 * index, scale=0.8, steps=1)
    says(page, re.compile("^7 ?4$"))
    assert page.locator("#draw-boxes rect").count() == 2
    assert page.locator("#paper").evaluate("(canvas) => canvas.width") == 480
    page.get_by_label("One digit").check()  # what was drawn stays, and is read as one
    says(page, re.compile(r"^\d$"))
    assert page.locator("#draw-boxes rect").count() == 0


LOOK = """() => {
  const { color, fontWeight, webkitTextFillColor, webkitTextStrokeWidth } =
    getComputedStyle(document.querySelector("#answer span"));
  return JSON.stringify([color, fontWeight, webkitTextFillColor, webkitTextStrokeWidth]);
}"""


def test_letters_of_words_are_no_digits_as_in_python(visit: Visits, by: Any) -> None:
    pixels = typed(["TOTAL 4.86", "GALLONS 20", "OREGON 15"], height_of_digit=40)
    expected = Reader("digit-finder", "digits-webcam", threads=1).read(pixels)
    assert expected.text == "4.86\n20\n15"
    assert sum(one.accepted for one in expected.seen) > len(expected.digits)  # the classifier by itself is sure
    page = visit("digits-webcam", by=by, detector=zoo.find("digit-finder"))
    page.get_by_role("tab", name="Picture").click()
    choose(page, "words.png", png(pixels[..., None]))
    says(page, expected.text)


def test_the_answer_looks_as_sure_as_it_is(page: Any) -> None:
    looks = {}
    for strokes_, name, words in ((SEVEN, "sure", r"^Sure, [\d.]+ %$"), (UNSURE, "unsure", r"^Not sure, .* Or \S+, ")):
        page.locator("#clear").click()
        draw(page, strokes_)
        playwright.expect(page.locator("#answer span")).to_have_class(name)
        playwright.expect(page.locator("#probability")).to_have_text(re.compile(words))
        looks[name] = page.evaluate(LOOK)
    assert looks["sure"] != looks["unsure"]


def test_a_long_answer_stays_in_its_place(page: Any) -> None:
    page.get_by_role("tab", name="Picture").click()
    one = load(BEST).card.golden.images_nhwc[1]
    choose(page, "one.png", png(np.pad(one, ((60, 60), (60, 60), (0, 0)))))
    says(page, "1")
    choose(page, "many.png", png(np.tile(np.pad(one, ((10, 10), (6, 6), (0, 0))), (6, 8, 1))))
    assert page.locator("#crops button").count() > 40
    assert len(page.locator("#answer").inner_text()) > 40
    bars = page.locator("#bars").bounding_box()
    assert bars["y"] + bars["height"] <= page.viewport_size["height"]
    assert page.locator("#answer").get_attribute("tabindex") == "0"  # it scrolls, by keyboard as well


GRAYS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, ...data.filter((_, index) => index % 4 === 0)];
}"""


def tapped(path: Path, image_hwc: Any) -> list[Any]:
    """Return the activations after each convolution by ONNX's own means: after Relu, or after the integers' range."""
    model = onnx.load(path)
    made = {node.output[0]: node for node in model.graph.node}
    users = {name: node for node in model.graph.node for name in node.input}
    wanted = []
    for node in (node for node in made.values() if node.op_type == "Conv"):
        after = users[node.output[0]]
        if after.op_type == "QuantizeLinear":
            after = users[after.output[0]]
        wanted.append(after.output[0])
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(wanted, {"image": image_hwc[None]})


def test_feature_maps_of_a_float_file_are_its_activations(visit: Visits) -> None:
    path = zoo.find(f"{BEST}/fp32")
    maps_are_those_of(visit(path), path)


def test_feature_maps_of_a_quantized_file_are_its_activations(page: Any) -> None:
    maps_are_those_of(page, zoo.find(BEST))


def maps_are_those_of(page: Any, path: Path) -> None:
    """Hold what the page shows of a seven to what ONNX Runtime gives in Python."""
    draw(page, SEVEN)
    says(page, "7")
    page.get_by_role("checkbox", name="Feature maps").check()
    playwright.expect(page.locator("#layers canvas")).to_have_count(6, timeout=30_000)
    image = seen(page)[0][..., :1]
    for index, expected in enumerate(tapped(path, np.ascontiguousarray(image))):
        _, planes, high, wide = expected.shape
        caption = page.locator("#layers figcaption").nth(index).inner_text()
        assert caption == f"Convolution {index + 1}: 16 of {planes} maps of {high} × {wide}"
        width, *values = page.locator("#layers canvas").nth(index).evaluate(GRAYS)
        gray = np.array(values).reshape(-1, width)
        shown = expected[0, :16]
        scaled = 255 * (shown - min(0, shown.min())) / (shown.max() - min(0, shown.min()))
        for plane in range(16):
            top, left = plane // 8 * (high + 1), plane % 8 * (wide + 1)
            assert np.abs(gray[top : top + high, left : left + wide] - scaled[plane]).max() <= 3


def test_two_models_are_compared_on_the_same_pixels(page: Any) -> None:
    draw(page, UNSURE)
    says(page, re.compile(r"^\d$"))
    page.get_by_label("Compare with fp32").check()
    playwright.expect(page.locator("#rows tr")).to_have_count(2, timeout=30_000)
    image = np.ascontiguousarray(seen(page)[0][..., :1])
    for row, name in zip(page.locator("#rows tr").all(), (BEST, f"{BEST}/fp32"), strict=True):
        classifier = load(name)
        prediction = classifier.predict(image)
        assert classifier.card.form in row.locator("th").inner_text()
        label, probability, time = row.locator("td").all_inner_texts()
        assert label == prediction.label
        assert float(probability.removesuffix(" %")) == pytest.approx(100 * prediction.probability, abs=3.1)
        assert re.fullmatch(r"\d+\.\d ms", time)
    page.get_by_label("Compare with fp32").uncheck()
    playwright.expect(page.locator("#models")).to_be_hidden()


KEEP_BLOBS = """() => {
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => { window.blob = blob; return createObjectURL.call(URL, blob); };
}"""


def test_the_answer_is_copied_and_saved(page: Any) -> None:
    playwright.expect(page.locator("#keep")).to_be_hidden()
    draw(page, SEVEN)
    says(page, "7")
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
    page.get_by_role("button", name="Copy").click()
    playwright.expect(page.locator("#kept")).to_have_text("Copied")
    assert page.evaluate("() => window.copied") == "7"
    page.evaluate(KEEP_BLOBS)  # Firefox tells nobody of a download that it makes of one
    page.get_by_role("button", name="Save as JSON").click()
    playwright.expect(page.locator("#kept")).to_have_text("Saved")
    told = json.loads(page.evaluate("() => window.blob.text()"))
    assert (told["model"], told["form"], told["text"]) == (BEST, "int8-static", "7")
    (only,) = told["answers"]
    assert (only["label"], only["box"], set(only["probabilities"])) == ("7", None, set("0123456789"))


def test_it_works_without_its_server_once_it_was_there(by: Any, visit: Visits) -> None:
    page = visit(BEST, by=by, other=default_other(BEST), service_workers="allow", keep_alive=False)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    visit.stop()
    page.reload()
    page.locator("main:not([aria-busy])").wait_for(timeout=60_000)
    draw(page, SEVEN)
    says(page, "7")
    page.get_by_label("Compare with fp32").click()  # never fetched
    playwright.expect(page.locator("#closer-state")).to_have_text(re.compile("^This could not be loaded: "))
    visit.heard.clear()


def test_it_is_an_application_to_install(visit: Visits, built: Path) -> None:
    """What Chromium asks of one: https://web.dev/articles/install-criteria."""
    page = visit()
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert (manifest["errors"], json.loads(manifest["data"])["display"]) == ([], "standalone")
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors] == ["in-incognito"]  # as each page of a test is
    for icon in json.loads(manifest["data"])["icons"]:
        assert (built / icon["src"]).is_file()
        if icon["type"] == "image/png":
            with Image.open(built / icon["src"]) as picture:
                assert "x".join(map(str, picture.size)) == icon["sizes"]


def test_it_can_be_drawn_on_while_it_loads(by: Any, visit: Visits) -> None:
    held: list[Any] = []
    page = visit(BEST, by=by, prepare=lambda page: page.route("**/model.onnx", lambda route: held.append(route)))
    playwright.expect(page.locator("#loaded")).to_have_text(
        re.compile(r"^Loading, \d+\.\d of 14\.\d MB$"), timeout=60_000
    )
    draw(page, SEVEN)
    says(page, "It is read as soon as the network is here.")
    ink = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.includes(255, 4)"
    assert page.locator("#paper").evaluate(ink)
    assert page.locator("#progress").evaluate("(bar) => bar.value > 0 && bar.value < 1")
    held[0].continue_()
    says(page, "7")
    playwright.expect(page.locator("#loading")).to_be_hidden()


@pytest.fixture(params=["chromium-light", "chromium-dark", "firefox-light", "firefox-dark"])
def phone(request: pytest.FixtureRequest, visit: Visits) -> Any:
    """The page on a phone, in each browser and theme, with everything that can be shown beside an answer."""
    name, theme = request.param.split("-")
    dark_fox = {"by": request.getfixturevalue("dark_fox")} if request.param == "firefox-dark" else {}
    by = {"by": request.getfixturevalue("fox")} if request.param == "firefox-light" else dark_fox
    options = {"color_scheme": theme} if name == "chromium" else by
    page = visit(BEST, viewport=PHONE, other=default_other(BEST), detector=zoo.find("digit-finder"), **options)
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 99")
    assert dark is (theme == "dark")
    draw(page, UNSURE, steps=1)
    says(page, re.compile(r"^\d$"))
    page.get_by_role("checkbox", name="Feature maps").check()
    page.get_by_label("Compare with fp32").check()
    playwright.expect(page.locator("#rows tr")).to_have_count(2, timeout=30_000)
    playwright.expect(page.locator("#layers canvas")).to_have_count(6, timeout=30_000)
    page.locator("summary").click()
    return page


def test_everyone_can_use_it_on_a_phone_in_both_themes(phone: Any, axe: str) -> None:
    assert violations(phone, axe) == []
    assert phone.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_everyone_can_use_each_of_its_states(page: Any, axe: str) -> None:
    found = violations(page, axe)
    page.get_by_label("Many digits").check()
    for index, digit in enumerate((SEVEN, FOUR)):
        draw(page, digit, left=60 + 200 * index, scale=0.8, steps=1)
    playwright.expect(page.locator("#crops button").nth(1)).to_be_visible(timeout=30_000)
    found += violations(page, axe)
    page.get_by_role("tab", name="Picture").click()
    choose(page, "white.png", png(np.full((60, 90, 1), 255, np.uint8)))
    found += violations(page, axe)
    page.get_by_role("tab", name="Camera").click()
    assert found + violations(page, axe) == []


@pytest.fixture(scope="module")
def dark_fox(firefox: Callable[..., Any]) -> Any:
    with firefox("dark") as started:
        yield started
