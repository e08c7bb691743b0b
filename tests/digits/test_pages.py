"""Rendered pages: the same from the same seed, boxes around the ink, and nothing that nobody could read."""

import importlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecnn import data
from edgecnn.digits.pages import (
    canvas,
    devices,
    digit_pages,
    glyph_sources,
    glyphs,
    page,
    paper,
    scenes,
    strokes,
    wording,
    writing,
)
from edgecnn.digits.pages.page import Page, render_page
from edgecnn.errors import DataError, MissingPackageError
from edgecnn.machine import threads

MANY = 60
ARRAYS = ("image_hw", "boxes_k4", "labels_k", "ignored_k")


@pytest.fixture(scope="module")
def root(tmp_path_factory, data_root: Path) -> Path:
    """A data root whose MNIST is made of the embedded digits, and which has letters of a kind."""
    path = tmp_path_factory.mktemp("pages")
    split = data.read_split("digits", "train", root=data_root)
    images = split.images_nhwc[..., 0]
    for part in ("train", "test"):
        _save(path / "mnist" / f"{part}.npz", images, split.labels_n)
    _save(path / "emnist-letters" / "train.npz", images[:520].transpose(0, 2, 1), np.arange(520) % 26 + 1)
    return path


def _save(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    np.savez(path, images=images, labels=labels.astype(np.uint8))


@pytest.fixture(scope="module")
def ink(root: Path) -> glyph_sources.Material:
    return glyph_sources.read_material("train", root)


@pytest.fixture(scope="module")
def pages(ink) -> list[Page]:
    return [render_page(np.random.default_rng([1, number]), ink, 160, 160) for number in range(MANY)]


def _same(first: Page, second: Page) -> bool:
    arrays = all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ARRAYS)
    texts = [[(text.text, text.box_4.tolist(), text.clear) for text in found.texts] for found in (first, second)]
    return arrays and first.kind == second.kind and texts[0] == texts[1]


# --- pages


def test_the_same_seed_gives_the_same_bytes(ink, pages) -> None:
    assert all(_same(render_page(np.random.default_rng([1, n]), ink, 160, 160), pages[n]) for n in range(20))


def test_seeds_give_different_pages(pages) -> None:
    assert len({found.image_hw.tobytes() for found in pages}) == MANY


@pytest.mark.parametrize(("height", "width"), [(160, 160), (97, 131), (480, 640), (64, 400)])
def test_a_page_has_the_size_that_is_asked_for(ink, height: int, width: int) -> None:
    for number in range(6):
        found = render_page(np.random.default_rng(number), ink, height, width)
        assert (found.image_hw.shape, found.image_hw.dtype) == ((height, width), np.uint8)


@pytest.mark.parametrize("size", [(paper.TILE, paper.TILE), (40, paper.TILE), (paper.TILE, 40), (700, 30)])
def test_texture_is_no_part_of_what_later_pages_are_drawn_on(size: tuple[int, int]) -> None:
    before = [tile.copy() for tile in paper._tiles()]
    for seed in range(6):
        piece = paper.texture(np.random.default_rng(seed), *size)
        piece *= 3
    assert all(np.array_equal(tile, old) for tile, old in zip(paper._tiles(), before, strict=True))


def test_a_page_is_the_same_whatever_was_rendered_before(ink) -> None:
    first, *_, again = (render_page(np.random.default_rng(seed), ink, 260, 340) for seed in (3, *range(40), 3))
    assert np.array_equal(first.image_hw, again.image_hw)


def test_what_is_on_a_page_has_one_box_one_label_and_one_flag_each(pages) -> None:
    for found in pages:
        count = len(found.labels_k)
        assert (found.boxes_k4.shape, found.ignored_k.shape) == ((count, 4), (count,))
        assert (found.boxes_k4.dtype, found.labels_k.dtype, found.ignored_k.dtype) == (np.float32, np.int64, np.bool_)


def test_boxes_lie_within_the_picture(pages) -> None:
    for found in pages:
        low, high = found.boxes_k4[:, :2], found.boxes_k4[:, :2] + found.boxes_k4[:, 2:]
        assert (low >= 0).all()
        assert (high <= 160.001).all()
        assert (found.boxes_k4[:, 2:] > 0).all()


def test_all_digits_and_clutter_appear_and_nothing_else(pages) -> None:
    assert set(np.concatenate([found.labels_k for found in pages]).tolist()) == set(range(11))


def test_both_polarities_and_pages_without_digits_appear(pages) -> None:
    dark = sum(int(np.median(found.image_hw) < 60) for found in pages)
    empty = sum(not (found.labels_k < 10).any() for found in pages)
    assert dark > 3
    assert empty > 1


def test_a_digit_that_counts_can_be_read(pages) -> None:
    for found in pages:
        for x, y, width, height in found.boxes_k4[(found.labels_k < 10) & ~found.ignored_k]:
            patch = found.image_hw[int(y) : int(y + height) + 1, int(x) : int(x + width) + 1]
            low, high = np.percentile(patch, (4, 96))
            assert height >= page.READABLE_HEIGHT * page.VISIBLE
            assert high - low >= 8, (x, y, width, height)


def test_running_text_has_no_digits_that_would_go_unlabeled() -> None:
    assert not any(sign.isdigit() for sign in wording.COMMON + wording.CAPITALS)


@pytest.mark.parametrize("kind", scenes.SCENES)
def test_each_kind_of_page_is_what_is_asked_for(ink, kind: str) -> None:
    found = [render_page(np.random.default_rng([2, number]), ink, 160, 160, kind) for number in range(8)]
    digits = sum(int(((each.labels_k < 10) & ~each.ignored_k).sum()) for each in found)
    assert {each.kind for each in found} == {kind}
    assert (digits == 0) == (kind in ("close-up", "empty"))


def test_every_kind_appears_by_itself(ink) -> None:
    drawn = {render_page(np.random.default_rng([4, number]), ink, 32, 32).kind for number in range(300)}
    assert drawn == set(scenes.SCENES)


def test_lines_of_text_are_told_with_their_place(pages) -> None:
    lines = [(found, text) for found in pages for text in found.texts]
    assert sum(text.clear and "." in text.text for _, text in lines) > 5
    for found, text in lines:
        middles = found.boxes_k4[:, :2] + found.boxes_k4[:, 2:] / 2
        within = ((middles >= text.box_4[:2]) & (middles <= text.box_4[:2] + text.box_4[2:])).all(1)
        readable = within & (found.labels_k < 10) & ~found.ignored_k
        assert readable.sum() >= text.clear * sum(sign.isdigit() for sign in text.text)


def test_what_is_lit_lies_on_its_panel(ink) -> None:
    for number in range(20):
        sheet = canvas.Canvas(160, 160, 160, 160)
        devices.meter(sheet, np.random.default_rng(number), ink)
        assert not sheet.layer("lit")[sheet.layer("panel") == 0].any()


@pytest.mark.parametrize("sign", sorted(strokes.LIT))
@pytest.mark.parametrize("look", [strokes.Segments(), strokes.Segments(6, 4), strokes.Segments(16, 1, True, True)])
def test_every_sign_of_a_display_has_ink_of_its_own(sign: str, look: strokes.Segments) -> None:
    drawn = strokes.segments(sign, look)
    others = [strokes.segments(other, look).field_hw.tobytes() for other in strokes.LIT if other != sign]
    assert drawn.ink > 0
    assert drawn.field_hw.tobytes() not in others


def test_segments_that_are_off_are_fainter_and_nothing_to_find(ink) -> None:
    sheet, rng = canvas.Canvas(60, 120, 60, 120), np.random.default_rng(0)
    pen = writing.Pen("segments", "print", 30.0, unlit=0.2)
    writing.write(sheet, rng, writing.line_of(rng, ink, pen, " 1"), 10, 45)
    assert [mark.label for mark in sheet.marks] == [1]
    assert {0, 51, 255} <= set(np.unique(sheet.layer("print")).tolist())


# --- where the ink is


@pytest.mark.parametrize("kind", ["print", "marker", "pen", "strokes", "segments"])
def test_boxes_are_tight_in_any_perspective(ink, kind) -> None:
    rng = np.random.default_rng(3)
    off = []
    for number in range(40):
        sheet, to_page = page._bare(rng, 160, 160)
        pen = writing.Pen(kind, "hand", 40.0, font=ink.fonts[number % len(ink.fonts)], line=0.08, shear=0.1)
        sign = str(number % 10)
        glyph = writing.character(rng, ink, pen, sign)
        writing.put(sheet, rng, pen, glyph, sign, sheet.width / 2, sheet.height / 2)
        seen = page._seen(sheet.layer("hand").astype(np.float32), to_page, 160, 160)
        x, y, width, height = cv2.boundingRect((seen > 127).astype(np.uint8))
        found = page._boxes(sheet.marks, to_page)[0]
        off.append(
            np.abs([x - found[0], y - found[1], x + width - found[0] - found[2], y + height - found[1] - found[3]])
        )
    assert np.max(off) < 2
    assert np.mean(off) < 0.5


def test_a_flat_page_has_exact_boxes(ink) -> None:
    coverage = np.zeros((60, 60), np.uint8)
    glyph = glyphs.printed(ink.fonts[0], "7")
    hull = glyphs.draw(coverage, glyph, glyphs.placing(glyph, 0.5, 30, 30), 0.0)
    x, y, width, height = cv2.boundingRect((coverage > 127).astype(np.uint8))
    assert hull is not None
    np.testing.assert_allclose([hull.min(0), hull.max(0)], [[x + 0.5, y + 0.5], [x + width - 0.5, y + height - 0.5]])


@pytest.mark.parametrize("height", [10, 20, 40, 100])
def test_a_printed_digit_has_the_height_that_is_asked_for(ink, height: float) -> None:
    glyph = glyphs.printed(ink.fonts[0], "0")
    hull = glyphs.draw(np.zeros((160, 160), np.uint8), glyph, glyphs.placing(glyph, height / glyph.unit, 80, 80), 0.0)
    assert hull is not None
    assert np.ptp(hull[:, 1]) + 1 == pytest.approx(height, abs=1 + height * 0.03)


@pytest.mark.parametrize("width", [2.0, 5.0, 9.0])
def test_a_pen_draws_lines_of_its_width(ink, width: float) -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    glyph = glyphs.thinned(image)
    coverage = np.zeros((120, 120), np.uint8)
    glyphs.draw(coverage, glyph, glyphs.placing(glyph, 80 / glyph.unit, 60, 60), width / 2)
    assert coverage[60].sum() / 255 == pytest.approx(width, abs=1.5)


def test_ink_that_reaches_beyond_the_canvas_is_known_in_full(ink) -> None:
    glyph = glyphs.printed(ink.fonts[0], "8")
    inside, across = (
        glyphs.draw(np.zeros((99, 99), np.uint8), glyph, glyphs.placing(glyph, 0.5, x, 50), 0.0) for x in (50, 95)
    )
    np.testing.assert_allclose(across, inside + np.float32([45, 0]), atol=0.01)


def test_what_is_outside_the_canvas_leaves_no_mark(ink) -> None:
    sheet = canvas.Canvas(50, 50, 50, 50)
    glyph = glyphs.printed(ink.fonts[0], "7")
    sheet.put(glyph, glyphs.placing(glyph, 0.5, 300, 30), grow=0, label=7, layer="print", stroke=1)
    assert sheet.marks == []


# --- what is ignored


def _page(*boxes: tuple[float, float, float, float]) -> Page:
    count = len(boxes)
    return Page(
        np.zeros((100, 100), np.uint8), np.array(boxes, np.float32), np.zeros(count, np.int64), np.zeros(count, bool)
    )


def test_a_digit_cut_by_the_border_is_ignored_and_its_box_ends_there() -> None:
    found = page._within(_page((-10, 10, 20, 30), (50, 50, 10, 20), (99, 10, 20, 20)))
    assert found.ignored_k.tolist() == [True, False, True]
    assert found.boxes_k4[0].tolist() == [0, 10, 10, 30]


def test_what_lies_outside_is_gone() -> None:
    assert len(page._within(_page((-30, 10, 20, 30), (110, 10, 5, 5))).labels_k) == 0


def test_digits_that_hide_each_other_are_ignored() -> None:
    boxes = _page((10, 10, 20, 30), (15, 12, 20, 30), (60, 10, 20, 30)).boxes_k4
    assert page._overlapping(boxes, np.array([1, 2, 3])).tolist() == [True, True, False]


def test_a_narrow_digit_is_as_hard_to_read_as_a_low_one_but_for_the_one() -> None:
    boxes = np.array([[0, 0, 10, 36], [0, 0, 10, 36], [0, 0, 30, 36], [0, 0, 30, 10]], np.float32)
    np.testing.assert_allclose(page._extent(boxes, np.array([8, 1, 8, 8])), [18, 36, 36, 10])


@pytest.mark.parametrize(("text", "ignored"), [("O", True), ("l", True), ("A", False), ("7", False)])
def test_letters_that_could_be_digits_are_unclear(ink, text: str, ignored: bool) -> None:
    sheet = canvas.Canvas(100, 100, 100, 100)
    pen = writing.Pen("print", "print", 30.0, font=ink.fonts[0])
    rng = np.random.default_rng(0)
    writing.write(sheet, rng, writing.line_of(rng, ink, pen, text), 20, 60)
    assert [mark.unclear for mark in sheet.marks] == [ignored]


def test_in_a_word_such_letters_are_nothing_to_show_by_themselves(ink) -> None:
    sheet = canvas.Canvas(100, 200, 100, 200)
    pen = writing.Pen("print", "print", 30.0, font=ink.fonts[0])
    rng = np.random.default_rng(0)
    writing.write(sheet, rng, writing.line_of(rng, ink, pen, "BOOK"), 20, 60)
    assert [mark.silent for mark in sheet.marks] == [False, True, True, False, False]  # the last is the word


def test_numbers_are_written_in_order_on_one_line(ink) -> None:
    sheet = canvas.Canvas(100, 300, 100, 300)
    rng = np.random.default_rng(0)
    pen = writing.Pen("marker", "hand", 30.0)
    writing.write(sheet, rng, writing.line_of(rng, ink, pen, "3141592"), 20, 60)
    boxes = page._boxes(sheet.marks, np.eye(3))
    assert [mark.label for mark in sheet.marks] == [3, 1, 4, 1, 5, 9, 2]
    assert (np.diff(boxes[:, 0]) > 0).all()
    np.testing.assert_allclose(boxes[:, 1] + boxes[:, 3], 60, atol=2)


# --- glyph sources


def test_parts_share_no_handwriting(root: Path) -> None:
    train, test = (glyph_sources.read_material(part, root) for part in ("train", "test"))
    for name in ("digits_nhw", "letters_nhw"):
        seen = {image.tobytes() for image in getattr(train, name)}
        assert len(seen) > 300
        assert not any(image.tobytes() in seen for image in getattr(test, name))


def test_mnist_is_divided_at_fifty_thousand() -> None:
    assert [glyph_sources.part_of(60_000, part) for part in ("train", "test")] == [slice(50_000), slice(50_000, None)]


def test_some_fonts_appear_on_pages_to_choose_by_alone() -> None:
    train, test = set(glyph_sources.fonts_of("train")), set(glyph_sources.fonts_of("test"))
    held_out = {Path(font).stem for font in test - train}
    assert {"STIXGeneralBol", "cmss10"} <= held_out <= set(glyph_sources.HELD_OUT)


def test_every_font_has_ten_different_digits() -> None:
    for font in set(glyph_sources.fonts_of("train") + glyph_sources.fonts_of("test")):
        drawn = {glyphs.printed(font, str(digit)).field_hw.tobytes() for digit in range(10)}
        assert len(drawn) == 10, font


def test_pages_need_no_letters(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mnist").symlink_to(root / "mnist")
    without = glyph_sources.read_material("train", tmp_path)
    assert len(without.letters_nhw) == 0
    for number in range(20):
        render_page(np.random.default_rng(number), without, 96, 96)


def test_broken_letters_are_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mnist").symlink_to(root / "mnist")
    (tmp_path / "emnist-letters").mkdir()
    (tmp_path / "emnist-letters" / "train.npz").write_bytes(b"half")
    with pytest.raises(DataError, match=r"emnist-letters.train.npz: broken or not letters"):
        glyph_sources.read_material("train", tmp_path)


def test_without_opencv_the_message_has_the_command(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "edgecnn.digits.pages.opencv")
    with pytest.raises(MissingPackageError, match=r"needs cv2, .* pip install 'edgecnn\[webcam\]'"):
        importlib.import_module("edgecnn.digits.pages.opencv")


# --- sets of pages


def test_a_set_is_padded_to_the_most_things_on_a_page(ink) -> None:
    found = digit_pages.render_set(3, 12, 64, ink, workers=1)
    most = found.labels.shape[1]
    assert (found.images.shape, found.boxes.shape, found.ignored.shape) == ((12, 64, 64), (12, most, 4), (12, most))
    assert ((found.labels == -1) == (found.boxes[..., 2] == 0)).all()
    assert (found.labels[:, -1] >= 0).any()


def _equal(first: digit_pages.Pages, second: digit_pages.Pages) -> bool:
    return all(np.array_equal(getattr(first, k), getattr(second, k)) for k in digit_pages.Pages.__dataclass_fields__)


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(ink) -> None:
    one, two = (digit_pages.render_set(3, 60, 64, ink, workers=workers) for workers in (1, 2))
    assert _equal(one, two)


@pytest.mark.slow
def test_a_script_that_its_own_processes_would_run_again_is_told_what_to_do(root: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom edgecnn.digits.pages import digit_pages, glyph_sources\n"
        "digit_pages.render_set(0, 100, 64, glyph_sources.read_material('test', Path(sys.argv[1])), workers=2)\n"
    )
    command = [sys.executable, tmp_path / "script.py", root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (
        done.stderr.strip().splitlines()[-1].startswith("edgecnn.errors.DataError: a process that renders pages ended")
    )


def test_a_page_does_not_depend_on_how_many_follow(ink) -> None:
    few, more = (digit_pages.render_set(3, count, 64, ink, workers=1) for count in (5, 9))
    np.testing.assert_array_equal(few.images, more.images[:5])


@pytest.fixture
def small(monkeypatch) -> None:
    """Sets of six pages, 64x64."""
    monkeypatch.setattr(digit_pages, "COUNTS", {"train": 6, "test": 6})
    monkeypatch.setattr(digit_pages, "SIZE", 64)


def test_a_container_that_may_use_one_cpu_starts_no_process(
    ink: glyph_sources.Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cpu_quota", lambda: 1.0)
    monkeypatch.setattr(digit_pages, "BATCH", 1)
    monkeypatch.setattr(digit_pages.concurrent.futures, "ProcessPoolExecutor", None)
    assert len(digit_pages.render_set(1, 2, 64, ink)) == 2


def test_pages_are_rendered_once(root: Path, tmp_path: Path, small) -> None:
    (tmp_path / "mnist").symlink_to(root / "mnist")
    first = digit_pages.read(tmp_path, "test")
    (tmp_path / "mnist").unlink()
    assert _equal(digit_pages.read(tmp_path, "test"), first)
    assert [path.name for path in (tmp_path / "digit-pages").iterdir()] == ["test.npz"]


def test_a_broken_set_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "digit-pages" / "train.npz"
    path.parent.mkdir()
    path.write_bytes(b"half")
    with pytest.raises(DataError, match=r"broken or not pages .* delete it to have it made again"):
        digit_pages.read(tmp_path, "train")


def test_a_root_that_cannot_be_written_to_is_an_error(root: Path, tmp_path: Path, small) -> None:
    (tmp_path / "mnist").symlink_to(root / "mnist")
    (tmp_path / "digit-pages").touch()
    with pytest.raises(DataError, match=r"digit-pages: cannot be put into .*EDGECNN_DATA"):
        digit_pages.read(tmp_path, "train")


@pytest.mark.realdata
def test_real_handwriting_is_divided_at_fifty_thousand(real_data_root: Path) -> None:
    train, test = (glyph_sources.read_material(part, real_data_root) for part in ("train", "test"))
    assert (len(train.digits_nhw), len(test.digits_nhw)) == (50_000, 10_000)
    seen = {image.tobytes() for image in train.digits_nhw}
    assert not any(image.tobytes() in seen for image in test.digits_nhw)
