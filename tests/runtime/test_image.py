"""Any picture becomes the model's input by one documented rule, or says why not."""

import contextlib
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from edgecnn.card import ImageInput
from edgecnn.errors import ImageError
from edgecnn.runtime.image import is_color, read_image, read_picture, resize, to_input

SIDES = st.integers(1, 40)
ColorS = st.tuples(*[st.integers(0, 255)] * 3)
RANDOM = np.random.default_rng(0)
NOISE_HW3 = RANDOM.integers(0, 256, (40, 36, 3), dtype=np.uint8)
ORIENTATION = 0x0112

# What every language must reproduce: pixel (row r, column c, channel k) of the frame is (53 r + 31 c + 97 k) % 256.
GOLDEN_FRAME_HWC = np.fromfunction(lambda r, c, k: (53 * r + 31 * c + 97 * k) % 256, (7, 10, 3)).astype(np.uint8)
GOLDEN_GRAY_5X4 = [
    [137, 153, 160, 121],
    [119, 127, 100, 118],
    [115, 128, 125, 141],
    [115, 145, 133, 141],
    [164, 159, 107, 123],
]
GOLDEN_RGB_3X3 = [
    [[103, 165, 74], [153, 129, 107], [142, 96, 154]],
    [[163, 94, 145], [116, 124, 157], [103, 154, 108]],
    [[94, 171, 106], [141, 141, 95], [174, 83, 145]],
]
GOLDEN_GRAY_9X9_ROW_4 = [90, 111, 135, 142, 106, 130, 138, 149, 170]


def _images(channels: st.SearchStrategy[int]) -> st.SearchStrategy[NDArray[np.uint8]]:
    return st.tuples(SIDES, SIDES, channels).flatmap(lambda shape: hnp.arrays(np.uint8, shape))


def _saved(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def _one_pixel(picture: Image.Image, path: Path, **options: object) -> list[int]:
    """Save a picture of one color and return what is read in its first pixel."""
    return read_image(_saved(picture, path, **options))[0, 0].tolist()


def _message(frame: object) -> str:
    with pytest.raises(ImageError) as caught:
        to_input(frame, ImageInput(28, 28, 1))
    return str(caught.value)


# --- the resize rule


def _exact(image_hw: NDArray[np.uint8], height: int, width: int) -> list[list[Fraction]]:
    """The documented filter in exact arithmetic, pixel by pixel."""

    def weights(source: int, target: int, i: int) -> list[Fraction]:
        scale = Fraction(source, target)
        distances = [abs(j + Fraction(1, 2) - (i + Fraction(1, 2)) * scale) for j in range(source)]
        raw = [max(Fraction(0), 1 - distance / max(scale, Fraction(1))) for distance in distances]
        return [weight / sum(raw) for weight in raw]

    rows = [weights(image_hw.shape[0], height, i) for i in range(height)]
    columns = [weights(image_hw.shape[1], width, i) for i in range(width)]
    pixels = image_hw.tolist()
    return [
        [
            sum(a * b * pixels[y][x] for y, a in enumerate(row) if a for x, b in enumerate(column) if b)
            for column in columns
        ]
        for row in rows
    ]


@given(_images(st.sampled_from([1, 3])), SIDES, SIDES)
def test_resize_is_within_one_level_of_pillow_bilinear(image: NDArray[np.uint8], height: int, width: int) -> None:
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    expected = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)
    assert np.abs(resize(image, height, width).astype(int) - expected).max() <= 1


@settings(max_examples=40)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.integers(1, 7), st.integers(1, 7))
def test_resize_is_the_documented_filter_rounded_half_up(image: NDArray[np.uint8], height: int, width: int) -> None:
    exact = np.array(_exact(image, height, width), dtype=np.float64)
    found = resize(image[..., None], height, width)[..., 0]
    rounding = found - exact
    assert (rounding > -0.5 - 1e-3).all()
    assert (rounding <= 0.5 + 1e-3).all()


@given(_images(st.sampled_from([1, 3])))
def test_resize_to_the_same_size_changes_nothing(image: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(resize(image, *image.shape[:2]), image)


@given(st.integers(0, 255), SIDES, SIDES, SIDES, SIDES)
def test_resize_keeps_a_plain_area_plain(level: int, tall: int, wide: int, height: int, width: int) -> None:
    plain = np.full((tall, wide, 1), level, dtype=np.uint8)
    np.testing.assert_array_equal(resize(plain, height, width), np.full((height, width, 1), level))


def test_a_half_is_rounded_up() -> None:
    assert resize(np.array([[[0], [1]]], dtype=np.uint8), 1, 1).tolist() == [[[1]]]


def test_golden_gray_made_smaller() -> None:
    assert to_input(GOLDEN_FRAME_HWC, ImageInput(5, 4, 1))[..., 0].tolist() == GOLDEN_GRAY_5X4


def test_golden_rgb_made_smaller() -> None:
    assert to_input(GOLDEN_FRAME_HWC, ImageInput(3, 3, 3)).tolist() == GOLDEN_RGB_3X3


def test_golden_gray_made_larger() -> None:
    assert to_input(GOLDEN_FRAME_HWC, ImageInput(9, 9, 1))[4, :, 0].tolist() == GOLDEN_GRAY_9X9_ROW_4


# --- crop, color and order of channels


@pytest.mark.parametrize(
    ("frame_shape", "wanted", "kept"),
    [
        ((9, 4), (4, 4), np.s_[2:6, :]),
        ((4, 9), (4, 4), np.s_[:, 2:6]),
        ((6, 6), (2, 3), np.s_[1:5, :]),
        ((6, 6), (3, 2), np.s_[:, 1:5]),
        ((7, 4), (4, 4), np.s_[1:5, :]),
    ],
    ids=["tall", "wide", "to wide", "to tall", "odd rest"],
)
def test_the_largest_window_in_the_middle_is_kept(frame_shape, wanted, kept) -> None:
    frame = RANDOM.integers(0, 256, frame_shape, dtype=np.uint8)
    expected = resize(np.ascontiguousarray(frame[kept])[..., None], *wanted)
    np.testing.assert_array_equal(to_input(frame, ImageInput(*wanted, 1)), expected)


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1)])
def test_frames_thinner_than_the_window_still_fit(shape: tuple[int, int]) -> None:
    plain = np.full(shape, 77, dtype=np.uint8)
    np.testing.assert_array_equal(to_input(plain, ImageInput(28, 28, 1)), np.full((28, 28, 1), 77))


@given(ColorS)
def test_gray_is_the_documented_whole_number_formula(color: tuple[int, int, int]) -> None:
    red, green, blue = color
    found = to_input(np.array([[color]], dtype=np.uint8), ImageInput(1, 1, 1))
    assert found.item() == (299 * red + 587 * green + 114 * blue + 500) // 1000


@pytest.mark.parametrize(
    ("color", "gray"),
    [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((255, 255, 255), 255), ((128, 0, 2), 39)],
    ids=["red", "green", "blue", "white", "a half, rounded up"],
)
def test_gray_weighs_red_green_and_blue(color: tuple[int, int, int], gray: int) -> None:
    assert to_input(np.array([[color]], dtype=np.uint8), ImageInput(1, 1, 1)).item() == gray


@pytest.mark.parametrize("bgr", [False, True])
def test_every_color_of_a_whole_frame_is_gray_by_the_formula(bgr: bool) -> None:
    """Frames are turned gray in parts: 256 rows are two of them, 181 lie in one and a little."""
    levels = np.arange(256, dtype=np.uint8)
    red, green = (plane[..., None] for plane in np.meshgrid(levels, levels, indexing="ij"))
    for blue in levels:
        frame_hwc = np.concatenate([red, green, np.full_like(red, blue)], axis=2)
        expected = (299 * red.astype(int) + 587 * green.astype(int) + 114 * int(blue) + 500) // 1000
        found = to_input(frame_hwc[..., ::-1] if bgr else frame_hwc, ImageInput(256, 256, 1), bgr=bgr)
        np.testing.assert_array_equal(found, expected)
    frame_hwc = RANDOM.integers(0, 256, (181, 200, 3), dtype=np.uint8)
    expected = (frame_hwc.astype(int) @ [299, 587, 114] + 500) // 1000
    np.testing.assert_array_equal(to_input(frame_hwc, ImageInput(181, 200, 1))[..., 0], expected)


def test_rgb_from_gray_repeats_it() -> None:
    frame = RANDOM.integers(0, 256, (5, 5), dtype=np.uint8)
    np.testing.assert_array_equal(to_input(frame, ImageInput(5, 5, 3)), np.stack([frame] * 3, axis=2))


def test_color_comes_before_resize() -> None:
    frame = np.array([[[255, 0, 0], [0, 255, 0]]], dtype=np.uint8)  # 76 and 150: half of their sum is 113
    assert to_input(np.repeat(frame, 2, axis=0), ImageInput(1, 1, 1)).item() == 113


@given(ColorS, st.integers(0, 255))
def test_transparency_is_laid_over_white(color: tuple[int, int, int], alpha: int) -> None:
    found = to_input(np.array([[[*color, alpha]]], dtype=np.uint8), ImageInput(1, 1, 3))[0, 0]
    expected = [(part * alpha + 255 * (255 - alpha)) / 255 for part in color]
    assert np.abs(found - expected).max() <= 0.5


@given(_images(st.sampled_from([1, 3, 4])), st.sampled_from([1, 3]))
def test_bgr_is_rgb_turned_round(frame: NDArray[np.uint8], channels: int) -> None:
    wanted = ImageInput(6, 5, channels)
    turned = frame if frame.shape[2] == 1 else np.concatenate([frame[..., 2::-1], frame[..., 3:]], axis=2)
    np.testing.assert_array_equal(to_input(turned, wanted, bgr=True), to_input(frame, wanted))


def test_bgr_is_turned_round_in_a_frame_that_has_the_size_already() -> None:
    wanted = ImageInput(*NOISE_HW3.shape)
    np.testing.assert_array_equal(to_input(NOISE_HW3[..., ::-1], wanted, bgr=True), NOISE_HW3)


def test_a_frame_that_fits_is_not_copied() -> None:
    assert to_input(NOISE_HW3, ImageInput(*NOISE_HW3.shape)) is NOISE_HW3


@given(_images(st.sampled_from([1, 3, 4])), SIDES, SIDES, st.sampled_from([1, 3]))
def test_every_frame_becomes_the_input(frame: NDArray[np.uint8], height: int, width: int, channels: int) -> None:
    found = to_input(frame, ImageInput(height, width, channels))
    assert (found.dtype, found.shape) == (np.uint8, (height, width, channels))


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.int64, bool])
def test_another_dtype_is_named_with_the_one_expected(dtype: type) -> None:
    expected = f"uint8 pixels 0..255, found an array of {np.dtype(dtype)}. Do not scale or normalize it."
    assert expected in _message(np.zeros((28, 28, 1), dtype))


@pytest.mark.parametrize(
    ("frame", "kind"), [([[1, 2]], "list"), (None, "NoneType"), (Image.new("L", (28, 28)), "Image")]
)
def test_what_is_no_array_is_named(frame: object, kind: str) -> None:
    assert f"a frame is a numpy array of uint8 pixels 0..255, found {kind}." in _message(frame)


@pytest.mark.parametrize("shape", [(28,), (28, 28, 2), (28, 28, 5), (1, 28, 28, 1), (0, 28, 1), (28, 0)])
def test_another_shape_is_named_with_those_expected(shape: tuple[int, ...]) -> None:
    assert _message(np.zeros(shape, np.uint8)) == (
        f"a frame has shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), found {shape}."
    )


# --- picture files


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(stored, 2).T),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, upright: Callable) -> None:
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = _saved(Image.fromarray(stored), tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(path)[..., 0], upright(stored))


def test_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(_saved(Image.fromarray(NOISE_HW3), tmp_path / "a.png")), NOISE_HW3)


def test_gray_has_one_channel(tmp_path: Path) -> None:
    gray = NOISE_HW3[..., 0]
    np.testing.assert_array_equal(read_image(_saved(Image.fromarray(gray), tmp_path / "a.png")), gray[..., None])


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[True, False]]))
    assert read_image(_saved(picture, tmp_path / "a.png")).tolist() == [[[255], [0]]]


@pytest.mark.parametrize(("deep", "shallow"), [(0, 0), (128, 0), (129, 1), (32768, 128), (65535, 255)])
def test_16_bit_gray_is_scaled(tmp_path: Path, deep: int, shallow: int) -> None:
    path = _saved(Image.fromarray(np.array([[deep, 65535]], np.uint16)), tmp_path / "a.png")
    assert read_image(path).ravel().tolist() == [shallow, 255]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_integers_that_do_not_fill_16_bits_are_scaled_from_those_they_fill(
    tmp_path: Path, bits: int, suffix: str
) -> None:
    most = 2**bits - 1
    path = _saved(Image.fromarray(np.array([[0, most // 2, most]], np.uint16)), tmp_path / f"a{suffix}")
    found = read_picture(path)
    assert found.pixels_hwc.ravel().tolist() == [0, 127, 255]
    assert found.assumed == f"values taken for {bits} bits"


def test_integers_of_16_bits_are_nothing_to_assume(tmp_path: Path) -> None:
    path = _saved(Image.fromarray(np.array([[0, 30_000]], np.uint16)), tmp_path / "a.png")
    assert read_picture(path).assumed is None


@pytest.mark.parametrize("most", [255, 4095, 65535, 2**24 - 1, 2**31 - 1])
def test_a_tiff_of_32_bits_is_not_black(tmp_path: Path, most: int) -> None:
    path = _saved(Image.fromarray(np.array([[0, most]], np.int32)), tmp_path / "a.tif")
    assert read_image(path).ravel().tolist() == [0, 255]


def test_integers_below_0_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.tif: .*integers from -1024 to 3071, expected 0 or more"):
        read_image(_saved(Image.fromarray(np.array([[-1024, 3071]], np.int32)), tmp_path / "a.tif"))


@pytest.mark.parametrize(("deep", "shallow"), [(0.0, 0), (0.5, 128), (1.0, 255)])
def test_floating_point_gray_is_scaled(tmp_path: Path, deep: float, shallow: int) -> None:
    assert _one_pixel(Image.fromarray(np.full((2, 2), deep, np.float32)), tmp_path / "a.tif") == [shallow]


@pytest.mark.parametrize("deep", [240.0, -1.0, float("nan")])
def test_floating_point_beyond_white_is_refused(tmp_path: Path, deep: float) -> None:
    """Of 0..255 nearly all would come out white, and be answered."""
    with pytest.raises(ImageError, match=r"a\.tif: .*expected 0\.\.1; save it with 8 or 16 bits"):
        _one_pixel(Image.fromarray(np.full((2, 2), deep, np.float32)), tmp_path / "a.tif")


@pytest.mark.parametrize(("alpha", "expected"), [(0, [255, 255, 255]), (255, [200, 100, 0]), (51, [244, 224, 204])])
def test_a_transparent_picture_is_laid_over_white(tmp_path: Path, alpha: int, expected: list[int]) -> None:
    assert _one_pixel(Image.new("RGBA", (2, 2), (200, 100, 0, alpha)), tmp_path / "a.png") == expected


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(("ink", "seen"), [(255, 255), (230, 230), (100, 100)])
def test_light_ink_on_nothing_is_seen(tmp_path: Path, mode: str, ink: int, seen: int) -> None:
    drawn = Image.new("L", (3, 1), ink)
    drawn.putalpha(Image.fromarray(np.array([[0, 255, 0]], np.uint8)))
    found = read_picture(_saved(drawn.convert(mode), tmp_path / "a.png"))
    paper = 255 if ink == 100 else 0
    assert found.pixels_hwc[0, :, 0].tolist() == [paper, seen, paper]
    assert (found.assumed is None) == (paper == 255)


def test_transparent_gray_is_laid_over_white(tmp_path: Path) -> None:
    assert _one_pixel(Image.new("LA", (2, 2), (0, 51)), tmp_path / "a.png") == [204, 204, 204]


def test_a_palette_becomes_its_colors(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 2), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
    assert _one_pixel(picture, tmp_path / "a.png") == [10, 200, 30]


def test_a_transparent_entry_of_a_palette_becomes_white(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 2), 1)
    picture.putpalette([9, 9, 9, 200, 100, 0])
    assert _one_pixel(picture, tmp_path / "a.png", transparency=1) == [255, 255, 255]


@pytest.mark.parametrize(
    ("ink", "rgb"), [((0, 0, 0, 0), [255] * 3), ((0, 0, 0, 255), [0] * 3), ((0, 255, 255, 0), [255, 0, 0])]
)
def test_cmyk_becomes_rgb(tmp_path: Path, ink: tuple[int, ...], rgb: list[int]) -> None:
    assert _one_pixel(Image.new("CMYK", (2, 2), ink), tmp_path / "a.tif") == rgb


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    black, white = Image.new("L", (2, 2), 0), Image.new("L", (2, 2), 255)
    path = _saved(black, tmp_path / "a.gif", save_all=True, append_images=[white])
    assert read_image(path).max() == 0


SUFFIXES = [".png", ".jpg", ".bmp", ".gif", ".webp", ".tif", ".ppm"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_picture_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = _saved(Image.fromarray(NOISE_HW3), tmp_path / f"half{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=f"half{suffix}: "):
        read_image(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_picture_is_read_or_refused(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    path = _saved(Image.fromarray(NOISE_HW3[:6, :5]), tmp_path / f"damaged{suffix}")
    content = bytearray(path.read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[position] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(ImageError):
        assert read_image(path).dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a picture"),
        (b"hello, world\n", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "broken|cannot be read|not a pic"),
    ],
    ids=["empty", "text", "signature alone"],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=rf"a\.png: ({reason})"):
        read_image(tmp_path / "a.png")


def test_the_bytes_of_a_file_are_read_as_the_file(tmp_path: Path) -> None:
    path = _saved(Image.fromarray(NOISE_HW3), tmp_path / "picture.png")
    np.testing.assert_array_equal(read_image(path.read_bytes()), NOISE_HW3)
    with pytest.raises(ImageError, match=r"^picture: cannot be read"):
        read_image(path.read_bytes()[:-100])


def test_a_missing_picture_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.png: cannot be read \(No such file or directory\)"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("limit", [300, 200], ids=["beyond the limit", "twice the limit"])
def test_a_picture_too_large_to_be_safe_is_refused(tmp_path: Path, monkeypatch, limit: int) -> None:
    path = _saved(Image.new("L", (25, 20)), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ImageError, match=r"a\.png: too large to be safe .* Scale it down first"):
        read_image(path)


# --- has it colors?


@pytest.mark.parametrize(
    ("mode", "suffix", "color"),
    [
        ("1", ".png", False),
        ("L", ".png", False),
        ("LA", ".png", False),
        ("I;16", ".png", False),
        ("F", ".tif", False),
        ("P", ".png", True),
        ("RGB", ".png", True),
        ("RGBA", ".png", True),
        ("CMYK", ".tif", True),
    ],
)
def test_color_is_told_from_the_header(tmp_path: Path, mode: str, suffix: str, color: bool) -> None:
    assert is_color(_saved(Image.new(mode, (2, 2)), tmp_path / f"a{suffix}")) is color


def test_color_is_told_without_the_pixels(tmp_path: Path) -> None:
    path = _saved(Image.fromarray(NOISE_HW3), tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:60])
    assert is_color(path)


def test_what_cannot_be_opened_has_no_color(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello")
    assert not is_color(tmp_path / "a.png")


@pytest.mark.parametrize("limit", [300, 200], ids=["beyond the limit", "twice the limit"])
def test_what_is_too_large_has_no_color(tmp_path: Path, monkeypatch, limit: int) -> None:
    path = _saved(Image.new("RGB", (25, 20)), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert not is_color(path)


@pytest.mark.parametrize("ask", [read_image, is_color])
def test_odd_metadata_print_no_warning_of_pillow(tmp_path: Path, ask: Callable[[Path], object]) -> None:
    path = _saved(Image.fromarray(NOISE_HW3), tmp_path / "header.tif")
    path.write_bytes(path.read_bytes()[:8])
    with warnings.catch_warnings(record=True) as caught, contextlib.suppress(ImageError):
        warnings.simplefilter("always")
        ask(path)
    assert caught == []
