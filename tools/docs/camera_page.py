"""docs/results/camera.md: digits read in photographs, an OCR engine beside it in the same run, and on rendered pages.

    python tools/docs/camera_page.py --data-root ROOT [--pictures FOLDER]

ROOT has MNIST, from which pages and crops are rendered that nothing was trained on or chosen by, and ``digit-photos``:
pen digits on squared paper, one per picture, and sudokus with 9x9 labels. A reading counts for the cell in which its
middle lies; the grid's corners are those of the largest quadrangle. What is read outside it may well be a digit of
the page, so it is counted apart, and ``--pictures`` shows it. Each photograph is read once more as a video, by the
command. RapidOCR joins in where it can be imported (pip install --no-deps --target FOLDER rapidocr-onnxruntime, and
what it needs).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn import load, load_detector
from edgecnn.boxes import overlaps
from edgecnn.data import read_split
from edgecnn.digits import Reader
from edgecnn.digits.pages.crops import around, crop, squares
from edgecnn.digits.pages.glyph_sources import read_material
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.digits.pages.page import Page, render_page
from edgecnn.files import write_text
from edgecnn.machine.environment import environment
from edgecnn.metrics import Bin, expected_calibration_error, reliability
from edgecnn.runtime.image import read_image
from edgecnn.webcam.recorder import Recorder

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, DIAGRAM = DOCS / "results" / "camera.md", DOCS / "results" / "camera-reliability.png"
BLURRED = ("image1", "image36", "image73", "image185")
FILLED = ("image2002", "image2003")
SIDE = 9
FRAMES = 20  # of a video of a photograph
PAGES, PAGE_SEED, PAGE_HEIGHT, PAGE_WIDTH = 1000, 97, 240, 320
RIGHT = 0.5  # intersection over union
ACCEPTED = 0.97  # of the digits, where letters and clutter are counted

Box = tuple[float, float, float, float]
Read = Callable[[NDArray[np.uint8]], list[tuple[str, Box]]]


@dataclass(frozen=True)
class Photograph:
    """A picture and its digits: one, or a grid of 81 where 0 is empty."""

    name: str
    group: str
    image_hwc: NDArray[np.uint8]
    digits: NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """What was read in one picture: digits right of those there, digits where there is none or another, and outside."""

    there: int
    right: int
    false: int
    outside: int
    seconds: float


def photographs(root: Path) -> list[Photograph]:
    """Read all photographs of the data root."""
    found = []
    for path in sorted((root / "digit-photos" / "pen-on-squared-paper").glob("*.jpg")):
        found.append(Photograph(path.stem, "pen on squared paper", read_image(path), np.array([int(path.stem)])))
    for path in sorted((root / "digit-photos" / "sudoku").glob("*.jpg")):
        rows = path.with_suffix(".dat").read_text().splitlines()[2 : 2 + SIDE]
        digits = np.array([[int(digit) for digit in row.split()] for row in rows])
        group = "sudoku, filled in" if path.stem in FILLED else "sudoku, print"
        if path.stem in BLURRED:
            group += ", blurred"
        found.append(Photograph(path.stem, group, read_image(path), digits))
    return found


def corners(image_hwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the grid's corners (4, 2) from the top left, clockwise: the largest quadrangle that lines draw."""
    gray = cv2.GaussianBlur(cv2.cvtColor(_bgr(image_hwc), cv2.COLOR_BGR2GRAY), (5, 5), 0)
    best = np.zeros((4, 2), np.float32)
    for block in (31, 51, 15, 81):
        ink = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, 5)
        ink = cv2.dilate(ink, np.ones((3, 3), np.uint8))
        outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:3]:
            hull = cv2.convexHull(outline)
            for slack in (0.02, 0.04, 0.06, 0.1):
                shape = cv2.approxPolyDP(hull, slack * cv2.arcLength(hull, True), True)
                if len(shape) == 4 and cv2.contourArea(shape) > cv2.contourArea(best):
                    best = shape[:, 0].astype(np.float32)
                    break
    order = np.argsort(np.arctan2(*(best - best.mean(0)).T[::-1]))
    return best[order]


def scored(photo: Photograph, read: Read) -> tuple[Score, list[tuple[str, Box]]]:
    """Read one picture and compare."""
    started = time.perf_counter()
    readings = read(photo.image_hwc)
    seconds = time.perf_counter() - started
    if photo.digits.ndim == 1:
        right = int(any(label == str(photo.digits[0]) for label, _ in readings))
        return Score(1, right, len(readings) - right, 0, seconds), readings
    square = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    to_grid = cv2.getPerspectiveTransform(corners(photo.image_hwc), square)
    claimed = np.zeros((SIDE, SIDE), bool)
    false = outside = 0
    for label, (x, y, width, height) in readings:
        middle = np.float32([[[x + width / 2, y + height / 2]]])
        column, row = np.floor(cv2.perspectiveTransform(middle, to_grid)[0, 0]).astype(int)
        if not (0 <= row < SIDE and 0 <= column < SIDE):
            outside += 1
        elif str(photo.digits[row, column]) == label and not claimed[row, column]:
            claimed[row, column] = True
        else:
            false += 1
    return Score(int((photo.digits > 0).sum()), int(claimed.sum()), false, outside, seconds), readings


def edgecnn_reader(detector: str, model: str) -> Read:
    """Return the detector and the classifier behind it, as ``edgecnn webcam`` runs them on a still picture."""
    reader = Reader(load_detector(detector), load(model))

    def read(image_hwc: NDArray[np.uint8]) -> list[tuple[str, Box]]:
        return [(digit.label, digit.box) for digit in reader.read(image_hwc).digits]

    return read


def filming_reader(detector: str, model: str) -> Read:
    """Return what ``edgecnn webcam --source FILE`` says at the end of a video of the picture."""
    command = [sys.executable, "-m", "edgecnn_cli.main", "webcam", model, "--detector", detector, "--json", "--source"]

    def read(image_hwc: NDArray[np.uint8]) -> list[tuple[str, Box]]:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / "video.avi"
            film(_bgr(image_hwc), video)
            told = subprocess.run([*command, str(video)], capture_output=True, text=True, check=True).stdout
        digits = json.loads(told.splitlines()[-1])["digits"]
        return [(digit["label"], tuple(digit["box"])) for digit in digits]

    return read


def film(picture_bgr: NDArray[np.uint8], path: Path) -> None:
    """Write a video of a picture in a hand that comes to rest: shift, rotation, zoom, exposure and a sensor's noise."""
    rng = np.random.default_rng(0)
    height, width = picture_bgr.shape[:2]
    with Recorder(path, fps=30) as recorder:
        for unrest in np.linspace(1, 0, FRAMES):
            rotation, zoom = unrest * rng.normal(0, 1.0), 1 + unrest * rng.normal(0, 0.015)
            to_frame = cv2.getRotationMatrix2D((width / 2, height / 2), rotation, zoom)
            to_frame[:, 2] += unrest * rng.normal(0, 0.008, 2) * width
            frame = cv2.warpAffine(picture_bgr, to_frame, (width, height), borderMode=cv2.BORDER_REPLICATE)
            noisy = frame * (1 + unrest * rng.normal(0, 0.05)) + rng.normal(0, 3, frame.shape)
            recorder.write(noisy.clip(0, 255).astype(np.uint8))


def rapidocr_reader() -> Read | None:
    """Return RapidOCR's readings of single characters, or None where it is not installed."""
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError:
        return None
    engine = RapidOCR()

    def read(image_hwc: NDArray[np.uint8]) -> list[tuple[str, Box]]:
        lines, _ = engine(_bgr(image_hwc), return_word_box=True)
        characters = [pair for line in lines or [] for pair in zip("".join(line[4]), line[3], strict=False)]
        return [(label, _upright(quadrangle)) for label, quadrangle in characters if label.isdigit()]

    return read


def _bgr(image_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(image_hwc, 3, 2) if image_hwc.shape[2] == 1 else np.ascontiguousarray(image_hwc[..., ::-1])


def _upright(quadrangle: list[list[float]]) -> Box:
    points = np.array(quadrangle)
    (x, y), (right, bottom) = points.min(0), points.max(0)
    return float(x), float(y), float(right - x), float(bottom - y)


def draw(photo: Photograph, readings: list[tuple[str, Box]], path: Path) -> None:
    """Write the picture with what was read in it."""
    picture = _bgr(photo.image_hwc).copy()
    if photo.digits.ndim == 2:
        cv2.polylines(picture, [corners(photo.image_hwc).astype(int)], True, (255, 160, 0), 1)
    for label, box in readings:
        x, y, width, height = (round(side) for side in box)
        cv2.rectangle(picture, (x, y), (x + width, y + height), (0, 200, 0), 1)
        cv2.putText(picture, label, (x, y - 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 255), 1, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)


def table(scores: dict[str, dict[str, list[Score]]]) -> str:
    """Return one line per group and engine."""
    lines = [
        "| photographs | read by | pictures | right / there | false positives in the grid | outside | s per picture |",
        "|---|---|---|---|---|---|---|",
    ]
    for group, engines in scores.items():
        for engine, found in engines.items():
            names = ("right", "there", "false", "outside", "seconds")
            right, there, false, outside, seconds = (sum(getattr(score, name) for score in found) for name in names)
            cells = (group, engine, len(found), f"{right} / {there}", false, outside, f"{seconds / len(found):.3f}")
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Rendered:
    """Rendered pages: how many digits there were, detected and read right, read as another, and false positives."""

    digits: int
    right: int
    mistaken: int
    false: int


def test_pages(root: Path) -> Iterator[Page]:
    """Render the pages: nothing was trained on these, nor chosen by them."""
    material = read_material("test", root)
    for number in range(PAGES):
        rng = np.random.default_rng(np.random.SeedSequence(PAGE_SEED, spawn_key=(number,)))
        yield render_page(rng, material, PAGE_HEIGHT, PAGE_WIDTH)


def rendered(root: Path, read: Read) -> Rendered:
    """Read pages whose handwriting, and some of whose typefaces, are held out of training.

    A reading is of the digit whose square overlaps its own by half of their union: squares are what is cut out.
    """
    digits = right = mistaken = false = 0
    for page in test_pages(root):
        is_digit = (page.labels_k < CLUTTER) & ~page.ignored_k
        digits += int(is_digit.sum())
        claimed = np.zeros(len(page.labels_k), bool)
        for label, box in read(page.image_hw[..., None]):
            overlap_k = np.where(claimed, 0, overlaps(around(np.array([box], np.float32)), around(page.boxes_k4))[0])
            best = int(overlap_k.argmax()) if overlap_k.max(initial=0) > RIGHT else -1
            if best < 0:
                false += 1
            elif is_digit[best]:
                claimed[best] = True
                same = str(page.labels_k[best]) == label
                right, mistaken = right + same, mistaken + (not same)
            elif not page.ignored_k[best]:
                false += 1
    return Rendered(digits, right, mistaken, false)


@dataclass(frozen=True)
class Rejection:
    """The classifier alone at the threshold that accepts 97 % of the digits of test crops: the share accepted of
    letters and clutter of the rendered pages, and of the crops of "none", a third of which are digits cut wrongly."""

    threshold: float
    accepted_clutter: float
    clutter: int
    accepted_none: float
    digits: int
    nones: int
    accuracy: float
    calibration_error: float


def clutter_crops(root: Path) -> NDArray[np.uint8]:
    """Cut letters, words, signs and shapes out of the rendered pages, as the detector would hand them over."""
    found = []
    for page in test_pages(root):
        clutter = (page.labels_k == CLUTTER) & ~page.ignored_k
        found += [crop(page.image_hw, square) for square in squares(page.boxes_k4[clutter])]
    return np.array(found)[..., None]


def rejection(root: Path, model: str) -> Rejection:
    """Measure rejection and calibration, and draw the reliability diagram."""
    split = read_split("digit-crops", "test", root=root)
    classifier = load(model)
    none = split.names.index("none")

    def confidence_of(images_nhwc: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        batches = (images_nhwc[i : i + 256] for i in range(0, len(images_nhwc), 256))
        probabilities_nk = np.concatenate([classifier.probabilities(batch) for batch in batches])
        return probabilities_nk, np.delete(probabilities_nk, none, axis=1).max(axis=1)

    probabilities_nk, digit_n = confidence_of(split.images_nhwc)
    clutter_m = confidence_of(clutter_crops(root))[1]
    is_none = split.labels_n == none
    threshold = float(np.quantile(digit_n[~is_none], 1 - ACCEPTED))
    draw_reliability(reliability(probabilities_nk, split.labels_n))
    return Rejection(
        threshold=threshold,
        accepted_clutter=float((clutter_m >= threshold).mean()),
        clutter=len(clutter_m),
        accepted_none=float((digit_n[is_none] >= threshold).mean()),
        digits=int((~is_none).sum()),
        nones=int(is_none.sum()),
        accuracy=float((probabilities_nk.argmax(axis=1) == split.labels_n).mean()),
        calibration_error=expected_calibration_error(probabilities_nk, split.labels_n),
    )


def draw_reliability(bins: list[Bin]) -> None:
    """Draw accuracy against confidence; the dots grow with the images behind them."""
    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    sizes = [12 + 300 * own.images / sum(each.images for each in bins) for own in bins]
    axes.scatter([own.confidence for own in bins], [own.accuracy for own in bins], s=sizes)
    figure.savefig(DIAGRAM, dpi=120)


def text(figures: str, pages: Rendered, crops: Rejection, processor: str, threads: int) -> str:
    """Return the page."""
    return f"""# Digits before a camera

Made by `python tools/docs/camera_page.py --data-root ROOT` on {processor}, {threads} threads, with the thresholds of
`edgecnn webcam`. None of these pictures, pages and crops was trained on. The photographs were looked at, though: the
rule that drops a reading around a more confident one of the same digit followed from two of them, and the score that is
asked for went from 0.25 back to 0.3 after false positives in the pen's, at a price on rendered pages that was known.
Thresholds were set on other pages of the same held-out handwriting, a few hundred of the thousand below were seen at
two of them.

## Photographs

{figures}

*false positives in the grid*: a reading in an empty cell, or not the cell's digit, or a second one there. *outside*:
readings off the grid, where newspapers have digits of their own. *filmed*: {FRAMES} frames of the picture in an
unsteady hand that comes to rest, as a video file through `edgecnn webcam --source FILE`; the last frame's answer
counts, which the frames before it had a vote in.

## Rendered pages

{PAGES:,} pages of {PAGE_WIDTH}x{PAGE_HEIGHT} in varied light, with held-out handwriting and some held-out typefaces: of
{pages.digits:,} digits that can be read, {pages.right / pages.digits:.2%} were detected and read right,
{pages.mistaken} were detected and taken for another digit; {pages.false / PAGES:.2f} false positives per page.

A digit can be read, here and in training, that is 10 pixels high, 30 gray levels from its paper, clear of the noise,
and blurred by at most 0.085 of its height (`edgecnn/digits/pages/page.py`). A reading is of the digit whose square,
which is what the classifier gets, overlaps its own by half of their union.

## Rejection

On {crops.digits + crops.nones:,} test crops the classifier is right on {crops.accuracy:.2%}, "none" being a class.
Where it accepts 97 % of the digits (threshold {crops.threshold:.3f}), it accepts {crops.accepted_clutter:.2%} of
{crops.clutter:,} letters, words and signs of the rendered pages, and {crops.accepted_none:.2%} of the test crops of
"none", a third of which are digits cut wrongly. Expected calibration error {crops.calibration_error:.4f}:

![Accuracy against confidence](camera-reliability.png)
"""


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--detector", default="digit-finder")
    parser.add_argument("--model", default="digits-webcam")
    parser.add_argument("--pictures", type=Path, help="folder for the photographs with what was read in them")
    options = parser.parse_args()
    ours = edgecnn_reader(options.detector, options.model)
    engines = {
        f"{options.detector} and {options.model}": ours,
        "the same, filmed": filming_reader(options.detector, options.model),
        "RapidOCR": rapidocr_reader(),
    }
    scores: dict[str, dict[str, list[Score]]] = {}
    for photo in photographs(options.data_root):
        for engine, read in engines.items():
            if read is None:
                continue
            score, readings = scored(photo, read)
            scores.setdefault(photo.group, {}).setdefault(engine, []).append(score)
            print(f"{photo.name:12} {engine:32} {score.right:3} / {score.there:3} {score.false:3} {score.outside:3}")
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                draw(photo, readings, options.pictures / f"{photo.name}-{engine.split()[0].replace('/', '-')}.png")
    pages, crops = rendered(options.data_root, ours), rejection(options.data_root, options.model)
    machine = environment()
    page = text(table(scores), pages, crops, machine.processor, machine.threads_available)
    write_text(PAGE, page)
    print(page)


if __name__ == "__main__":
    main()
