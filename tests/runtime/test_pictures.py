"""Which files of a folder are pictures: whatever is read one by one, through links, nothing hidden."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.errors import ImageError
from edgecnn.runtime.image import read_image
from edgecnn.runtime.pictures import is_picture, listing, pictures_in

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
NOT_PICTURES = {".pdf", ".eps", ".ps", ".im", ".msp"}  # pages, and what Pillow gives up


def _picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    NOISE.save(path)
    return path


def _writable() -> list[str]:
    Image.init()
    suffixes = (suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.SAVE)
    return sorted(set(suffixes) - NOT_PICTURES)


def _written(folder: Path, suffix: str) -> Path | None:
    """Write a picture with Pillow in whichever mode the format takes; None where it is not read again."""
    path = folder / f"a{suffix}"
    for mode in ("RGB", "L", "1", "P"):
        try:
            NOISE.convert(mode).save(path)
            read_image(path)
        except (OSError, ValueError, KeyError, ImageError):
            continue
        return path
    return None


@pytest.mark.parametrize("suffix", _writable())
def test_what_is_read_one_by_one_is_found_in_a_folder(tmp_path: Path, suffix: str) -> None:
    written = _written(tmp_path, suffix)
    assert written is None or pictures_in(tmp_path) == [written]


def test_most_formats_are_written_here() -> None:
    assert len(_writable()) > 30


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "ICO"])
@pytest.mark.parametrize("name", ["scan", "scan.dat", "scan.2024"])
def test_a_picture_without_a_known_suffix_is_known_by_its_content(tmp_path: Path, kind: str, name: str) -> None:
    NOISE.save(tmp_path / name, kind)
    assert is_picture(tmp_path / name)


@pytest.mark.parametrize(
    "content", [b"", b"B", b"BM", b"BMW is a car, or so", b"RIFF1234WAVE", b"P1", b"Pst", b"hello"]
)
def test_other_content_is_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes").write_bytes(content)
    found = listing(tmp_path)
    assert (found.pictures, found.others) == ((), (tmp_path / "notes",))


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", ".thumbnails", "@eaDir", "__MACOSX"])
def test_pictures_in_hidden_folders_are_not_looked_at_but_named(tmp_path: Path, hidden: str) -> None:
    own = _picture(tmp_path / "deep" / "x.png")
    _picture(tmp_path / "deep" / hidden / "further" / "y.png")
    found = listing(tmp_path)
    assert (found.pictures, found.hidden) == ((own,), (tmp_path / "deep" / hidden,))


def test_hidden_pictures_are_named_and_other_hidden_files_are_not(tmp_path: Path) -> None:
    hidden = _picture(tmp_path / "._x.png")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert listing(tmp_path).hidden == (hidden,)


def test_a_hidden_folder_that_is_asked_for_is_searched(tmp_path: Path) -> None:
    path = _picture(tmp_path / ".cache" / "x.png")
    assert pictures_in(tmp_path / ".cache") == [path]


def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    _picture(tmp_path / "elsewhere" / "sub" / "x.png")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "cat" / "y.png").symlink_to(tmp_path / "elsewhere" / "sub" / "x.png")
    assert pictures_in(tmp_path / "cat") == [
        tmp_path / "cat" / "linked" / "sub" / "x.png",
        tmp_path / "cat" / "y.png",
    ]


def test_links_in_a_loop_end_and_each_folder_counts_once(tmp_path: Path) -> None:
    path = _picture(tmp_path / "cat" / "z" / "x.png")
    for name in ("a", "b"):
        (tmp_path / "cat" / name).symlink_to(tmp_path / "cat" / "z")
    (tmp_path / "cat" / "z" / "up").symlink_to(tmp_path / "cat")
    (tmp_path / "cat" / "z" / "self").symlink_to("self")
    assert pictures_in(tmp_path / "cat") == [path]


def test_a_link_whose_picture_is_gone_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to(tmp_path / "none.png")
    assert pictures_in(tmp_path) == [tmp_path / "x.png"]
    with pytest.raises(ImageError, match="No such file"):
        read_image(tmp_path / "x.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    assert pictures_in(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    _picture(closed / "x.png")
    closed.chmod(0)
    try:
        assert listing(tmp_path).unlisted == (f"{closed}: cannot be listed (Permission denied).",)
    finally:
        closed.chmod(0o700)
