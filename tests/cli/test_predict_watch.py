"""edgecnn predict --watch, and predict on tables of pictures."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

posix = pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")


class Watching:
    """A command that watches, with its lines as they come."""

    def __init__(self, model: Path, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "edgecnn_cli.main", "predict", str(model), "--watch", str(folder), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines: queue.Queue[str] = queue.Queue()
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream) -> None:
        for line in stream:
            self.lines.put(line)

    def line(self) -> str:
        return self.lines.get(timeout=60)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@pytest.fixture
def watching(model: Path, tmp_path: Path) -> Iterator[Watching]:
    found = Watching(model, tmp_path, "--json")
    assert found.line().startswith(f"watching {tmp_path}")
    yield found
    found.process.kill()
    found.process.communicate()


def _arrive(folder: Path, name: str, content: bytes) -> Path:
    """Write a file as careful programs do: beside, then renamed."""
    (folder / f".{name}").write_bytes(content)
    return (folder / f".{name}").rename(folder / name)


@posix
def test_each_arrival_is_a_line_a_broken_one_stops_nothing_and_control_c_ends(
    watching: Watching, tmp_path: Path
) -> None:
    Image.new("L", (28, 28), 90).save(tmp_path / ".whole.png")
    whole = (tmp_path / ".whole.png").read_bytes()
    first = _arrive(tmp_path, "first.png", whole)
    answer = json.loads(watching.line())
    assert (answer["path"], answer["error"], len(answer["top"])) == (str(first), None, 1)
    _arrive(tmp_path, "broken.png", whole[:40])
    assert "broken.png" in json.loads(watching.line())["error"]
    last = _arrive(tmp_path, "last.png", whole)
    assert json.loads(watching.line())["path"] == str(last)
    assert watching.stop() == 130
    assert "Traceback" not in "".join(watching.lines.queue)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "expected pictures, or a folder to watch"),
        (["a.png", "--watch", "."], "expected pictures, or a folder to watch"),
        (["--watch", ".", "--csv"], "--watch goes with --top-k, --ink and --json alone"),
        (["--watch", "nowhere"], "nowhere: no such folder to watch"),
    ],
)
def test_what_does_not_go_together_is_a_message(edgecnn, model: Path, arguments: list[str], told: str) -> None:
    result = edgecnn("predict", model, *arguments)
    assert result.code == 2
    assert told in " ".join(result.err.split())


def test_a_table_is_answered_with_the_accuracy_of_its_labels(edgecnn, model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("L", (28, 28), 90).save(tmp_path / f"{name}.png")
    said = json.loads(edgecnn("predict", model, tmp_path / "a.png", "--json").out)["images"][0]["top"][0]["label"]
    other = "1" if said == "0" else "0"
    (tmp_path / "labels.csv").write_text(f"path,label\na.png,{said}\nb.png,{other}\n")
    found = json.loads(edgecnn("predict", model, f"csv:{tmp_path / 'labels.csv'}", "--json").out)
    assert (found["summary"]["right"], found["summary"]["accuracy"]) == (1, 0.5)
    assert [Path(one["path"]).name for one in found["images"]] == ["a.png", "b.png"]
    shown = edgecnn("predict", model, f"csv:{tmp_path / 'labels.csv'}").out
    assert "accuracy 50.00%: 1 of 2 have the label that their table says" in shown
