"""Whatever a picture file holds, reading it ends with pixels or with an ImageError that names it."""

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

import edgecnn
from edgecnn import data
from edgecnn.card import LONGEST_SIDE
from edgecnn.errors import EdgecnnError, ImageError
from edgecnn.runtime.files import predict_files
from edgecnn.runtime.image import is_color, read_image


@pytest.mark.parametrize("name", ["broken.avif", "bad.png"])
def test_a_broken_avif_is_refused_by_name(tmp_path: Path, broken_avif: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(broken_avif)
    with pytest.raises(ImageError, match=f"{name}: broken picture"):
        read_image(tmp_path / name)


def test_the_other_pictures_of_a_folder_are_answered(tmp_path: Path, broken_avif: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(broken_avif)
    Image.new("L", (28, 28)).save(tmp_path / "good.png")
    answers = list(predict_files(edgecnn.load("mnist-c1"), sorted(tmp_path.iterdir())))
    assert [(answer.path.name, bool(answer.top)) for answer in answers] == [("bad.png", False), ("good.png", True)]
    assert "broken picture" in (answers[0].error or "")


@pytest.mark.parametrize("name", ["broken.avif", "bad.png"])
def test_a_broken_avif_is_no_frame(tmp_path: Path, broken_avif: bytes, name: str) -> None:
    from edgecnn.webcam.sources import open_source

    (tmp_path / name).write_bytes(broken_avif)
    with pytest.raises(EdgecnnError, match=name):
        list(open_source(str(tmp_path / name), tell=print).frames)


def test_a_data_set_with_a_broken_picture_names_it(tmp_path: Path, broken_avif: bytes) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(4):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / label / f"{number}.png")
    (tmp_path / "a" / "bad.png").write_bytes(broken_avif)
    found = data.read_split(f"folder:{tmp_path}", "train")
    assert len(found.skipped) == 1
    assert "bad.png: broken picture" in found.skipped[0]


def test_a_header_that_no_decoder_understands_has_no_color(tmp_path: Path, broken_avif: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(broken_avif[:40])
    assert is_color(tmp_path / "bad.png") is False


def _png(width: int, height: int) -> bytes:
    """A PNG that says its size and has no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(1, 25_000_000), (25_000_000, 1), (100_000, 100_000), (1, LONGEST_SIDE + 1)]
)
def test_a_picture_of_no_use_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(ImageError, match="too large to be safe"):
        read_image(_png(width, height))


def test_the_longest_side_is_still_decoded() -> None:
    with pytest.raises(ImageError, match=r"cannot be read|broken picture"):  # there are no pixels in it
        read_image(_png(1, LONGEST_SIDE))


def test_a_program_that_draws_is_not_run() -> None:
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError, match="EPS is a program that draws; save it as PNG"):
        read_image(content)


def test_a_pipe_is_no_picture_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match=r"pipe\.png: cannot be read \(a pipe or a device; expected a file"):
        read_image(tmp_path / "pipe.png")
