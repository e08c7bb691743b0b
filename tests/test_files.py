"""A file is whole or not there, whatever happens while it is written."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgecnn import checkpoint, files
from edgecnn.data import read_split
from edgecnn.errors import EdgecnnError
from edgecnn.runtime.image import read_image


def _write_half_then(error: BaseException, target: Path) -> None:
    with files.replacing(target) as partial:
        partial.write_bytes(b"half")
        raise error


def test_the_name_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    with files.replacing(target) as partial:
        partial.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"


def test_the_old_content_stays_until_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"old")
    with files.replacing(target) as partial:
        partial.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


def test_what_is_written_to_keeps_the_suffix_that_writers_look_at(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "train.npz") as partial:
        partial.touch()
        assert partial.suffix == ".npz"


def test_nothing_is_left_beside_a_finished_file(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "card.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_a_folder_gets_its_name_when_the_block_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for target in (tmp_path / "new", Path("relative"), tmp_path / "parent" / "empty"):
        with files.making_folder(target) as partial:
            (partial / "file").touch()
            assert not target.exists()
        assert [path.name for path in target.iterdir()] == ["file"]
        assert [path.name for path in target.absolute().parent.iterdir() if path.name.startswith(".")] == []


def test_an_empty_folder_that_one_stands_in_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with files.making_folder(Path()) as partial:
        (partial / "file").touch()
        (partial / "folder").mkdir()
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["file", "folder"]


def test_folders_made_for_a_file_go_again_with_it(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="broken"):
        _write_half_then(ValueError("broken"), tmp_path / "there" / "new" / "newer" / "model.onnx")
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_no_folder_is_left_after_an_exception(tmp_path: Path) -> None:
    def make_half() -> None:
        with files.making_folder(tmp_path / "app") as partial:
            (partial / "file").touch()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        make_half()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_could_not_be_filled_is_as_it_was(tmp_path: Path, error: BaseException, there: bool) -> None:
    target = tmp_path / "new" / "demo"
    if there:
        target.mkdir(parents=True)

    def fill() -> None:
        with files.filling_folder(target, ["run", "file"]):
            (target / "run").mkdir()
            (target / "run" / "file").touch()
            (target / "file").touch()
            raise error

    with pytest.raises(type(error)):
        fill()
    assert list(tmp_path.rglob("*")) == ([tmp_path / "new", target] if there else [])


def test_a_filled_folder_keeps_what_is_in_it(tmp_path: Path) -> None:
    with files.filling_folder(tmp_path / "demo", ["file"]):
        (tmp_path / "demo" / "file").touch()
    assert list((tmp_path / "demo").iterdir()) == [tmp_path / "demo" / "file"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_nothing_is_left_after_an_exception(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        _write_half_then(error, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"old")
    with pytest.raises(ValueError, match="broken"):
        _write_half_then(ValueError("broken"), target)
    assert target.read_bytes() == b"old"


def test_a_block_that_wrote_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "model.onnx"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.mkdir()
    with pytest.raises(OSError, match=r"model\.onnx"):
        files.write_bytes(target, b"new")
    assert list(tmp_path.iterdir()) == [target]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "a" / "b" / "model.onnx", b"new")
    assert (tmp_path / "a" / "b" / "model.onnx").read_bytes() == b"new"


def test_a_process_that_dies_while_writing_leaves_the_name_free(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    script = (
        "import os, sys, pathlib\n"
        "from edgecnn import files\n"
        "with files.replacing(pathlib.Path(sys.argv[1])) as partial:\n"
        "    partial.write_bytes(b'half')\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(target)], check=False).returncode == 9
    assert not target.exists()


HALF = """
import os, pathlib, sys
from edgecnn import files
kind, target = sys.argv[1], pathlib.Path(sys.argv[2])
if kind == "file":
    with files.replacing(target) as partial:
        partial.write_bytes(b"half")
        os._exit(9)
elif kind == "filling":
    with files.filling_folder(target, ["run", "file"]):
        (target / "run").mkdir()
        (target / "run" / "inside").touch()
        with files.scratch_folder(target / "file") as scratch, files.replacing(target / "file"):
            (scratch / "inside").touch()
            os._exit(9)
else:
    with files.making_folder(target) as partial:
        (partial / "file").touch()
        (partial / "other").touch()
        if kind == "moving":
            rename = pathlib.Path.rename
            pathlib.Path.rename = lambda self, to: os._exit(9) if list(target.glob("[a-z]*")) else rename(self, to)
        else:
            os._exit(9)
"""


def _killed(kind: str, target: Path) -> list[str]:
    """Leave what a killed process leaves, and return the names in the folder of ``target``."""
    assert subprocess.run([sys.executable, "-c", HALF, kind, str(target)], check=False).returncode == 9
    return [path.name for path in target.parent.rglob("*")]


def test_the_next_writer_of_a_file_clears_what_a_kill_left(tmp_path: Path) -> None:
    assert _killed("file", tmp_path / "model.onnx") != []
    (tmp_path / ".model-0123456789ab.json").touch()  # not of this file
    files.write_bytes(tmp_path / "model.onnx", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model-0123456789ab.json", "model.onnx"]


def test_what_another_process_still_writes_is_left_alone(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\nfrom edgecnn import files\n"
        "with files.replacing(pathlib.Path(sys.argv[1])) as partial:\n"
        "    partial.write_bytes(b'theirs'); print('there', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "model.onnx")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"there\n"
        files.write_bytes(tmp_path / "model.onnx", b"ours")
        other.communicate()
    assert other.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == b"theirs"


@pytest.mark.parametrize("kind", ["making", "moving"])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_a_kill_left_half_made_is_free_again(tmp_path: Path, kind: str, there: bool) -> None:
    target = tmp_path / "app"
    if there:
        target.mkdir()
    elif kind == "moving":
        pytest.skip("a new folder gets its name at once")
    assert _killed(kind, target) != []
    files.clear_leftovers(target)
    assert list(tmp_path.rglob("*")) == ([target] if there else [])


def test_a_folder_that_a_kill_left_half_filled_loses_what_was_made_in_it_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    assert _killed("filling", target) != []
    (target / "mine").touch()
    files.clear_leftovers(target)
    assert list(target.iterdir()) == [target / "mine"]


def test_what_lies_beside_a_folder_is_never_taken_for_what_was_made_in_it(tmp_path: Path) -> None:
    leftover = tmp_path / ".app-0123456789ab"
    leftover.mkdir()
    (leftover / files.MANIFEST).write_text('["mine", "../mine"]')
    (tmp_path / "mine").touch()
    files.clear_leftovers(tmp_path / "app")
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_a_writer_with_an_error_of_its_own_says_that_the_disk_is_full(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(OSError, match=r"No space left on device.*model\.onnx"):
        _write_half_then(RuntimeError("unexpected pos 64 vs 0"), tmp_path / "model.onnx")


def test_writers_at_the_same_time_leave_the_whole_content_of_one(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    contents = [bytes([number]) * 100_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: files.write_bytes(target, content), contents))
    assert target.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [target]


def test_text_is_utf8_with_its_line_ends_as_given(tmp_path: Path) -> None:
    files.write_text(tmp_path / "card.json", "ä\n→\r\n")
    assert (tmp_path / "card.json").read_bytes() == b"\xc3\xa4\n\xe2\x86\x92\r\n"


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert files.sha256(tmp_path / "abc") == expected


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [(POINTER, "a pointer of Git LFS"), (b"\n<!DOCTYPE html><html>", "a web page"), (b"<html>", "a web page")],
)
@pytest.mark.parametrize("kind", ["picture", "checkpoint", "npz"])
def test_what_was_downloaded_in_place_of_a_file_is_named(tmp_path: Path, kind: str, content: bytes, said: str) -> None:
    readers = {
        "picture": (read_image, "a.png"),
        "checkpoint": (checkpoint.read, "a.safetensors"),
        "npz": (lambda path: read_split(str(path), "train"), "a.npz"),
    }
    read, name = readers[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgecnnError, match=f"It is {said}"):
        read(tmp_path / name)


def test_a_file_that_is_what_it_is_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"version 1")
    assert (files.stand_in(tmp_path / "a"), files.stand_in(tmp_path / "none")) == ("", "")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nothing can be made")
def test_a_folder_in_which_nothing_can_be_made_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(FileNotFoundError):
        files.write_text(Path("/proc/model.onnx"), "text")
    with pytest.raises(FileNotFoundError), files.scratch_folder(Path("/proc/model")):
        pass
