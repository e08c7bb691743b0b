"""Pictures that arrive in a folder: each once, when it is whole."""

import os
from pathlib import Path

import pytest
from PIL import Image

from edgecnn.errors import ImageError
from edgecnn.runtime.watch import Arrivals, arriving


def _picture(path: Path, level: int = 0) -> Path:
    Image.new("L", (8, 8), level).save(path)
    return path


def _written_at(path: Path, second: int) -> Path:
    os.utime(path, ns=(0, second * 10**9))
    return path


def test_what_lies_there_at_the_start_is_no_arrival(tmp_path: Path) -> None:
    _picture(tmp_path / "old.png")
    arrivals = Arrivals(tmp_path)
    assert [arrivals.look(), arrivals.look()] == [[], []]


def test_a_picture_arrives_once_in_the_second_look(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    new = _picture(tmp_path / "new.png")
    assert [arrivals.look(), arrivals.look(), arrivals.look()] == [[], [new], []]


def test_one_that_is_still_written_waits(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    whole = _picture(tmp_path / "whole.png").read_bytes()
    (tmp_path / "whole.png").unlink()
    growing = tmp_path / "new.png"
    growing.touch()
    assert [arrivals.look(), arrivals.look()] == [[], []]  # empty: not begun
    growing.write_bytes(whole[:20])
    assert arrivals.look() == []
    growing.write_bytes(whole)
    assert [arrivals.look(), arrivals.look()] == [[], [growing]]


def test_one_that_is_written_again_arrives_again(tmp_path: Path) -> None:
    latest = _written_at(_picture(tmp_path / "latest.png"), 100)
    arrivals = Arrivals(tmp_path)
    _written_at(_picture(latest, 200), 200)
    assert [arrivals.look(), arrivals.look(), arrivals.look()] == [[], [latest], []]


def test_several_come_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    second, first = (_written_at(_picture(tmp_path / name), at) for name, at in (("a.png", 20), ("b.png", 10)))
    arrivals.look()
    assert arrivals.look() == [first, second]


def test_only_pictures_arrive_also_in_folders_inside(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    (tmp_path / "monday").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    _picture(tmp_path / ".hidden.png")
    inside = _picture(tmp_path / "monday" / "new.png")
    arrivals.look()
    assert arrivals.look() == [inside]


def test_a_folder_that_is_not_there_or_no_longer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such folder to watch"):
        Arrivals(tmp_path / "nowhere")
    (tmp_path / "gone").mkdir()
    arrivals = Arrivals(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ImageError, match="gone: no such folder to watch"):
        arrivals.look()


def test_watching_ends_when_the_wait_says_so(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    new = _picture(tmp_path / "new.png")
    waits = iter([False, False, True])
    assert list(arriving(arrivals, lambda: next(waits))) == [new]
