"""The annotated video: whole or not there."""

import os
from pathlib import Path

import numpy as np
import pytest
from webcam.videos import frames_of

from edgecnn.errors import SourceError
from edgecnn.webcam.recorder import Recorder


def image(level: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".MP4"])
def test_a_video_has_every_frame_that_was_written(tmp_path: Path, suffix: str) -> None:
    with Recorder(tmp_path / f"o{suffix}", 25) as recorder:
        for level in range(0, 100, 10):
            recorder.write(image(level))
        assert not (tmp_path / f"o{suffix}").exists()
    levels = [frame.mean() for frame in frames_of(tmp_path / f"o{suffix}")]
    np.testing.assert_allclose(levels, range(0, 100, 10), atol=4)
    assert [path.name for path in tmp_path.iterdir()] == [f"o{suffix}"]


def test_where_no_frame_came_nothing_is_written(tmp_path: Path) -> None:
    with Recorder(tmp_path / "o.mp4", 25):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_bytes(b"before")

    def fail() -> None:
        with Recorder(tmp_path / "o.mp4", 25) as recorder:
            recorder.write(image(0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("o.mp4", b"before")]


def test_live_frames_keep_their_time(tmp_path: Path) -> None:
    """At 10 frames a second: one that is late is shown for longer, one that is early is left out."""
    with Recorder(tmp_path / "o.avi", 10) as recorder:
        for level, at_s in ((0, 0.0), (50, 0.1), (100, 0.11), (150, 0.5), (200, 0.6)):
            recorder.write(image(level), at_s=at_s)
    levels = [round(frame.mean() / 50) * 50 for frame in frames_of(tmp_path / "o.avi")]
    assert levels == [0, 50, 150, 150, 150, 150, 200]


def test_a_camera_that_was_away_leaves_a_second_at_most(tmp_path: Path) -> None:
    with Recorder(tmp_path / "o.avi", 10) as recorder:
        for at_s in (0.0, 3600.0, 3600.1):
            recorder.write(image(0), at_s=at_s)
    assert len(frames_of(tmp_path / "o.avi")) == 12


@pytest.mark.parametrize("name", ["o.mov", "o", "o.png"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=r"cannot write such a video\. Expected a name ending in \.mp4 or \.avi"):
        Recorder(tmp_path / name, 25)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").mkdir()
    with pytest.raises(SourceError, match="a folder"):
        Recorder(tmp_path / "o.mp4", 25)


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    message = r"a frame of 32x24 pixels after frames of 64x48\. A video has one size"
    with Recorder(tmp_path / "o.mp4", 25) as recorder:
        recorder.write(image(0))
        with pytest.raises(SourceError, match=message):
            recorder.write(image(0, (24, 32)))


def test_a_place_that_takes_no_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(SourceError, match=r"o\.mp4: cannot be written"),
        Recorder(tmp_path / "file" / "o.mp4", 25) as recorder,
    ):
        recorder.write(image(0))


def test_tells_whether_there_is_a_video_now(tmp_path: Path) -> None:
    with Recorder(tmp_path / "o.mp4", 25) as whole, Recorder(tmp_path / "none.mp4", 25) as empty:
        whole.write(image(0))
        assert not whole.wrote
    assert (whole.wrote, empty.wrote) == (True, False)


def test_a_video_that_could_not_be_opened_is_none_however_the_block_ends(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_bytes(b"before")
    too_wide = np.zeros((2, 100_000, 3), np.uint8)
    with Recorder(tmp_path / "o.mp4", 25) as recorder, pytest.raises(SourceError, match="cannot be written"):
        recorder.write(too_wide)
    assert not recorder.wrote
    assert (tmp_path / "o.mp4").read_bytes() == b"before"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be written by root")
def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with (
        pytest.raises(SourceError, match=r"o\.mp4: cannot be written"),
        Recorder(tmp_path / "o.mp4", 25) as recorder,
    ):
        recorder.write(image(0))
