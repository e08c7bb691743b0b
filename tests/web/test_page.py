"""The page in a real Chromium: drawing, pictures and the camera give what Python gives, and nothing leaves the page."""

import base64
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from digits.written import written

from edgecnn import data, zoo
from edgecnn.digits import Reader
from edgecnn.digits.defaults import MIN_SCORE
from edgecnn.digits.ink import ink_alone
from edgecnn.digits.order import reading_order, text_of
from edgecnn.runtime.classifier import load
from edgecnn.runtime.detector import load_detector
from edgecnn.runtime.image import to_input

from .acting import FOUR, ONE, SEVEN, ZERO, Pixels, choose, draw, playwright, png, says, seen, shows
from .conftest import MODEL, SIDE, SLOTS, Visits

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("label", "strokes"), [("7", SEVEN), ("1", ONE), ("4", FOUR), ("0", ZERO)])
def test_strokes_of_the_mouse_are_read(visit: Visits, label: str, strokes: Any) -> None:
    page = visit()
    says(page, "Draw a digit")
    draw(page, strokes)
    says(page, label)
    shows(page, seen(page)[0][..., :1], load(MODEL))
    page.get_by_role("button", name="Clear").click()
    says(page, "Draw a digit")
    assert seen(page) == []


def test_a_picture_is_dropped(visit: Visits) -> None:
    page, classifier = visit(), load(MODEL)
    digit = classifier.card.golden.images_nhwc[3]
    picture = np.random.default_rng(0).integers(0, 60, (100, 140, 3), np.uint8)
    picture[8:92, 28:112] = np.maximum(picture[8:92, 28:112], digit.repeat(3, axis=0).repeat(3, axis=1))
    page.get_by_role("tab", name="Picture").click()
    says(page, "Choose a picture")
    transfer = page.evaluate_handle(
        """(text) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
          transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
          return transfer;
        }""",
        base64.b64encode(png(picture)).decode(),
    )
    page.locator("#drop").dispatch_event("drop", {"dataTransfer": transfer})
    playwright.expect(page.locator("#picture-name")).to_have_text("dropped.png")
    shows(page, to_input(picture, classifier.card.input), classifier)
    assert page.locator("#picture-boxes .ground").get_attribute("x") == "20"


def test_a_picture_is_pasted_wherever_one_is(visit: Visits) -> None:
    page, classifier = visit(), load(MODEL)
    digit = classifier.card.golden.images_nhwc[3]
    page.evaluate(
        """(text) => {
          const clipboardData = new DataTransfer();
          const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
          clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
        }""",
        base64.b64encode(png(digit)).decode(),
    )
    playwright.expect(page.locator("#picture-name")).to_have_text("image.png", timeout=30_000)
    assert page.get_by_role("tab", name="Picture").get_attribute("aria-selected") == "true"
    shows(page, digit, classifier)


WATCH = """() => {
  window.turns = 0;
  const turn = () => { window.turns += 1; setTimeout(turn); };
  turn();
  const told = document.querySelector("#looks-done");
  window.told = [];
  new MutationObserver(() => window.told.push([told.textContent, window.turns])).observe(told, { childList: true });
}"""


def test_a_large_picture_is_looked_at_in_parts_as_in_python_while_the_page_goes_on(visit: Visits) -> None:
    pixels, text = written(width=1000, height=750, height_of_digit=14, columns=9, rows=6)
    reader = Reader("digit-finder", "digits-webcam", threads=1)
    assert len(reader.read(pixels, detail=0).digits) < len(text)
    page, expected = visit("digits-webcam", detector=zoo.find("digit-finder")), reader.read(pixels)
    page.get_by_role("tab", name="Picture").click()
    page.evaluate(WATCH)
    choose(page, "large.png", png(pixels[..., None]))
    says(page, expected.text)
    assert "".join(expected.text.split()) == text
    boxes = page.locator("#picture-boxes rect").all()
    found = [[float(box.get_attribute(side)) for side in ("x", "y", "width", "height")] for box in boxes]
    np.testing.assert_allclose(found, [digit.box for digit in expected.digits], atol=0.5)
    assert page.locator("#picture-looked").inner_text() == "Looked at as a whole and in 4 parts, down to its pixels."
    playwright.expect(page.locator("#looking")).to_be_hidden()
    told = page.evaluate("() => window.told")
    assert [line for line, _ in told] == [f"Looking closely, {done} of 6 parts" for done in range(6)]
    assert all(before < after for (_, before), (_, after) in itertools.pairwise(told))
    page.get_by_role("button", name="Actual size").click()
    sides = "(part) => { const { width, height } = part.getBoundingClientRect(); return [width, height]; }"
    assert [page.locator(part).evaluate(sides) for part in ("#preview", "#picture-boxes")] == [[1000, 750]] * 2
    assert page.locator("#picture-boxes text").all_text_contents() == list(text)
    page.get_by_role("tab", name="Draw").click()
    page.get_by_role("tab", name="Picture").click()  # it is not looked at again
    says(page, expected.text)
    assert len(page.evaluate("() => window.told")) == 6


def test_a_picture_that_comes_while_another_is_looked_at_takes_its_place(visit: Visits) -> None:
    page = visit("digits-webcam", detector=zoo.find("digit-finder"))
    page.get_by_role("tab", name="Picture").click()
    large, _ = written(width=1600, height=1200, height_of_digit=60, columns=9, rows=6)
    small, text = written(width=200, height=100, height_of_digit=50, columns=2, rows=1, seed=5)
    page.locator("#file").set_input_files(
        {"name": "large.png", "mimeType": "image/png", "buffer": png(large[..., None])}
    )
    playwright.expect(page.locator("#looking")).to_be_visible(timeout=30_000)
    choose(page, "small.png", png(small[..., None]))
    says(page, re.compile(" ?".join(text)))
    assert page.locator("#picture-boxes rect").count() == len(text)
    assert page.locator("#picture-looked").inner_text() == ""
    playwright.expect(page.locator("#looking")).to_be_hidden()


def test_a_picture_that_is_too_large_for_a_canvas_is_scaled_down_and_that_is_said(visit: Visits) -> None:
    page = visit()
    page.get_by_role("tab", name="Picture").click()
    picture = np.zeros((4000, 5000, 1), np.uint8)
    golden = load(MODEL).card.golden
    digit = golden.images_nhwc[3]
    picture[880:3120, 1380:3620] = np.kron(digit, np.ones((80, 80, 1), np.uint8))
    choose(page, "huge.png", png(picture))
    says(page, str(golden.probabilities_nk[3].argmax()))
    assert page.locator("#picture-looked").inner_text() == (
        "Read at 4579 × 3663 pixels, scaled down from 5000 × 4000. "
        "Only what is framed was classified: 3663 × 3663 of 4579 × 3663 pixels."
    )
    assert page.locator("#preview").evaluate("({ width, height }) => [width, height]") == [4579, 3663]
    assert page.locator("#picture-boxes").get_attribute("viewBox") == "0 0 4579 3663"


def test_pictures_of_all_kinds_meet_the_same_pixels_as_in_python(visit: Visits) -> None:
    page, classifier = visit(), load(MODEL)
    page.get_by_role("tab", name="Picture").click()
    draw_ = np.random.default_rng(1)
    for number, (height, width, channels) in enumerate(
        [(28, 28, 1), (97, 113, 3), (480, 640, 3), (9, 300, 1), (3, 2, 3)]
    ):
        picture = draw_.integers(0, 256, (height, width, channels), np.uint8)
        choose(page, f"{number}.png", png(picture))
        shows(page, to_input(picture, classifier.card.input), classifier)
    see_through = draw_.integers(0, 256, (60, 60, 4), np.uint8)
    see_through[..., 3] = np.where(see_through[..., 3] < 128, 0, 255)
    choose(page, "see-through.png", png(see_through))
    shows(page, to_input(see_through, classifier.card.input), classifier)


def test_a_file_that_is_no_picture_is_named_and_takes_the_one_before_it_away(visit: Visits) -> None:
    page = visit()
    page.get_by_role("tab", name="Picture").click()
    choose(page, "there.png", png(np.zeros((40, 60, 1), np.uint8)))
    page.locator("#file").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    says(page, "notes.txt is not a picture that this browser reads. Try a PNG or JPEG.")
    playwright.expect(page.locator("#preview")).to_be_hidden()
    assert (page.locator("#picture-name").inner_text(), page.locator("#picture-boxes *").count()) == ("", 0)


def classified(page: Any, images_nhwc: Pixels) -> list[str]:
    """Give each image to the page as a picture, and return what it says."""
    page.get_by_role("tab", name="Picture").click()
    answers = []
    for number, image in enumerate(images_nhwc):
        choose(page, f"{number}.png", png(image))
        answers.append(page.locator("#answer").inner_text())
    return answers


def test_a_hundred_embedded_digits_get_the_answers_of_python(visit: Visits, model: Path, data_root: Path) -> None:
    images_nhwc = data.read_split("digits", "test", root=data_root).images_nhwc[:100]
    expected = [prediction.label for prediction in load(model).predict_batch(images_nhwc)]
    assert classified(visit(model), images_nhwc) == expected


@pytest.mark.realdata
def test_a_hundred_mnist_digits_get_the_answers_of_python(visit: Visits, real_data_root: Path) -> None:
    images_nhwc = data.read_split("mnist", "test", root=real_data_root).images_nhwc[:100]
    expected = [prediction.label for prediction in load(MODEL).predict_batch(images_nhwc)]
    assert classified(visit(), images_nhwc) == expected


@pytest.mark.realdata
def test_a_hundred_mnist_digits_drawn_on_the_canvas_are_as_often_right_as_in_python(
    visit: Visits, real_data_root: Path
) -> None:
    """Each is painted onto the canvas ten times as large, so it goes the way of ink: fitted and centered."""
    split = data.read_split("mnist", "test", root=real_data_root)
    labels = [split.names[label] for label in split.labels_n[:100]]
    python = [prediction.label for prediction in load(MODEL).predict_batch(split.images_nhwc[:100])]
    page, drawn = visit(), []
    for image in split.images_nhwc[:100]:
        drawn.append(painted(page, image))
    right = [sum(a == b for a, b in zip(labels, answers, strict=True)) for answers in (drawn, python)]
    assert right[0] == right[1], f"{right[0]} drawn, {right[1]} in Python"


def painted(page: Any, image: Pixels) -> str:
    """Paint an image of 28x28 onto the canvas, ten times as large, and return what the page says."""
    page.locator("#paper").evaluate(
        """(canvas, values) => {
          const context = canvas.getContext("2d");
          values.forEach((value, index) => {
            context.fillStyle = `rgb(${value}, ${value}, ${value})`;
            context.fillRect(10 * (index % 28), 10 * Math.floor(index / 28), 10, 10);
          });
        }""",
        image.ravel().tolist(),
    )
    page.get_by_role("tab", name="Picture").click()
    says(page, "Choose a picture")
    page.get_by_role("tab", name="Draw").click()
    says(page, re.compile(r"^\d$"))
    return str(page.locator("#answer").inner_text())


def write_video(path: Path, *frames_hw: Pixels) -> Path:
    """Write ten frames, or ten times all of several, as YUV4MPEG2, whose white is 235 and whose black is 16."""
    high, wide = frames_hw[0].shape
    content = b""
    for gray_hw in frames_hw:
        luma = (16 + gray_hw.astype(np.float64) * 219 / 255).round().astype(np.uint8)
        content += b"FRAME\n" + luma.tobytes() + bytes([128]) * (high * wide // 2)
    path.write_bytes(f"YUV4MPEG2 W{wide} H{high} F30:1 Ip A1:1 C420jpeg\n".encode() + content * 10)
    return path


def filming(video: Path) -> tuple[str, ...]:
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )


def page_of_digits(labels: str, *, high: int = 480, wide: int = 640, light: bool = True) -> Pixels:
    """Digits of the golden images at the detector's places; a blank leaves one empty. Gray (H, W)."""
    golden = load(MODEL).card.golden
    best, images = golden.probabilities_nk.argmax(axis=1).astype(str), golden.images_nhwc[..., 0]
    by_label = dict(zip(best[::-1], images[::-1], strict=True))  # the first of each, which is an easy one
    frame = np.zeros((high, wide), np.uint8)
    for label, (x, y) in zip(labels, SLOTS, strict=True):
        if label != " ":
            frame[y : y + SIDE, x : x + SIDE] = np.kron(by_label[label], np.ones((SIDE // 28, SIDE // 28), np.uint8))
    return frame if light else 200 - frame // 2


def test_the_camera_is_read(visit: Visits, chromium: Callable[..., Any], tmp_path: Path) -> None:
    golden = load(MODEL).card.golden
    frame = np.zeros((480, 640), np.uint8)
    frame[16:464, 96:544] = np.kron(golden.images_nhwc[5, ..., 0], np.ones((16, 16), np.uint8))
    with chromium(*filming(write_video(tmp_path / "camera.y4m", frame))) as browser:
        page = visit(by=browser)
        page.get_by_role("tab", name="Camera").click()
        says(page, "Start the camera")
        page.get_by_role("button", name="Start camera").click()
        says(page, str(golden.probabilities_nk[5].argmax()))
        playwright.expect(page.locator("#times")).to_have_text(re.compile(r"^classify \d+\.\d ms · \d+ frames/s$"))
        page.get_by_role("button", name="Stop camera").click()
        says(page, "Camera stopped")
        assert page.locator("#video").evaluate("(video) => video.srcObject") is None
        page.get_by_role("button", name="Start camera").click()
        says(page, str(golden.probabilities_nk[5].argmax()))
        page.get_by_role("tab", name="Draw").click()
        says(page, "Draw a digit")
        assert page.locator("#video").evaluate("(video) => video.srcObject") is None


def test_the_frame_that_is_shown_is_the_one_that_was_read(
    visit: Visits, chromium: Callable[..., Any], tmp_path: Path
) -> None:
    """Each frame of the video is another digit at another place: the crop is of the frame that is seen beside it."""
    golden, frames = load(MODEL).card.golden, []
    for index in range(4):
        frame = np.zeros((480, 640), np.uint8)
        frame[16:464, 90 + index : 538 + index] = np.kron(
            golden.images_nhwc[index, ..., 0], np.ones((16, 16), np.uint8)
        )
        frames.append(frame)
    with chromium(*filming(write_video(tmp_path / "camera.y4m", *frames))) as browser:
        page = visit(by=browser)
        page.get_by_role("tab", name="Camera").click()
        page.get_by_role("button", name="Start camera").click()
        playwright.expect(page.locator("#camera-frame")).to_be_visible(timeout=30_000)
        pairs = [shown_and_read(page) for _ in range(12)]
        page.get_by_role("button", name="Stop camera").click()
        playwright.expect(page.locator("#camera-frame")).to_be_hidden()
    assert len({shown.tobytes() for shown, _ in pairs}) > 1
    for shown, read in pairs:
        difference = np.abs(to_input(shown, load(MODEL).card.input)[..., 0].astype(int) - read[..., 0])
        assert difference.max() <= 1


def shown_and_read(page: Any) -> tuple[Pixels, Pixels]:
    """Return the frame that the page shows and the crop that it says the network saw, at one moment."""
    page.wait_for_timeout(100)
    told = page.evaluate(
        """() => Array.from(document.querySelectorAll("#camera-frame, #crops canvas"), (canvas) => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          let text = "";
          for (const value of data) text += String.fromCharCode(value);
          return [height, width, btoa(text)];
        })"""
    )
    frame, crop = (
        np.frombuffer(base64.b64decode(text), np.uint8).reshape(high, wide, 4)[..., :3] for high, wide, text in told
    )
    return frame, crop


def test_the_camera_stops_when_the_page_is_hidden(visit: Visits, chromium: Callable[..., Any], tmp_path: Path) -> None:
    video = write_video(tmp_path / "camera.y4m", np.zeros((480, 640), np.uint8))
    with chromium(*filming(video)) as browser:
        page = visit(by=browser)
        page.get_by_role("tab", name="Camera").click()
        page.get_by_role("button", name="Start camera").click()
        playwright.expect(page.locator("#times")).to_contain_text("frames/s", timeout=30_000)
        page.evaluate(  # a headless browser hides no page
            """() => {
              Object.defineProperty(document, "hidden", { value: true });
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
        says(page, "The camera was stopped because the page was hidden.")
        assert page.locator("#video").evaluate("(video) => video.srcObject") is None


def test_a_camera_that_comes_after_its_tab_was_left_is_let_go(visit: Visits) -> None:
    page = visit()
    page.evaluate(  # a camera for which the browser asks until allow() is called
        """() => {
          const stream = document.createElement("canvas").captureStream();
          navigator.mediaDevices.getUserMedia = () => new Promise((allow) => { window.allow = () => allow(stream); });
          window.state = () => stream.getVideoTracks()[0].readyState;
        }"""
    )
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Start camera").click()
    page.get_by_role("tab", name="Draw").click()
    assert page.evaluate("() => window.state()") == "live"
    page.evaluate("() => window.allow()")
    assert page.evaluate("() => window.state()") == "ended"
    says(page, "Draw a digit")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("NotAllowedError", "The camera was not allowed. Allow it for this page in the browser's settings, then start"),
        ("NotFoundError", "No camera was found. Connect one, then start again."),
        ("NotReadableError", "The camera is in use by another program. Close that, then start again."),
    ],
)
def test_a_camera_that_does_not_start_is_explained(visit: Visits, error: str, text: str) -> None:
    page = visit()
    page.evaluate(
        "(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }", error
    )
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Start camera").click()
    says(page, re.compile(f"^{re.escape(text)}"))
    playwright.expect(page.get_by_role("button", name="Start camera")).to_be_visible()


def test_a_page_without_a_camera_because_of_its_address_says_so(visit: Visits) -> None:
    page = visit(host="0.0.0.0", address="http://insecure.test:PORT/")
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Start camera").click()
    says(
        page, re.compile("^Browsers give the camera to safe pages alone. Open this page on the machine that serves it")
    )


def test_the_detector_reads_a_picture_as_it_does_in_python(visit: Visits, detector: Path) -> None:
    """Dark on light as well: MNIST's model gets the ink of a crop, as it does in front of a camera in Python."""
    page, classifier = visit(detector=detector), load(MODEL)
    page.get_by_role("tab", name="Picture").click()
    for number, (labels, light) in enumerate([("274", True), ("318", False), (" 06", True)]):
        frame = page_of_digits(labels, light=light)
        detections = load_detector(detector).detect(frame)
        good = detections.scores_m >= MIN_SCORE
        crops_mhwc, boxes_m4 = ink_alone(detections.crops_mhwc[good]), detections.boxes_m4[good]
        order = reading_order(boxes_m4)
        text = text_of([prediction.label for prediction in classifier.predict_batch(crops_mhwc)], boxes_m4, order)
        assert text == labels.strip()
        choose(page, f"{number}.png", png(frame[..., None]))
        says(page, text)
        expected = crops_mhwc[np.concatenate(order)]
        np.testing.assert_array_equal(np.stack(seen(page)), np.repeat(expected, 3, axis=3))
        boxes = page.locator("#picture-boxes rect").all()
        found = [[float(box.get_attribute(side)) for side in ("x", "y", "width", "height")] for box in boxes]
        assert found == boxes_m4[np.concatenate(order)].tolist()
    choose(page, "empty.png", png(np.zeros((480, 640, 1), np.uint8)))
    says(page, "No digit found")
    assert (seen(page), page.locator("#picture-boxes rect").count()) == ([], 0)


def test_what_is_no_digit_is_rejected(visit: Visits, detector: Path, rejecting: Path) -> None:
    page = visit(rejecting, detector=detector)
    page.get_by_role("tab", name="Picture").click()
    choose(page, "page.png", png(page_of_digits("318")[..., None]))
    says(page, "31")
    assert len(seen(page)) == page.locator("#picture-boxes rect").count() == 2
    eight = re.compile(r"^detect \d+\.\d ms · classify \d+\.\d ms · 1 rejected$")  # the low score is at a three's place
    playwright.expect(page.locator("#times")).to_have_text(eight)


def test_the_detector_reads_a_drawing_and_the_camera(
    visit: Visits, chromium: Callable[..., Any], detector: Path, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "camera.y4m", page_of_digits("835", light=False))
    with chromium(*filming(video)) as browser:
        page = visit(detector=detector, by=browser)
        says(page, "Draw a digit")
        page.get_by_label("Many digits").check()
        for strokes, (x, _) in zip((SEVEN, ONE, FOUR), SLOTS, strict=True):
            draw(page, [[(a, b + 180 - 20) for a, b in stroke] for stroke in strokes], left=x, scale=0.5)
        says(page, re.compile("^7 ?1 ?4$"))
        page.locator("#crops button").nth(2).click()
        assert page.locator("#bars .best .label").inner_text() == "4"
        page.get_by_role("tab", name="Camera").click()
        page.get_by_role("button", name="Start camera").click()
        says(page, "835")
        assert page.locator("#camera-boxes rect").count() == 3
        assert page.locator("#looks-done").inner_text() == ""  # each frame is looked at once


def test_a_color_model_takes_pictures_and_no_drawing(visit: Visits, color: Path) -> None:
    page, classifier = visit(color), load(color)
    playwright.expect(page.get_by_role("tab", name="Draw")).to_be_hidden()
    says(page, "Choose a picture")
    picture = np.random.default_rng(0).integers(0, 200, (50, 90, 3), np.uint8)
    picture[:, 40:, 1] |= 128
    choose(page, "green.png", png(picture))
    shows(page, to_input(picture, classifier.card.input), classifier)


def test_everything_is_reached_by_keyboard(visit: Visits) -> None:
    page = visit()
    press = page.keyboard.press
    press("Tab")
    playwright.expect(page.get_by_role("tab", name="Draw")).to_be_focused()
    press("Tab")
    playwright.expect(page.locator("#paper")).to_be_focused()
    playwright.expect(page.locator("#pen")).to_be_visible()
    press("Space")
    playwright.expect(page.locator("#pen-state")).to_have_text("pen down")
    for _ in range(8):
        press("ArrowDown")
    press("Space")
    says(page, "1")
    press("Delete")
    says(page, "Draw a digit")
    press("Tab")
    playwright.expect(page.get_by_role("button", name="Clear")).to_be_focused()
    press("Tab")
    playwright.expect(page.get_by_role("checkbox", name="Feature maps")).to_be_focused()
    press("Tab")
    playwright.expect(page.locator("summary")).to_be_focused()
    press("Enter")
    playwright.expect(page.locator("#card")).to_be_visible()
    for _ in range(4):
        press("Shift+Tab")
    press("ArrowRight")
    playwright.expect(page.get_by_role("tab", name="Picture")).to_be_focused()
    press("Tab")
    playwright.expect(page.locator("#file")).to_be_focused()
    press("Shift+Tab")
    press("ArrowRight")
    press("Tab")
    playwright.expect(page.get_by_role("button", name="Start camera")).to_be_focused()


def test_a_finger_draws_on_a_phone_and_nothing_is_wider_than_its_screen(visit: Visits, detector: Path) -> None:
    for options in ({}, {"detector": detector}):
        page = visit(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True, **options)
        page.locator("summary").click()
        for tab in ("Picture", "Camera", "Draw"):
            page.get_by_role("tab", name=tab).click()
            assert page.evaluate("() => document.documentElement.scrollWidth") == 360
        page.evaluate("() => scrollTo(0, 0)")
        if not options:
            swipe(page, [(140, 60), (139, 120), (138, 215)])
            says(page, "1")
            assert page.evaluate("() => scrollY") == 0
        for button in page.locator("button:visible, label.button:visible").all():
            assert button.bounding_box()["height"] >= 44


def swipe(page: Any, stroke: list[tuple[int, int]]) -> None:
    """Draw with a finger, in pixels of a canvas of 280."""
    box, session = page.locator("#paper").bounding_box(), page.context.new_cdp_session(page)
    places = [{"x": box["x"] + box["width"] * x / 280, "y": box["y"] + box["height"] * y / 280} for x, y in stroke]
    for kind, place in [("touchStart", places[0]), *(("touchMove", place) for place in places[1:])]:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


CONTRAST = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (rgb) => rgb.map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = light(numbers(getComputedStyle(document.body).backgroundColor));
  const elements = ["#model", "header p", "#probability", "#times", "#bars .value", "#bars .best .value", "[role=tab]"];
  const ratios = elements.map((name) => {
    const text = light(numbers(getComputedStyle(document.querySelector(name)).color));
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
  return [ground, Math.min(...ratios)];
}"""


def test_it_is_dark_in_the_dark_and_readable_in_both(visit: Visits) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme)
        draw(page, SEVEN)
        says(page, "7")
        grounds[scheme], contrast = page.evaluate(CONTRAST)
        assert contrast >= 4.5
    assert grounds["dark"] < 0.05
    assert grounds["light"] > 0.9


def test_the_policy_holds_the_page_to_its_own_server(visit: Visits) -> None:
    """The other tests assert that nothing was asked of anyone else; here the page tries to, and may not."""
    page = visit()
    told = page.evaluate("() => fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)")
    assert told == "TypeError"
    assert [text for text in visit.heard if "Content Security Policy" in text]
    visit.heard.clear()


def test_the_answer_is_announced_and_everything_has_a_name(visit: Visits) -> None:
    page = visit()
    assert page.locator("[role=status] #answer").count() == 1
    assert page.locator(".result[role=status]").get_attribute("aria-live") == "polite"
    nameless = page.evaluate(
        """() => Array.from(document.querySelectorAll("button, input, canvas[tabindex], video, [role]"))
          .filter((element) => element.getAttribute("role") !== "status")
          .filter((element) => !(element.getAttribute("aria-label") || element.getAttribute("aria-labelledby") ||
            element.textContent.trim() || element.closest("label")?.textContent.trim()))
          .map((element) => element.outerHTML)"""
    )
    assert nameless == []
    meant = page.evaluate(
        """() => ["aria-controls", "aria-labelledby", "aria-describedby"].flatMap(
          (name) => Array.from(document.querySelectorAll(`[${name}]`), (it) => it.getAttribute(name).split(" "))
        ).flat()"""
    )
    assert len(meant) >= 8
    assert [identifier for identifier in meant if not page.locator(f"#{identifier}").count()] == []
