"""Sources: every frame of a file in order, and a message for everything that gives none."""

import os
import re
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from digits.drawn import frame_with
from PIL import Image
from webcam.videos import garble, write_video

from edgecnn import zoo
from edgecnn.errors import ImageError, SourceError
from edgecnn.webcam import cameras, sources
from edgecnn.webcam.frames import Frame, Source
from edgecnn.webcam.sources import open_source


def levels(frames: list[Frame | None]) -> list[int]:
    """Return how light each frame is."""
    return [round(float(frame.pixels_bgr.mean())) for frame in frames if frame is not None]


def grays(count: int, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """Frames of one gray each: 0, 10, 20, …"""
    return [np.full((*size, 3), 10 * index, np.uint8) for index in range(count)]


def opened(given: object, told: list[str]) -> Source:
    return open_source(str(given), tell=told.append)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_video_gives_every_frame_in_order(tmp_path: Path, told: list[str], suffix: str) -> None:
    source = opened(write_video(tmp_path / f"v{suffix}", grays(20), fps=30), told)
    frames = list(source.frames)
    assert [frame.number for frame in frames if frame] == list(range(20))
    np.testing.assert_allclose(levels(frames), np.arange(20) * 10, atol=4)
    assert (source.kind, source.fps, told) == ("file", 30, [])


def test_a_picture_is_one_frame_in_bgr(tmp_path: Path, told: list[str]) -> None:
    Image.new("RGB", (64, 48), (250, 100, 10)).save(tmp_path / "p.png")
    source = opened(tmp_path / "p.png", told)
    (frame,) = source.frames
    assert frame is not None
    assert frame.pixels_bgr.shape == (48, 64, 3)
    assert frame.pixels_bgr[0, 0].tolist() == [10, 100, 250]
    assert source.kind == "still"


def test_a_gray_picture_has_three_channels_too(tmp_path: Path, told: list[str]) -> None:
    Image.new("L", (64, 48), 77).save(tmp_path / "p.png")
    (frame,) = opened(tmp_path / "p.png", told).frames
    assert frame is not None
    assert np.unique(frame.pixels_bgr).tolist() == [77]
    assert frame.pixels_bgr.shape == (48, 64, 3)


@pytest.mark.parametrize(("pattern", "wanted"), [("i_%03d.png", [20, 30, 120]), ("i_%d.png", [20, 100])])
def test_a_pattern_gives_its_pictures_by_number_and_no_others(
    tmp_path: Path, told: list[str], pattern: str, wanted: list[int]
) -> None:
    """A gap ends nothing; 12 sorts behind 3; what printf would not write does not match."""
    for name, level in {"i_002": 20, "i_003": 30, "i_012": 120, "i_2": 20, "i_10": 100, "i_x": 5, "j_001": 5}.items():
        Image.new("L", (8, 8), level).save(tmp_path / f"{name}.png")
    assert levels(list(opened(tmp_path / pattern, told).frames)) == wanted


def test_a_percent_sign_in_the_name_of_a_file_that_is_there_is_no_pattern(tmp_path: Path, told: list[str]) -> None:
    Image.new("L", (8, 8), 40).save(tmp_path / "50%d.png")
    assert levels(list(opened(tmp_path / "50%d.png", told).frames)) == [40]


def test_a_video_that_was_cut_says_so_at_its_end(tmp_path: Path, told: list[str]) -> None:
    whole = write_video(tmp_path / "v.avi", [np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)] * 30)
    (tmp_path / "cut.avi").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    frames = list(opened(tmp_path / "cut.avi", told).frames)
    assert 5 < len(frames) < 25
    (message,) = told
    assert re.search(rf"cut\.avi: ended after {len(frames)} of 30 frames", message)


def test_leaving_a_video_early_is_no_fault(tmp_path: Path, told: list[str]) -> None:
    source = opened(write_video(tmp_path / "v.avi", grays(20)), told)
    next(source.frames)
    source.frames.close()
    assert told == []


@pytest.mark.parametrize("name", ["p", "p.bin", "p.jpeg.bak", "p.avi"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "JPEG2000"])
def test_a_picture_is_one_whatever_it_is_called(tmp_path: Path, told: list[str], name: str, kind: str) -> None:
    Image.new("RGB", (64, 48), (250, 100, 10)).save(tmp_path / name, kind)
    source = opened(tmp_path / name, told)
    (frame,) = source.frames
    assert source.kind == "still"
    assert frame is not None
    np.testing.assert_allclose(frame.pixels_bgr[0, 0], [10, 100, 250], atol=4)


@pytest.mark.parametrize("name", ["p", "p.jpg"])
@pytest.mark.parametrize("kind", ["MPO", "GIF", "PNG", "WEBP"])
def test_of_several_pictures_in_one_file_the_first_counts(
    tmp_path: Path, told: list[str], name: str, kind: str
) -> None:
    """As ``read`` has it: an animation, and a phone's JPEG, which has its map of brightness behind it."""
    first, second = (Image.new("RGB", (64, 48), (level,) * 3) for level in (200, 10))
    first.save(tmp_path / name, kind, save_all=True, append_images=[second])
    source = opened(tmp_path / name, told)
    assert (source.kind, [round(level, -1) for level in levels(list(source.frames))], told) == ("still", [200], [])


@pytest.mark.parametrize("name", ["v", "v.png", "v.jpg", "v.tga"])
def test_a_video_is_one_whatever_it_is_called(tmp_path: Path, told: list[str], name: str) -> None:
    write_video(tmp_path / "v.avi", grays(5)).rename(tmp_path / name)
    source = opened(tmp_path / name, told)
    assert (source.kind, len(list(source.frames)), told) == ("file", 5, [])


def test_jpegs_in_a_row_are_a_video(tmp_path: Path, told: list[str]) -> None:
    """What MJPEG streams are saved as: it begins as the first of them."""
    frames = [cv2.imencode(".jpg", gray)[1].tobytes() for gray in grays(5)]
    (tmp_path / "v.mjpeg").write_bytes(b"".join(frames))
    source = opened(tmp_path / "v.mjpeg", told)
    assert (source.kind, len(list(source.frames))) == ("file", 5)


@pytest.mark.parametrize("suffix", [".tga", ".jfif", ".jp2", ".avif", ".pcx"])
def test_pictures_of_every_kind_are_pictures(tmp_path: Path, told: list[str], suffix: str) -> None:
    """Numbered ones too, which OpenCV would take for one video."""
    for number in (1, 2):
        Image.new("RGB", (64, 48), (200, 200, 200)).save(tmp_path / f"i_{number}{suffix}")
    source = opened(tmp_path / f"i_1{suffix}", told)
    assert (source.kind, [round(level, -1) for level in levels(list(source.frames))], told) == ("still", [200], [])


def test_a_video_of_one_frame_is_a_picture_and_says_so(tmp_path: Path, told: list[str]) -> None:
    source = opened(write_video(tmp_path / "v.avi", grays(3)[2:]), told)
    (level,) = levels(list(source.frames))
    assert source.kind == "still"
    assert 16 <= level <= 24
    assert told == [f"{tmp_path / 'v.avi'}: has one frame, read as a picture."]


def test_a_video_of_two_frames_is_a_video(tmp_path: Path, told: list[str]) -> None:
    source = opened(write_video(tmp_path / "v.avi", grays(2)), told)
    assert (source.kind, len(list(source.frames)), told) == ("file", 2, [])


def test_a_pattern_of_one_picture_is_a_picture(tmp_path: Path, told: list[str]) -> None:
    Image.new("L", (8, 8), 40).save(tmp_path / "i_1.png")
    assert opened(tmp_path / "i_%d.png", told).kind == "still"


def test_what_was_assumed_of_a_picture_is_told(tmp_path: Path, told: list[str]) -> None:
    Image.fromarray(np.full((8, 8), 4095, np.uint16)).save(tmp_path / "p.png")
    assert levels(list(opened(tmp_path / "p.png", told).frames)) == [255]
    assert told == [f"{tmp_path / 'p.png'}: values taken for 12 bits."]


def broken_files(folder: Path) -> dict[str, bytes]:
    noise = np.random.default_rng(0).bytes(4000)
    video = write_video(folder / "whole.mp4", grays(20)).read_bytes()
    Image.new("RGB", (64, 48)).save(folder / "whole.png")
    picture = (folder / "whole.png").read_bytes()
    return {
        "empty.mp4": b"", "empty.png": b"", "noise.mp4": noise, "noise.png": noise, "cut.mp4": video[: len(video) // 2],
        "cut.png": picture[: len(picture) // 2], "text.txt": b"hello\n" * 100, "text.png": b"hello\n" * 100,
        "model.onnx": zoo.find("mnist-c1").read_bytes(),
    }  # fmt: skip


BROKEN = {
    "empty.mp4": "an empty file (0 bytes)", "empty.png": "an empty file (0 bytes)",
    "noise.mp4": "not a video that OpenCV reads", "noise.png": "not a picture", "cut.mp4": "not a video that OpenCV",
    "cut.png": "broken picture|cannot be read", "text.txt": "not a video that OpenCV", "text.png": "not a picture",
    "model.onnx": "not a video that OpenCV reads",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named_and_nothing_is_printed(
    tmp_path: Path, told: list[str], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(broken_files(tmp_path)[name])
    capfd.readouterr()
    with pytest.raises((SourceError, ImageError), match=re.escape(name)) as caught:
        list(opened(tmp_path / name, told).frames)
    assert re.search("|".join(map(re.escape, BROKEN[name].split("|"))), str(caught.value))
    assert capfd.readouterr() == ("", "")


def test_a_garbled_video_says_so_and_its_decoder_says_nothing(
    tmp_path: Path, told: list[str], digits, capfd: pytest.CaptureFixture[str]
) -> None:
    page = frame_with(digits, ["407", "12 3"])
    video = write_video(tmp_path / "v.mp4", [np.roll(page, 5 * index, axis=1) for index in range(20)])
    frames = list(opened(garble(video), told).frames)
    assert told == [f"{video}: ended after {len(frames)} of 20 frames; the file is cut or broken."]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing.mp4", "missing.mp4: no such file. Expected a picture, a video, a pattern"),
        ("missing_%03d.png", "missing_%03d.png: no such pictures. Expected files such as missing_001.png"),
        ("nowhere/i_%d.png", "no such pictures"),
        ("i_%d_%d.png", "expected one number in the name"),
        (".", "a folder. Expected a file, or a pattern"),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x: no answer, or not a stream"),
        ("odd://host/x", "odd://host/x: no answer, or not a stream"),
    ],
)
def test_a_source_that_is_not_there_is_named(
    tmp_path: Path, told: list[str], monkeypatch, given: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=re.escape(message)):
        opened(given, told)


def test_the_password_of_a_stream_is_in_no_message(told: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        opened("http://me:secret@127.0.0.1:9/x", told)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has its cameras as files")
def test_a_missing_camera_says_which_ones_there_are(tmp_path: Path, told: list[str], monkeypatch) -> None:
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    for name in ("video0", "video10", "video2", "video-codec", "null"):
        (tmp_path / name).touch()
    assert cameras.cameras() == [0, 2, 10]
    with pytest.raises(SourceError) as caught:
        opened(77, told)
    devices = ", ".join(f"{index} ({tmp_path}/video{index})" for index in (0, 2, 10))
    assert str(caught.value) == f"camera 77: not there, or in use. Cameras here: {devices}."


def test_a_missing_camera_where_there_is_none_says_what_else_would_do(
    tmp_path: Path, told: list[str], monkeypatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    with pytest.raises(SourceError, match=r"camera 77: not there, or in use\. This machine shows no camera; a picture"):
        opened(77, told)
    assert capfd.readouterr() == ("", "")


def test_elsewhere_cameras_are_tried(monkeypatch) -> None:
    """On a machine without cameras none of the first indices opens, and nothing is printed about it."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(cv2, "VideoCapture", lambda index, *how: _Openable(index in (1, 3)))
    assert cameras.cameras() == [1, 3]


class _Openable:
    def __init__(self, opens: bool) -> None:
        self.isOpened = lambda: opens

    def release(self) -> None:
        """Nothing to let go of."""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_that_nobody_writes_to_is_told_and_one_with_a_video_is_read(tmp_path: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(sources, "STREAM_TIMEOUT_MS", 200)
    with pytest.raises(SourceError, match=r"pipe: a named pipe that nobody writes to"):
        open_source(str(tmp_path / "pipe"), tell=print)
    monkeypatch.setattr(sources, "STREAM_TIMEOUT_MS", 60_000)
    writer = cv2.VideoWriter(str(tmp_path / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for gray in range(10):
        writer.write(np.full((64, 64, 3), gray * 20, np.uint8))
    writer.release()
    feed = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes((tmp_path / "video.avi").read_bytes()))
    feed.start()
    source = open_source(str(tmp_path / "pipe"), tell=print)
    assert [frame.number for frame in source.frames if frame] == list(range(10))
    feed.join()
