"""The program that makes the page on digits before a camera: what counts as right, real models on a few pages."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from programs import ROOT, program

import edgecnn
from edgecnn import data
from edgecnn.data import Split
from edgecnn.digits import Reader
from edgecnn.digits.pages import glyph_sources
from edgecnn.digits.pages.page import Page

DETECTOR, MODEL = "digit-finder", "digits-webcam"
SIZE = (320, 240)


@pytest.fixture(scope="module")
def camera() -> Iterator[ModuleType]:
    """The program, which has its parts beside it."""
    before = [*sys.path]
    yield program("tools/docs/camera_page.py")
    sys.path[:] = before


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> glyph_sources.Material:
    """What pages are made of, where MNIST is the embedded digits."""
    path = tmp_path_factory.mktemp("camera")
    split = data.read_split("digits", "train", root=data_root)
    for part in ("train", "test"):
        (path / "mnist").mkdir(exist_ok=True)
        np.savez(path / "mnist" / f"{part}.npz", images=split.images_nhwc[..., 0], labels=split.labels_n.astype("u1"))
    return glyph_sources.read_material("test", path)


@pytest.fixture(scope="module")
def pages(camera: ModuleType, material: glyph_sources.Material) -> list[Page]:
    """Two pages of each kind."""
    return [page for page, _ in camera.rendered.drawn(material, 32, [SIZE])]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(edgecnn.load_detector(DETECTOR, threads=1), edgecnn.load(MODEL, threads=1))


def truth(camera: ModuleType, page: Page, *, add: int = 0, signs: bool = True) -> SimpleNamespace:
    """What a reader answers that knows everything; ``add`` is added to each digit."""
    is_digit = page.labels_k < 10
    labels = [str((label + add) % 10) for label in page.labels_k[is_digit]]
    numbers = [
        (number if signs else "".join(filter(str.isdigit, number)), tuple(written.box_4))
        for written in page.texts for number in camera.rendered.whole_numbers(written.text)
    ]  # fmt: skip
    return SimpleNamespace(digits=list(zip(labels, map(tuple, page.boxes_k4[is_digit]), strict=True)), numbers=numbers)


def counted(camera: ModuleType, pages: list[Page], **given: object) -> SimpleNamespace:
    """What the comparison of all pages with the truth adds up to."""
    counts = camera.rendered.Counts()
    for page in pages:
        counts = sum(camera.rendered.compared(page, truth(camera, page, **given)).values(), counts)
    return counts


# --- what is right


def test_who_reads_all_that_is_written_is_right_everywhere(camera: ModuleType, pages: list[Page]) -> None:
    counts = counted(camera, pages)
    assert counts.digits == counts.right > 200
    assert (counts.mistaken, counts.false) == (0, 0)
    assert counts.numbers == counts.numbers_right > 4
    assert counts.signed == counts.signed_right > 1


def test_another_digit_is_a_mistake_and_not_right(camera: ModuleType, pages: list[Page]) -> None:
    counts = counted(camera, pages, add=1)
    assert (counts.right, counts.mistaken) == (0, counts.digits)


def test_numbers_without_their_signs_are_right_by_their_digits_alone(camera: ModuleType, pages: list[Page]) -> None:
    counts = counted(camera, pages, signs=False)
    assert counts.numbers == counts.numbers_right
    assert (counts.signed > 1, counts.signed_right) == (True, 0)


def test_a_reading_where_nothing_is_and_the_second_of_one_digit_are_false(
    camera: ModuleType, pages: list[Page]
) -> None:
    page = next(page for page in pages if ((page.labels_k < 10) & ~page.ignored_k).any())
    known = truth(camera, page)
    clear = np.flatnonzero((page.labels_k < 10) & ~page.ignored_k)[0]
    again = [(str(page.labels_k[clear]), tuple(page.boxes_k4[clear])), ("7", (-90.0, -90.0, 12.0, 12.0))]
    known.digits += again
    before = counted(camera, [page])
    after = sum(camera.rendered.compared(page, known).values(), camera.rendered.Counts())
    assert (after.right, after.false) == (before.right, 2)


def test_a_piece_of_what_is_ignored_counts_neither_way(camera: ModuleType) -> None:
    ignored = np.array([[40, 40, 30, 40]], np.float32)
    page = Page(np.zeros((90, 90), np.uint8), ignored, np.array([6]), np.array([True]))
    answers = [("6", tuple(ignored[0])), ("0", (42.0, 62.0, 14.0, 16.0)), ("1", (64.0, 40.0, 14.0, 16.0))]
    for answer, false in zip(answers, (0, 0, 1), strict=True):
        counts = camera.rendered.compared(page, SimpleNamespace(digits=[answer], numbers=[]))
        assert sum(counted.false for counted in counts.values()) == false, answer


def test_pages_are_of_all_kinds_and_the_same_each_time(camera: ModuleType, material, pages: list[Page]) -> None:
    assert len({page.kind for page in pages}) == 16
    kind, size = camera.rendered.what(3)
    assert (kind, size) == (pages[3].kind, SIZE)
    assert np.array_equal(camera.rendered.page_of(material, 3, kind, size).image_hw, pages[3].image_hw)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3 x 4.86, A12 12:30", ["4.86", "12:30"]),
        ("-7.50 −12", ["-7.50", "-12"]),
        ("3+4=7 12. 5", ["12"]),
        ("TOTAL 1O5", []),
    ],
)
def test_whole_numbers_stand_alone(camera: ModuleType, text: str, numbers: list[str]) -> None:
    assert camera.rendered.whole_numbers(text) == numbers


def test_a_photograph_is_right_where_its_digit_is_read(camera: ModuleType) -> None:
    photo = camera.photographs.Photograph("4", "pen", np.zeros((9, 9, 1), np.uint8), np.array([4]))
    answer = camera.reading.Answer([("4", (0, 0, 1, 1)), ("1", (5, 5, 1, 1))], [])
    score, _ = camera.photographs.scored(photo, "a reader", lambda image_hwc: answer)
    assert (score.there, score.right, score.false, score.outside) == (1, 1, 1, 0)


# --- measured with real models


def test_most_digits_of_rendered_pages_are_read(camera: ModuleType, reader: Reader, material) -> None:
    found = camera.rendered.measured(material, camera.reading.still(reader), 16, [SIZE])
    counts = sum(found.counts.values(), camera.rendered.Counts())
    assert 0.6 * counts.digits < counts.right <= counts.digits
    low, high = found.record()["right_ci95"]
    assert 0 < low <= high <= 1


@pytest.mark.slow
def test_what_is_measured_makes_the_page(
    camera: ModuleType, material, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part on next to nothing: processes of their own, the record written and read, each section of the page."""
    found, rng = {}, np.random.default_rng(0)
    record, rendered, still = camera.record, camera.rendered, camera.still
    with record.watched() as others:
        found["pages"] = rendered.measured(material, camera.reading.still(reader), 3, [SIZE]).record()
    own = record.circumstances(DETECTOR, MODEL, replace(others, busy=0.0), "3.10.0")
    sheet = still.varied(rng, material, 640, 480)
    assert {12, 20, 40} < set(sheet.asked)
    full = still.filled(rng, material, 640, 480)
    assert len(full.labels) == 4
    assert full.boxes_k4[:, 3].min() > 100
    laid = {still.VARIED: [sheet], still.SIXTY: [sheet], still.FULL: [full], still.FULL_SMALL: [full]}
    rows, costs = still.measured(laid, DETECTOR, MODEL, None, details=(0.0,))
    own_rows = [row for row in rows if row.pictures == still.VARIED]
    assert sum(row.digits for row in own_rows) == len(sheet.labels)
    assert sum(row.right for row in own_rows) > len(sheet.labels) / 2
    assert costs[0].peak_bytes > 50_000_000
    found["still"] = still.record(rows, costs, times=True)
    wanted = camera.speed.Wanted(pages=2, timed=4, frames=10, sizes=2)
    found["speed"] = camera.speed.measured(material, DETECTOR, MODEL, wanted)
    profile = found["speed"]["profiles"]["detector"]
    assert "Conv" in json.dumps(profile["operators"])
    assert sum(one["share"] for one in profile["operators"]) == pytest.approx(1, abs=0.01)
    assert [one["frames"] for one in found["speed"]["memory"]["resident"]] == list(range(1, 11))
    blank_mhwc = np.zeros((4, 28, 28, 1), np.uint8)
    found["rejection"] = camera.rejection.of_crops(crops(), blank_mhwc, edgecnn.load(MODEL)).record()
    score = camera.photographs.Score("4", "pen on squared paper", "ours", 1, 1, 0, 0, 0.1)
    found["photographs"] = {"scores": camera.photographs.rows([score], times=True)}
    monkeypatch.setattr(record, "RECORD", tmp_path / "camera.json")
    for part, content in found.items():
        record.put(part, own | content)
    kept, page = record.read(), camera.page()
    assert kept["still"]["rows"] == found["still"]["rows"]
    assert "Not measured yet" not in page
    assert not re.search(r"\| (None|nan) \|", page)
    for said in ("10 of 10, none false", "s a picture", "RapidOCR 3.10.0", "p99", "| Conv |", own["processor"]):
        assert said in page, said
    record.put("speed", own | found["speed"], before=True)
    beside = camera.page()
    assert "| before | here |" in beside
    assert "speed, before (0%)" in beside
    assert beside.count("| RoiAlign |") == 2
    camera.rejection.draw_reliability(kept["rejection"]["bins"], tmp_path / "diagram.png")
    assert (tmp_path / "diagram.png").stat().st_size > 1000


def crops() -> Split:
    """The golden images of the classifier as a split."""
    card = edgecnn.load(MODEL).card
    golden = card.golden
    return Split(golden.images_nhwc, golden.probabilities_nk.argmax(axis=1), tuple(card.labels))


def test_where_others_kept_the_machine_busy_no_time_is_kept(camera: ModuleType) -> None:
    assert camera.record.Others(0.0).are_quiet
    assert not camera.record.Others(0.5).are_quiet
    score = camera.photographs.Score("4", "pen on squared paper", "ours", 1, 1, 0, 0, 0.1)
    assert camera.photographs.rows([score], times=False)[0]["seconds"] is None
    measured = {"pages": 1, "reading": {}, "profiles": {}, "memory": {}}
    assert set(camera.speed.without_times(measured)) == {"pages", "memory"}


def test_a_page_of_nothing_says_what_is_not_measured(camera: ModuleType) -> None:
    page = camera.pages.page({})
    assert page.count("Not measured yet") == len(camera.MEASURES)


def test_the_page_is_made_from_its_record(camera: ModuleType) -> None:
    if not camera.record.RECORD.exists():
        pytest.skip("nothing has been measured with this program yet")
    assert (ROOT / "docs" / "results" / "camera.md").read_text(encoding="utf-8") == camera.page(), "run: make docs"
