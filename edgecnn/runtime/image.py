"""From a picture of any size to the model's input: the one reference for every language.

Training on a folder, prediction, verification and the generated projects all come here, so a picture meets the same
pixels everywhere. Three steps, in this order:

1. Center crop to the aspect ratio of the input: the largest window, its offset rounded down.
2. Color: gray is ``(299 R + 587 G + 114 B + 500) // 1000`` (ITU-R BT.601), RGB from gray repeats it.
3. Resize by a triangle filter whose support grows with the reduction (what Pillow calls BILINEAR), rows and columns in
   float32, rounded half up. Weights: ``max(0, 1 - |j + 0.5 - (i + 0.5) scale| / max(scale, 1))``, made to sum to one.
"""

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from edgecnn.card import LONGEST_SIDE, ImageInput
from edgecnn.errors import ImageError
from edgecnn.files import stand_in

PICTURE = "picture"  # what one without a file is called
SUFFIXES = frozenset(
    {
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".avif", ".avifs"),
        *(".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm", ".pfm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        *(".tga", ".icb", ".vda", ".vst", ".qoi", ".pcx", ".sgi", ".bw", ".rgb", ".rgba", ".ico", ".icns", ".dds"),
        *(".psd", ".xbm", ".blp"),
    }
)
WHITE, BLACK = 255, 0
UNSEEN, SEEN = 30, 64  # levels: what is so near to white is not seen on it; what differs so in opacity is drawn
INTEGER_BITS = (8, 10, 12, 14, 16, 24, 31, 32)  # what cameras, scanners and microscopes fill of an integer
MAX_PIXELS = 89_478_485  # what is decoded at all: Pillow's limit
PIXELS_AT_ONCE = 1 << 20
PIXELS_IN_CACHE = 1 << 15
ORIENTATION, SIDEWAYS = 0x0112, range(5, 9)  # the EXIF tag, and what it says of pictures that lie on their side
OTHER_PROGRAMS = frozenset({"EPS"})  # formats that Pillow hands to another program: Ghostscript runs what is in them


Frame = NDArray[np.uint8] | str | Path | Image.Image  # what a classifier answers


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as read, uint8 (H, W, C); ``assumed`` says what its content alone told and its format did not."""

    pixels_hwc: NDArray[np.uint8]
    assumed: str | None = None


def read_image(picture_file: str | Path | bytes) -> NDArray[np.uint8]:
    """Read a picture file, or its bytes, as uint8 (H, W, C), C = 1 for gray and 3 for RGB.

    EXIF orientation is applied, transparency is laid over white, palettes and CMYK become RGB; of an animation the
    first frame counts. Integers of more than 8 bits are scaled to 8, from as many bits as their largest value needs (8,
    10, 12, 14, 16, 24, 31 or 32). Where white would hide all that is drawn, as it does light ink, it is black. Raises
    ImageError for what cannot be read in full.
    """
    return read_picture(picture_file).pixels_hwc


def read_picture(picture_file: str | Path | bytes, name: str | None = None) -> Picture:
    """Read a picture as ``read_image`` does, and say what was assumed. ``name`` is what messages call it."""
    with (
        _refusals(name or (PICTURE if isinstance(picture_file, bytes) else str(picture_file))),
        _opened(Path(picture_file) if isinstance(picture_file, str) else picture_file) as picture,
    ):
        ImageOps.exif_transpose(picture, in_place=True)  # or what lies upright is copied
        return _pixels(picture)


def pixels_of(picture: str | Path | Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of a picture file, or of a picture of PIL's, as ``read_image`` does."""
    if isinstance(picture, str | Path):
        return read_image(Path(picture))
    if not isinstance(picture, Image.Image):
        return checked_frame(picture)  # which says what it is
    with _refusals(PICTURE):
        return _pixels(ImageOps.exif_transpose(picture)).pixels_hwc


@contextlib.contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an ImageError that names the picture."""
    try:
        yield
    except UnidentifiedImageError as error:
        instead = "" if name == PICTURE else stand_in(Path(name))
        raise ImageError(f"{name}: not a picture in a format that Pillow reads.{instead}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: too large to be safe ({error}). Scale it down first.") from error
    except OSError as error:
        raise ImageError(f"{name}: cannot be read ({error.strerror or error}).") from error
    except MemoryError:
        raise
    except Exception as error:  # a decoder that meets a broken file raises whatever it likes
        raise ImageError(f"{name}: broken picture ({str(error) or type(error).__name__}).") from error


def is_color(picture_file: Path | bytes) -> bool:
    """Tell from its header alone whether a picture has colors; one that cannot be opened has none."""
    try:
        with _opened(picture_file) as picture:
            return picture.mode not in ("1", "L", "LA", "La", "F") and not picture.mode.startswith("I")
    except MemoryError:
        raise
    except Exception:  # read_image says what is wrong with it
        return False


@dataclass(frozen=True)
class Header:
    """What a picture's header says: height and width, turned upright, and Pillow's name of its color mode."""

    size: tuple[int, int]
    mode: str


def picture_header(picture_file: Path | bytes, name: str | None = None) -> Header:
    """Read a picture's header alone. Raises ImageError."""
    with _refusals(name or str(picture_file)), _opened(picture_file) as picture:
        width, height = picture.size
        turned = picture.getexif().get(ORIENTATION, 1) in SIDEWAYS
        return Header((width, height) if turned else (height, width), picture.mode)


def picture_size(path: Path) -> tuple[int, int]:
    """Return height and width of a picture, turned upright, from its header alone. Raises ImageError."""
    return picture_header(path).size


def picture_format(picture_file: Path | bytes, name: str | None = None) -> str:
    """Return Pillow's name of a picture's format, from its header alone. Raises ImageError.

    A JPEG that says that others follow it, as phones write them, is MPO.
    """
    with _refusals(name or str(picture_file)), _opened(picture_file) as picture:
        return picture.format or ""


def to_input(frame: NDArray[np.uint8], wanted: ImageInput, *, bgr: bool = False) -> NDArray[np.uint8]:
    """Turn one frame, uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), into the model's uint8 (h, w, c).

    ``bgr`` says that the colors come in OpenCV's order. Raises ImageError for any other shape or dtype.
    """
    if isinstance(frame, np.ndarray) and frame.dtype == np.uint8 and frame.shape == wanted.shape and not bgr:
        return frame
    pixels_hwc = checked_frame(frame)
    if bgr and pixels_hwc.shape[2] >= 3:
        pixels_hwc = pixels_hwc[..., [2, 1, 0, 3]] if pixels_hwc.shape[2] == 4 else pixels_hwc[..., ::-1]
    if pixels_hwc.shape[2] == 4:
        pixels_hwc, _ = _opaque(pixels_hwc)
    cropped = _center_crop(pixels_hwc, wanted.height, wanted.width)
    return resize(_with_channels(cropped, wanted.channels), wanted.height, wanted.width)


def resize(image_hwc: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale uint8 (H, W, C) to uint8 (height, width, C) by the triangle filter described above."""
    if image_hwc.shape[:2] == (height, width):
        return image_hwc
    rows_hi, columns_wj = _weights(image_hwc.shape[0], height), _weights(image_hwc.shape[1], width)
    tall_hjc = np.tensordot(rows_hi, image_hwc.astype(np.float32), axes=(1, 0))
    scaled_hwc = np.einsum("hjc,wj->hwc", tall_hjc, columns_wj, optimize=True)
    result: NDArray[np.uint8] = np.floor(scaled_hwc + 0.5).clip(0, 255).astype(np.uint8)
    return result


@functools.lru_cache(maxsize=32)
def _weights(source: int, target: int) -> NDArray[np.float32]:
    """Return the filter as a matrix (target, source) whose rows sum to one."""
    scale = source / target
    centers = (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(source) + 0.5 - centers[:, None])
    weights = np.maximum(0, 1 - distance / max(scale, 1.0))
    result: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


@contextlib.contextmanager
def _opened(picture_file: Path | bytes) -> Iterator[Image.Image]:
    """Open a picture: Pillow's warnings of odd metadata are passed over, that of too many pixels is an error.

    Only the header is read here, so what is too large to be decoded never is.
    """
    if isinstance(picture_file, Path) and picture_file.is_dir():
        raise OSError("no pictures in this folder; expected files such as .png or .jpg")
    if isinstance(picture_file, Path) and picture_file.exists() and not picture_file.is_file():
        raise OSError("a pipe or a device; expected a file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(picture_file) if isinstance(picture_file, bytes) else picture_file) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS or max(width, height) > LONGEST_SIDE:
                raise Image.DecompressionBombError(
                    f"{width:,}x{height:,} pixels; at most {MAX_PIXELS:,}, and {LONGEST_SIDE:,} on a side"
                )
            if picture.format in OTHER_PROGRAMS:
                raise ValueError(f"{picture.format} is a program that draws; save it as PNG")
            yield picture


def _pixels(picture: Image.Image) -> Picture:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(np.asarray(picture))
    if picture.has_transparency_data:
        pixels_hwc, paper = _opaque(np.asarray(picture.convert("RGBA")))
        return Picture(
            pixels_hwc,
            None if paper == WHITE else "what is transparent taken for black, as on white nothing would be seen",
        )
    mode = "L" if picture.mode in ("1", "L") else "RGB"
    pixels = np.asarray(picture if picture.mode == mode else picture.convert(mode))  # converting copies
    return Picture(pixels[..., None] if mode == "L" else pixels)


def _eight_bits(values_hw: NDArray[np.generic]) -> Picture:
    """Scale integers, or 0..1 of floating point, to 0..255. Raises ValueError for what lies outside."""
    low, high = values_hw.min(), values_hw.max()
    if values_hw.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # nor where one is NaN
            raise ValueError(
                f"floating point from {low:g} to {high:g}, expected 0..1; save it with 8 or 16 bits per channel"
            )
        return Picture(_scaled(values_hw, 1.0))
    if low < 0:
        raise ValueError(f"integers from {low} to {high}, expected 0 or more; save it with 8 or 16 bits per channel")
    bits = next(bits for bits in INTEGER_BITS if high < 2**bits)
    assumed = None if bits == 16 else f"values taken for {bits} bits"
    return Picture(_scaled(values_hw, 2.0**bits - 1), assumed)


def _scaled(values_hw: NDArray[np.generic], whole: float) -> NDArray[np.uint8]:
    scaled_hw = np.floor(values_hw.astype(np.float64) / whole * 255 + 0.5)
    result: NDArray[np.uint8] = scaled_hw.clip(0, 255).astype(np.uint8)[..., None]
    return result


def _opaque(rgba_hw4: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Lay RGBA over white; over black where white leaves nothing to see of what is there. Returns that level too."""
    alpha_hw = rgba_hw4[..., 3]
    pixels_hwc = _over(rgba_hw4, WHITE)
    if pixels_hwc.min() >= WHITE - UNSEEN and int(alpha_hw.max()) - int(alpha_hw.min()) >= SEEN:
        return _over(rgba_hw4, BLACK), BLACK
    return pixels_hwc, WHITE


def _over(rgba_hw4: NDArray[np.uint8], paper: int) -> NDArray[np.uint8]:
    """Lay RGBA over a gray level, some rows at a time: whole, a large picture would take forty bytes a pixel."""
    result_hwc = np.empty((*rgba_hw4.shape[:2], 3), np.uint8)
    rows = max(1, PIXELS_AT_ONCE // rgba_hw4.shape[1])
    for top in range(0, len(rgba_hw4), rows):
        part_hw4 = rgba_hw4[top : top + rows].astype(np.uint32)
        color, alpha = part_hw4[..., :3], part_hw4[..., 3:]
        result_hwc[top : top + rows] = (color * alpha + paper * (255 - alpha) + 127) // 255
    return result_hwc


def checked_frame(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame as uint8 (H, W, C) with 1, 3 or 4 channels. Raises ImageError for anything else."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        found = f"an array of {frame.dtype}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise ImageError(
            f"a frame is a numpy array of uint8 pixels 0..255, found {found}. Do not scale or normalize it."
        )
    pixels_hwc = frame[..., None] if frame.ndim == 2 else frame
    if pixels_hwc.ndim != 3 or pixels_hwc.shape[2] not in (1, 3, 4) or 0 in pixels_hwc.shape:
        raise ImageError(f"a frame has shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), found {frame.shape}.")
    return pixels_hwc


def centered_window(tall: int, wide: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the largest centered window of a frame with the proportions of an input."""
    kept_h, kept_w = min(tall, max(1, wide * height // width)), min(wide, max(1, tall * width // height))
    return (tall - kept_h) // 2, (wide - kept_w) // 2, kept_h, kept_w


def _center_crop(image_hwc: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    tall, wide = image_hwc.shape[:2]
    top, left, kept_h, kept_w = centered_window(tall, wide, height, width)
    return image_hwc[top : top + kept_h, left : left + kept_w]


def _with_channels(image_hwc: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    if image_hwc.shape[2] == channels:
        return image_hwc
    if channels == 3:
        return np.repeat(image_hwc, 3, axis=2)
    return _gray(image_hwc)


def _gray(rgb_hw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn RGB gray, (H, W, 1), some rows at a time: whole, a frame would leave the processor's cache at every step."""
    result_hw = np.empty(rgb_hw3.shape[:2], np.uint8)
    rows = max(1, PIXELS_IN_CACHE // rgb_hw3.shape[1])
    for top in range(0, len(rgb_hw3), rows):
        part_hw3 = rgb_hw3[top : top + rows]
        total_hw = np.multiply(part_hw3[..., 0], 299, dtype=np.uint32)
        total_hw += np.multiply(part_hw3[..., 1], 587, dtype=np.uint32)
        total_hw += np.multiply(part_hw3[..., 2], 114, dtype=np.uint32)
        total_hw += np.uint32(500)
        total_hw //= np.uint32(1000)
        result_hw[top : top + rows] = total_hw
    return result_hw[..., None]
