"""The sorter files each picture where the model says, and loses none."""

import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgecnn

SORTER = Path(__file__).resolve().parents[2] / "examples" / "sorter" / "sorter.py"
MEMORY = Path("/dev/shm")  # another file system than that of the pictures


def _sort(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(SORTER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _report(text: str) -> dict[str, dict[str, str]]:
    return {row["path"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.fixture
def pictures(tmp_path: Path, model: Path) -> Path:
    """The golden digits, two plain pictures of one name in two folders, a broken picture and a text."""
    folder = tmp_path / "pictures"
    for number, image in enumerate(edgecnn.load(model).card.golden.images_nhwc):
        path = folder / f"digit-{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    for name, level in (("one", 0), ("two", 3)):
        (folder / name).mkdir()
        Image.fromarray(np.full((8, 8), level, np.uint8)).save(folder / name / "plain.png")
    whole = (folder / "digit-0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) - 30])
    (folder / "notes.txt").write_text("no picture")
    return folder


def _threshold(model: Path) -> float:
    """What half of the golden pictures reach."""
    classifier = edgecnn.load(model)
    reached = sorted(answer.probability for answer in classifier.predict_batch(classifier.card.golden.images_nhwc))
    return (reached[len(reached) // 2 - 1] + reached[len(reached) // 2]) / 2


def _expected(model: Path, pictures: Path, threshold: float) -> dict[str, str]:
    """Where each picture belongs, by its path, from one prediction at a time."""
    classifier = edgecnn.load(model)
    folders = {}
    for path in pictures.rglob("*.png"):
        if path.name != "cut.png":
            answer = classifier.predict(np.asarray(Image.open(path)))
            folders[str(path)] = answer.label if answer.probability >= threshold else "unsure"
    return folders | {str(pictures / "cut.png"): "unreadable"}


def test_copies_each_picture_into_the_folder_of_its_class(tmp_path: Path, model: Path, pictures: Path) -> None:
    before, output, threshold = _contents(pictures), tmp_path / "sorted", _threshold(model)
    result = _sort(pictures, output, "--model", model, "--threshold", threshold)
    assert result.returncode == 1, result.stderr  # one is unreadable
    assert _contents(pictures) == before
    rows = _report((output / "report.csv").read_text())
    expected = _expected(model, pictures, threshold)
    assert {path: row["folder"] for path, row in rows.items()} == expected
    assert {"unsure", "unreadable"} < set(expected.values())
    for path, row in rows.items():
        assert Path(row["target"]).parent == output / expected[path]
        assert Path(row["target"]).read_bytes() == Path(path).read_bytes()
    assert len({row["target"] for row in rows.values()}) == len(rows) == len(_contents(output)) - 1
    assert "truncated" in rows[str(pictures / "cut.png")]["error"]
    assert {row["action"] for row in rows.values()} == {"copied"}


def test_a_picture_that_its_decoder_breaks_on_is_one_that_is_unreadable(
    tmp_path: Path, model: Path, pictures: Path, broken_avif: bytes
) -> None:
    (pictures / "bad.png").write_bytes(broken_avif)
    result = _sort(pictures, tmp_path / "sorted", "--model", model)
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    rows = _report((tmp_path / "sorted" / "report.csv").read_text())
    assert {Path(path).name for path, row in rows.items() if row["folder"] == "unreadable"} == {"bad.png", "cut.png"}
    assert "broken picture" in rows[str(pictures / "bad.png")]["error"]


def test_moves_the_pictures_and_nothing_else(tmp_path: Path, model: Path, pictures: Path) -> None:
    before, output = _contents(pictures), tmp_path / "sorted"
    assert _sort(pictures, output, "--model", model, "--move").returncode == 1
    assert _contents(pictures) == {"notes.txt": before.pop("notes.txt")}
    (output / "report.csv").unlink()
    assert sorted(_contents(output).values()) == sorted(before.values())


@pytest.mark.skipif(not MEMORY.is_dir(), reason="no second file system to move to")
def test_moves_across_file_systems(tmp_path: Path, model: Path, pictures: Path) -> None:
    if MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to move to")
    before = _contents(pictures)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        output = Path(folder) / "sorted"
        assert _sort(pictures, output, "--model", model, "--move").returncode == 1
        (output / "report.csv").unlink()
        assert _contents(pictures) == {"notes.txt": before.pop("notes.txt")}
        assert sorted(_contents(output).values()) == sorted(before.values())


def test_a_dry_run_says_what_a_run_does_and_changes_nothing(tmp_path: Path, model: Path, pictures: Path) -> None:
    before, output = _contents(tmp_path), tmp_path / "sorted"
    planned = _sort(pictures, output, "--model", model, "--dry-run").stdout
    assert _contents(tmp_path) == before
    assert not output.exists()
    _sort(pictures, output, "--model", model)
    assert (output / "report.csv").read_text() == planned.replace("would copy", "copied")


def test_a_second_run_adds_nothing_but_its_report(tmp_path: Path, model: Path, pictures: Path) -> None:
    output = tmp_path / "sorted"
    _sort(pictures, output, "--model", model)
    first = _contents(output)
    _sort(pictures, output, "--model", model, "--move")
    assert {row["action"] for row in _report((output / "report-2.csv").read_text()).values()} == {"already there"}
    assert _contents(output).keys() - first.keys() == {"report-2.csv"}


@pytest.mark.parametrize("flags", [(), ("--move",)])
def test_nothing_is_overwritten(tmp_path: Path, model: Path, pictures: Path, flags: tuple[str, ...]) -> None:
    output = tmp_path / "sorted"
    mine = output / "unreadable" / "cut.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    broken = (pictures / "cut.png").read_bytes()
    _sort(pictures, output, "--model", model, *flags)
    assert mine.read_bytes() == b"mine"
    assert mine.with_name("cut-2.png").read_bytes() == broken


def test_a_picture_that_cannot_be_filed_stays_and_is_reported(tmp_path: Path, model: Path, pictures: Path) -> None:
    output = tmp_path / "sorted"
    output.mkdir()
    (output / "unreadable").write_text("a file where the folder would be")
    assert _sort(pictures, output, "--model", model, "--move").returncode == 1
    rows = _report((output / "report.csv").read_text())
    row = rows[str(pictures / "cut.png")]
    assert (row["action"], "unreadable" in row["error"]) == ("failed", True)
    assert sum(row["action"] == "moved" for row in rows.values()) == len(rows) - 1
    assert sorted(_contents(pictures)) == ["cut.png", "notes.txt"]


def test_a_threshold_that_no_answer_reaches_leaves_all_unsure(tmp_path: Path, model: Path, pictures: Path) -> None:
    rows = _report(_sort(pictures, tmp_path / "sorted", "--model", model, "--threshold", 1, "--dry-run").stdout)
    assert {row["folder"] for row in rows.values()} == {"unsure", "unreadable"}


def test_labels_become_folders_that_every_system_takes() -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import sorter; print(*sorter.folder_names(sys.argv[2:]))"

    def names(*labels: str) -> list[str]:
        command = [sys.executable, "-c", script, str(SORTER.parent), *labels]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert names("T-shirt/top", "Bag") == ["T-shirt-top", "Bag"]
    assert names("a", "A", "..", "unsure") == ["a-0", "A-1", "2", "unsure-3"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing", "sorted"), "no such folder"),
        (("empty", "sorted"), "no pictures in this folder"),
        (("pictures", "pictures/sorted"), "lies inside"),
        (("pictures", "sorted", "--model", "nothing.onnx"), "nothing.onnx"),
        (("pictures", "sorted", "--threshold", "2"), "--threshold"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, pictures: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "empty").mkdir()
    before = _contents(tmp_path)
    source, output, *options = arguments
    result = _sort(tmp_path / source, tmp_path / output, *options)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert _contents(tmp_path) == before
