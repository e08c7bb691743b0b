"""``edgecnn webcam`` as a user meets it: JSON, videos, streams, Ctrl-C, and every source that gives nothing."""

import functools
import http.server
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from digits.drawn import box_at, frame_with, golden_digits, write_detector
from onnx import numpy_helper
from webcam.videos import frames_of, garble, write_video

from edgecnn.card import Golden, ImageInput, ModelCard
from edgecnn.webcam import live, sources

KEYS = ["frame", "latency_ms", "text", "digits", "rejected", "signs"]
SUMMARY = r"{frames} frames? in [\d.]+ s, [\d.]+ frames/s, latency p50 [\d.]+ ms, p99 [\d.]+ ms"


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    return golden_digits("mnist-compact")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the small detector in it."""
    write_detector(tmp_path / "cells.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def page(digits) -> np.ndarray:
    return frame_with(digits, ["407", "12 3"])


@pytest.fixture
def webcam(edgecnn: Callable, here: Path) -> Callable:
    """Run the command on a source without a window."""

    def call(source: object, *options: object, model: object = "mnist-compact") -> object:
        return edgecnn("webcam", model, "--detector", "cells.onnx", "--source", source, "--no-display", *options)

    return call


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def command(source: object, *options: object) -> list[str]:
    arguments = ["webcam", "mnist-compact", "--detector", "cells.onnx", "--source", source, "--no-display", *options]
    return [sys.executable, "-m", "edgecnn_cli.main", *map(str, arguments)]


def reading(stream, here: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start reading a stream that never ends."""
    return subprocess.Popen(
        command(stream(10**6).url, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=here
    )


# Files


def test_a_picture_is_one_line(webcam, here: Path, page: np.ndarray) -> None:
    cv2.imwrite("page.png", page)
    result = webcam("page.png")
    (answer,) = lines(result.out)
    assert list(answer) == KEYS
    assert (answer["frame"], answer["text"], answer["rejected"]) == (0, "407\n12 3", 0)
    assert [list(digit) for digit in answer["digits"]] == [["label", "probability", "box"]] * 6
    assert [digit["label"] for digit in answer["digits"]] == list("407123")
    assert [digit["box"] for digit in answer["digits"][:3]] == [box_at(1, 1), box_at(1, 2), box_at(1, 3)]
    assert all(0.7 <= digit["probability"] <= 1 for digit in answer["digits"])
    assert result.code == 0
    assert re.fullmatch(SUMMARY.format(frames=1) + "\n", result.err)


def test_a_video_is_a_line_a_frame_and_every_run_says_the_same(webcam, here: Path, page: np.ndarray) -> None:
    write_video(here / "v.avi", [page] * 6)
    runs = [lines(webcam("v.avi").out) for _ in range(2)]
    assert [answer["text"] for answer in runs[0]] == ["", *["407\n12 3"] * 5]
    for answers in runs:
        assert all(answer.pop("latency_ms") > 0 for answer in answers)
    assert runs[0] == runs[1]


def test_numbered_pictures_are_frames(webcam, here: Path, digits) -> None:
    for index, text in enumerate(["4", "4", "4"]):
        cv2.imwrite(f"p_{index:02}.png", frame_with(digits, [text]))
    assert [answer["text"] for answer in lines(webcam("p_%02d.png").out)] == ["", "4", "4"]


def test_it_stops_after_so_many_frames(webcam, here: Path, page: np.ndarray) -> None:
    write_video(here / "v.avi", [page] * 6)
    result = webcam("v.avi", "--frames", 4)
    assert len(lines(result.out)) == 4
    assert re.fullmatch(SUMMARY.format(frames=4) + "\n", result.err)


def test_thresholds_reject(webcam, page: np.ndarray) -> None:
    cv2.imwrite("page.png", page)
    for options in (("--min-probability", 1), ("--min-score", 1, "--threads", 1)):
        (answer,) = lines(webcam("page.png", *options).out)
        assert (answer["text"], answer["digits"], answer["rejected"]) == ("", [], 6)


def test_the_annotated_video_has_every_frame(webcam, here: Path, page: np.ndarray) -> None:
    write_video(here / "v.avi", [page] * 6)
    result = webcam("v.avi", "--output", "seen.mp4", "--debug")
    assert result.code == 0
    assert result.err.endswith("wrote seen.mp4\n")
    frames = frames_of(here / "seen.mp4")
    assert len(frames) == 6
    assert np.abs(frames[5].astype(int) - page).max() > 100
    assert {path.name for path in here.iterdir()} == {"cells.onnx", "v.avi", "seen.mp4"}


def test_the_source_is_not_overwritten(webcam, here: Path, page: np.ndarray) -> None:
    before = write_video(here / "v.avi", [page] * 3).read_bytes()
    result = webcam("v.avi", "-o", f"../{here.name}/v.avi")
    assert (result.code, "v.avi: is the source itself" in result.err) == (2, True)
    assert (here / "v.avi").read_bytes() == before


def test_pictures_of_several_sizes_make_no_video_but_what_came_before_is_kept(webcam, here: Path, digits) -> None:
    for index, size in enumerate([(96, 128), (96, 128), (128, 96)]):
        cv2.imwrite(f"p_{index}.png", frame_with(digits, ["4"], size=size))
    result = webcam("p_%d.png", "-o", "seen.avi")
    assert result.code == 2
    assert "error: seen.avi: a frame of 96x128 pixels after frames of 128x96. A video has one size" in result.err
    assert len(frames_of(here / "seen.avi")) == 2


def test_a_broken_picture_among_others_ends_it_with_its_name(webcam, here: Path, page: np.ndarray) -> None:
    for index in range(2):
        cv2.imwrite(f"p_{index}.png", page)
    (here / "p_2.png").write_bytes(b"no picture")
    result = webcam("p_%d.png")
    assert result.code == 2
    assert len(lines(result.out)) == 2
    assert "error: p_2.png: not a picture" in result.err


# Whole frames


@pytest.fixture
def colors(here: Path) -> Path:
    """A model of three classes on 8x8 colors, behind the contract: the class is the strongest channel."""
    shape, axes = np.array([0, -1, 3]), np.array([1])
    graph = onnx.parser.parse_graph(
        """colors (uint8[N, 8, 8, 3] image) => (float[N, 3] logits, float[N, 3] probabilities) {
            pixels = Cast<to: int = 1>(image)
            flat = Reshape(pixels, shape)
            mean = ReduceMean<keepdims: int = 0>(flat, axes)
            scale = Constant<value_float: float = 32.0>()
            logits = Div(mean, scale)
            probabilities = Softmax(logits)
        }"""
    )
    graph.initializer.extend([numpy_helper.from_array(shape, "shape"), numpy_helper.from_array(axes, "axes")])
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    template = _card_of("mnist-compact")
    golden = Golden(np.zeros((1, 8, 8, 3), np.uint8), {"probabilities": np.full((1, 3), 1 / 3, np.float32)}, 0.01)
    fields = vars(template) | {"labels": ["red", "green", "blue"], "input": ImageInput(8, 8, 3), "golden": golden}
    onnx.helper.set_model_props(proto, ModelCard(**fields).metadata())
    (here / "colors.onnx").write_bytes(proto.SerializeToString())
    return here / "colors.onnx"


def _card_of(name: str) -> ModelCard:
    import edgecnn

    return edgecnn.load(name, threads=1).card


def test_a_color_model_classifies_the_center_of_the_frame(webcam, here: Path, colors: Path) -> None:
    frame_bgr = np.zeros((60, 100, 3), np.uint8)
    frame_bgr[:, :20] = (0, 255, 0)  # outside of the center
    frame_bgr[:, 20:80] = (0, 0, 255)
    cv2.imwrite("red.png", frame_bgr)
    (answer,) = lines(webcam("red.png", model="colors.onnx").out)
    assert list(answer) == KEYS
    assert (answer["text"], answer["rejected"]) == ("red", 0)
    assert answer["digits"] == [{"label": "red", "probability": pytest.approx(0.999, abs=1e-3), "box": [20, 0, 60, 60]}]


def test_whole_frames_vote(webcam, here: Path, colors: Path) -> None:
    red, green = (np.full((48, 48, 3), color, np.uint8) for color in ((0, 0, 255), (0, 255, 0)))
    write_video(here / "v.avi", [red, red, red, green, red])
    assert [answer["text"] for answer in lines(webcam("v.avi", model="colors.onnx").out)] == ["red"] * 5


def test_whole_takes_a_digit_model_without_a_detector(edgecnn, here: Path, digits) -> None:
    cv2.imwrite("four.png", digits["4"])
    result = edgecnn("webcam", "mnist-compact", "--source", "four.png", "--whole", "--no-display")
    (answer,) = lines(result.out)
    assert (answer["text"], answer["digits"][0]["box"]) == ("4", [0, 0, 28, 28])


# Streams


@dataclass
class Stream:
    """A camera on the network: Motion JPEG over HTTP, of this machine."""

    picture: bytes
    frames: int
    opened: int = 0
    port: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.opened += 1
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.picture)}\r\n\r\n".encode()
        for _ in range(self.frames if self.opened == 1 else 0):
            if self.closing.is_set():
                return
            handler.wfile.write(head + self.picture + b"\r\n")
            time.sleep(0.02)


@pytest.fixture
def stream(page: np.ndarray) -> Iterator[Callable[[int], Stream]]:
    """Serve a page so many times; who comes again gets nothing."""
    servers: list[tuple[http.server.ThreadingHTTPServer, Stream]] = []

    def serve(frames: int) -> Stream:
        camera = Stream(cv2.imencode(".jpg", page)[1].tobytes(), frames)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    camera.answer(self)
                except OSError:  # the other end went away
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                """Nothing on standard error."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        camera.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append((server, camera))
        return camera

    yield serve
    for server, camera in servers:
        camera.closing.set()
        server.shutdown()
        server.server_close()


def test_a_stream_is_read_live(webcam, stream) -> None:
    result = webcam(stream(10_000).url, "--frames", 5)
    answers = lines(result.out)
    assert result.code == 0
    assert answers[-1]["text"] == "407\n12 3"
    numbers = [answer["frame"] for answer in answers]
    assert numbers == sorted(set(numbers))


def test_a_stream_that_ends_is_tried_again_and_then_given_up(webcam, stream, here: Path, monkeypatch) -> None:
    monkeypatch.setattr(sources, "live_frames", functools.partial(live.live_frames, pauses_s=(0.01, 0.01)))
    camera = stream(12)
    result = webcam(camera.url, "-o", "seen.avi")
    assert result.code == 2
    assert lines(result.out)
    assert f"warning: {camera.url}: gives no frames; is it unplugged? Opening it again in 0.01 s (try 1" in result.err
    assert re.search(SUMMARY.format(frames=r"\d+"), result.err)
    assert f"error: {camera.url}: gave no frame, and 2 tries to open it again did not help" in result.err
    assert camera.opened >= 2
    assert frames_of(here / "seen.avi")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_it_with_the_figures_and_a_whole_video(stream, here: Path) -> None:
    """The stream never ends, so lines that waited in a buffer would never come."""
    running = reading(stream, here, "-o", "seen.mp4")
    assert running.stdout is not None
    first = [running.stdout.readline() for _ in range(5)]
    running.send_signal(signal.SIGINT)
    rest, said = running.communicate(timeout=60)
    answers = lines("".join(first) + rest)
    assert running.returncode == 130
    assert re.search(SUMMARY.format(frames=len(answers)), said)
    assert "Traceback" not in said
    assert frames_of(here / "seen.mp4")
    assert {path.name for path in here.iterdir()} == {"cells.onnx", "seen.mp4"}


def test_a_reader_that_goes_away_ends_it_quietly(stream, here: Path) -> None:
    running = reading(stream, here, "-o", "seen.avi")
    assert running.stdout is not None
    assert running.stderr is not None
    json.loads(running.stdout.readline())
    running.stdout.close()
    said = running.stderr.read()
    running.stderr.close()
    assert running.wait(60) == 0
    assert re.fullmatch(SUMMARY.format(frames=r"\d+") + "\nwrote seen.avi\n", said)
    assert frames_of(here / "seen.avi")


def test_each_line_is_there_as_soon_as_its_frame_is_read(stream, here: Path) -> None:
    """The stream never ends, so a line that waits in a buffer would never come."""
    with subprocess.Popen(
        command(stream(10**6).url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here
    ) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["frame"] >= 0
        running.kill()


# What cannot be done

MISUSE = [
    (["--source", "77"], r"^error: camera 77: not there, or in use\. "),
    (["--source", "none.mp4"], r"^error: none\.mp4: no such file\. Expected a picture, a video"),
    (["--source", "none_%03d.png"], r"^error: none_%03d\.png: no such pictures\. Expected files such as none_001\.png"),
    (["--source", "."], r"^error: \.: a folder\. Expected a file, or a pattern such as img_%03d\.png"),
    (["--source", "empty.mp4"], r"^error: empty\.mp4: an empty file \(0 bytes\)"),
    (["--source", "empty.png"], r"^error: empty\.png: an empty file \(0 bytes\)"),
    (["--source", "noise.mp4"], r"^error: noise\.mp4: not a video that OpenCV reads"),
    (["--source", "noise.png"], r"^error: noise\.png: not a picture in a format that Pillow reads"),
    (["--source", "cut.png"], r"^error: cut\.png: (broken picture|cannot be read)"),
    (["--source", "cut.mp4"], r"^error: cut\.mp4: not a video that OpenCV reads"),
    (["--source", "text.txt"], r"^error: text\.txt: not a video that OpenCV reads"),
    (["--source", "http://127.0.0.1:9/"], r"^error: http://127\.0\.0\.1:9/: no answer, or not a stream"),
    (
        ["--source", "tiny.png", "--detector", "one-size.onnx"],
        r"^error: a frame of 3x2 pixels: the detector does not",
    ),
    (["--source", "page.png", "-o", "seen.mov"], r"^error: seen\.mov: cannot write such a video\. Expected"),
    (["--source", "page.png", "--detector", "mnist-c1"], r"^error: mnist-c1: is for classification"),
    (["--source", "page.png", "--detector", "none"], r"^error: no file and no model of the zoo named 'none'"),
    (["--source", "page.png", "--frames", "0"], r"Invalid value for '--frames'"),
    (["--source", "page.png", "--min-score", "2"], r"Invalid value for '--min-score'"),
]


@pytest.mark.parametrize(("options", "message"), MISUSE, ids=[" ".join(options) for options, _ in MISUSE])
def test_misuse_is_told_and_leaves_with_2(
    edgecnn, here: Path, page: np.ndarray, options: list[str], message: str
) -> None:
    cv2.imwrite("page.png", page)
    cv2.imwrite("tiny.png", page[:2, :3])
    write_detector(here / "one-size.onnx", frame=(96, 128))
    video = write_video(here / "whole.mp4", [page] * 20).read_bytes()
    contents = {
        "empty.mp4": b"", "empty.png": b"", "noise.mp4": np.random.default_rng(0).bytes(3000),
        "noise.png": np.random.default_rng(0).bytes(3000), "cut.png": (here / "page.png").read_bytes()[:600],
        "cut.mp4": video[: len(video) // 2], "text.txt": b"hello\n" * 100,
    }  # fmt: skip
    for name, content in contents.items():
        (here / name).write_bytes(content)
    before = {path: path.read_bytes() for path in here.iterdir()}
    arguments = ["--detector", "cells.onnx", *options, "--no-display"]
    result = edgecnn("webcam", "mnist-compact", *arguments)
    assert result.code == 2
    assert result.out == ""
    assert re.search(message, result.err, re.M)
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) == 1 or "Usage" in result.err
    assert {path: path.read_bytes() for path in here.iterdir()} == before


@pytest.mark.parametrize("source", ["77", "cut.mp4", "garbled.mp4"])
def test_opencv_and_ffmpeg_print_nothing_of_their_own(process, here: Path, page: np.ndarray, source: str) -> None:
    video = write_video(here / "garbled.mp4", [np.roll(page, 5 * index, axis=1) for index in range(20)])
    (here / "cut.mp4").write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    garble(video)
    options = ("--detector", "cells.onnx", "--source", source, "--no-display")
    result = process("webcam", "mnist-compact", *options, cwd=here)
    assert re.fullmatch(r"(error: .*\n)|(warning: .*\n\d+ frames .*\n)", result.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_it_says_what_to_do(edgecnn, here: Path, page: np.ndarray, monkeypatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    cv2.imwrite("page.png", page)
    result = edgecnn("webcam", "mnist-compact", "--detector", "cells.onnx", "--source", "page.png")
    assert (result.code, result.out) == (2, "")
    assert re.search(r"^error: no display .* Use --no-display", result.err)


def test_without_opencv_the_extra_is_named(process, here: Path) -> None:
    (here / "cv2.py").write_text("raise ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')")
    result = process("webcam", "mnist-compact", "--no-display", env={"PYTHONPATH": str(here), "PATH": ""})
    assert result.returncode == 2
    assert result.stderr == "error: This needs cv2, which is not installed. Run: pip install 'edgecnn[webcam]'\n"
