"""Where frames come from: a camera, a stream, a video, numbered pictures, one picture.

A file delivers every frame, so that its result can be reproduced; a camera or a stream delivers the newest
(``edgecnn/webcam/live.py``). Whatever cannot be opened is told at once, as a SourceError or an ImageError.
"""

import os
import re
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np

from edgecnn.errors import ImageError, SourceError
from edgecnn.runtime.image import SUFFIXES, picture_format, read_picture
from edgecnn.runtime.pictures import begins_as_picture
from edgecnn.webcam import cameras
from edgecnn.webcam.frames import Frame, Source, Tell
from edgecnn.webcam.live import live_frames
from edgecnn.webcam.opencv import Pixels, cv2, open_video

USUAL_FPS = 25.0  # of what does not say
WHOLE = 0.95  # containers estimate their number of frames
TEXT = "ansi"  # FFmpeg plays text files
STREAM_TIMEOUT_MS = 10_000
NUMBER = re.compile(r"%(0\d+)?d")


def open_source(given: str, *, tell: Tell) -> Source:
    """Open a camera's index, a URL, a printf pattern of pictures (``img_%03d.png``), a picture or a video file.

    ``tell`` gets what happens later and ends nothing: a camera that went away, a video that is shorter than it says.
    Raises SourceError or ImageError.
    """
    if given.isdecimal():
        return _camera(int(given), tell)
    if device := re.fullmatch(re.escape(str(cameras.DEVICES)) + r"/video(\d+)", given):
        return _camera(int(device[1]), tell)
    if "://" in given:
        return _stream(given, tell)
    path = Path(given)
    if NUMBER.search(path.name) and not path.exists():
        return _numbered(path, tell)
    _check_file(path)
    if path.is_fifo():
        return _pipe(path, tell)
    return _still(path, tell) if _is_picture(path) else _video(path, tell)


def _camera(index: int, tell: Tell) -> Source:
    name, device = f"camera {index}", cameras.DEVICES / f"video{index}"
    capture = open_video(index)
    if not capture.isOpened():
        if sys.platform == "linux" and device.exists() and not os.access(device, os.R_OK | os.W_OK):
            raise SourceError(f"{name}: {device} may not be read by this user. Add it to the group of that device.")
        raise SourceError(f"{name}: not there, or in use. {cameras.describe_cameras()}")
    fps = _fps(capture)
    return Source(name, "live", fps, live_frames(capture, lambda: open_video(index), name, tell=tell))


def _stream(url: str, tell: Tell) -> Source:
    name = re.sub(r"//[^/@]*@", "//", url)  # a password belongs in no message
    timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS)

    def connect() -> cv2.VideoCapture:
        return open_video(url, cv2.CAP_FFMPEG, timeouts)

    capture = connect()
    if not capture.isOpened():
        raise SourceError(f"{name}: no answer, or not a stream that OpenCV reads. Expected MJPEG over HTTP, RTSP, HLS.")
    return Source(name, "live", _fps(capture), live_frames(capture, connect, name, tell=tell))


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise SourceError(
                f"{path}: no such file. Expected a picture, a video, a pattern such as img_%03d.png, a URL or the "
                "index of a camera."
            )
        if path.is_dir():
            raise SourceError(f"{path}: a folder. Expected a file, or a pattern such as {path / 'img_%03d.png'}.")
        if path.stat().st_size == 0 and path.is_file():
            raise SourceError(f"{path}: an empty file (0 bytes). Expected a picture or a video.")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}).") from error


def _pipe(path: Path, tell: Tell) -> Source:
    """Open a named pipe once something comes. By its path, FFmpeg would wait for good for a writer that is gone."""
    import select

    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    arrives = select.poll()
    arrives.register(pipe, select.POLLIN)
    if not any(event & select.POLLIN for _, event in arrives.poll(STREAM_TIMEOUT_MS)):
        os.close(pipe)
        raise SourceError(
            f"{path}: a named pipe that nobody writes to, for {STREAM_TIMEOUT_MS // 1000} s. Start what writes a video "
            "into it first, or name a file or a URL."
        )
    os.set_blocking(pipe, True)
    capture = open_video(f"pipe:{pipe}", cv2.CAP_FFMPEG)
    if not capture.isOpened():
        os.close(pipe)
        raise SourceError(f"{path}: what comes through this pipe is no video that FFmpeg reads without seeking in it.")
    return Source(str(path), "file", _fps(capture), _closing(pipe, _video_frames(path, capture, tell)))


def _closing(pipe: int, frames: Generator[Frame, None, None]) -> Generator[Frame, None, None]:
    try:
        yield from frames
    finally:
        frames.close()
        os.close(pipe)


def _is_picture(path: Path) -> bool:
    """Tell a picture from a video by content, of an animation its first frame.

    The name counts where content does not decide: of JPEGs in a row, which begin as one of them does, and of pictures
    that begin in no way of their own.
    """
    named, begins = path.suffix.lower() in SUFFIXES, begins_as_picture(path)
    if not (named or begins):
        return False
    try:
        return picture_format(path) != "JPEG" or named
    except ImageError:
        return begins or not _opens(path)


def _opens(path: Path) -> bool:
    """Tell whether FFmpeg takes a file for a video, and has a frame of it."""
    capture = open_video(str(path), cv2.CAP_FFMPEG)
    try:
        return capture.isOpened() and _codec(capture) != TEXT and bool(capture.read()[0])
    finally:
        capture.release()


def _still(path: Path, tell: Tell) -> Source:
    return Source(str(path), "still", USUAL_FPS, (frame for frame in [Frame(0, _picture(path, tell))]))


def _picture(path: Path, tell: Tell) -> Pixels:
    """Read a picture as BGR."""
    picture = read_picture(path)
    if picture.assumed is not None:
        tell(f"{path}: {picture.assumed}.")
    pixels_hwc = picture.pixels_hwc
    if pixels_hwc.shape[2] == 1:
        return np.repeat(pixels_hwc, 3, axis=2)
    return np.ascontiguousarray(pixels_hwc[..., ::-1])


def _numbered(pattern: Path, tell: Tell) -> Source:
    """Open all pictures of a printf pattern, in the order of their numbers; gaps are passed over."""
    if pattern.name.count("%") != 1:
        raise SourceError(f"{pattern}: expected one number in the name, such as img_%03d.png.")
    before, after = (re.escape(part) for part in NUMBER.split(pattern.name)[::2])
    wanted = re.compile(before + r"(\d+)" + after)
    paths = pattern.parent.iterdir() if pattern.parent.is_dir() else iter(())
    matches = (wanted.fullmatch(path.name) for path in paths)
    numbers = sorted(int(match[1]) for match in matches if match and pattern.name % int(match[1]) == match[0])
    if not numbers:
        raise SourceError(f"{pattern}: no such pictures. Expected files such as {pattern.parent / (pattern.name % 1)}")
    files = (pattern.with_name(pattern.name % number) for number in numbers)
    frames = (Frame(index, _picture(file, tell)) for index, file in enumerate(files))
    return Source(str(pattern), "still" if len(numbers) == 1 else "file", USUAL_FPS, frames)


def _video(path: Path, tell: Tell) -> Source:
    """Open a video. What has one frame, and what begins as a picture does, is a still: no second frame agrees."""
    capture = open_video(str(path))
    if not capture.isOpened() or _codec(capture) == TEXT:
        capture.release()
        if begins_as_picture(path):
            return _still(path, tell)
        raise SourceError(
            f"{path}: not a video that OpenCV reads (cut, broken or something else). "
            f"Expected a video, or a picture that ends in {', '.join(sorted(SUFFIXES))}."
        )
    frames = _video_frames(path, capture, tell)
    first, second = next(frames, None), next(frames, None)
    if second is None and begins_as_picture(path):
        return _still(path, tell)
    if first is None:
        raise SourceError(f"{path}: a video without a frame that can be read.")
    if second is None:
        tell(f"{path}: has one frame, read as a picture.")
        return Source(str(path), "still", USUAL_FPS, (frame for frame in [first]))
    return Source(str(path), "file", _fps(capture), _after(first, second, frames))


def _after(first: Frame, second: Frame, rest: Generator[Frame, None, None]) -> Generator[Frame, None, None]:
    try:
        yield first
        yield second
        yield from rest
    finally:
        rest.close()


def _video_frames(path: Path, capture: cv2.VideoCapture, tell: Tell) -> Generator[Frame, None, None]:
    try:
        number = 0
        while (found := capture.read())[0]:
            yield Frame(number, np.asarray(found[1], np.uint8))
            number += 1
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if number < promised * WHOLE:
            tell(f"{path}: ended after {number} of {promised:.0f} frames; the file is cut or broken.")
    finally:
        capture.release()


def _codec(capture: cv2.VideoCapture) -> str:
    return int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(8, "little", signed=True)[:4].decode("latin-1")


def _fps(capture: cv2.VideoCapture) -> float:
    said = float(capture.get(cv2.CAP_PROP_FPS))
    return said if 1 <= said <= 1000 else USUAL_FPS
