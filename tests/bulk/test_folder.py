"""The folder of answers: what a second run does, and what it refuses, without any worker started."""

import os
from pathlib import Path

import pytest
from archives import shards

from edgecnn import documents, zoo
from edgecnn.bulk import folder
from edgecnn.bulk.answering import Job, Worker
from edgecnn.bulk.told import Asked, Manifest
from edgecnn.bulk.units import Unit, units_of
from edgecnn.errors import DataError

ASKED = Asked("mnist-c1", "a" * 64, None, None)


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker(Job(ASKED, zoo.find("mnist-c1").read_bytes(), None, "cpu", 1))


@pytest.fixture
def source(tmp_path: Path) -> str:
    return shards(tmp_path / "shards", count=6, each=2)


@pytest.fixture
def output(tmp_path: Path, source: str, worker: Worker) -> Path:
    """A folder in which all is answered."""
    output = tmp_path / "answers"
    do(output, source, worker)
    return output


def do(output: Path, source: str, worker: Worker) -> list[Unit]:
    plan = folder.planned(output, ASKED, units_of([source]), [source])
    folder.begin(output, plan)
    for unit in plan.missing:
        folder.write(output, unit, worker.answer(unit))
    return list(plan.missing)


def parts(output: Path) -> list[str]:
    return sorted(path.name for path in output.glob("*.parquet"))


def test_the_second_time_there_is_nothing_to_do_and_nothing_is_written(output, source, worker) -> None:
    before = {path: path.stat().st_mtime_ns for path in output.iterdir()}
    assert do(output, source, worker) == []
    assert {path: path.stat().st_mtime_ns for path in output.iterdir()} == before
    assert len(before) == 4


def test_a_part_that_is_gone_or_broken_is_made_again_alone(output, source, worker) -> None:
    gone, broken, _ = units_of([source])
    folder.part_of(output, gone).unlink()
    folder.part_of(output, broken).write_bytes(folder.part_of(output, broken).read_bytes()[:-30])
    assert do(output, source, worker) == [gone, broken]
    assert all(folder.counted(folder.part_of(output, unit)) for unit in units_of([source]))


def test_a_file_that_changed_is_answered_again_and_its_old_part_goes(output, source, worker) -> None:
    before = parts(output)
    os.utime(Path(source.removeprefix("tar:")) / "train-000001.tar", ns=(1, 1))
    assert [unit.said[-16:] for unit in do(output, source, worker)] == ["train-000001.tar"]
    assert len(parts(output)) == 3
    assert len({*parts(output)} & {*before}) == 2


def test_the_manifest_names_every_part(output, source) -> None:
    manifest = documents.read(Manifest, output / folder.MANIFEST)
    assert manifest.asked == ASKED
    assert sorted(one.part for one in manifest.parts) == parts(output)
    assert {one.source for one in manifest.parts} == {source}


def test_another_model_is_refused_and_nothing_changes(output, source) -> None:
    other, before = Asked("other", "b" * 64, None, None), parts(output)
    with pytest.raises(DataError) as refused:
        folder.planned(output, other, units_of([source]), [source])
    assert str(refused.value) == (
        f"{output}: has the answers of model mnist-c1 (sha256 aaaaaaaaaaaa), and this is other (sha256 bbbbbbbbbbbb). "
        "Name another folder with -o, or remove this one."
    )
    assert parts(output) == before


def test_the_same_model_with_a_detector_is_another_question(output, source) -> None:
    with pytest.raises(DataError, match="has the answers of detector none, and this is finder"):
        folder.planned(output, Asked("mnist-c1", "a" * 64, "finder", "c" * 64), units_of([source]), [source])


def test_answers_that_nobody_asks_for_now_are_not_taken_away(output, tmp_path) -> None:
    other = shards(tmp_path / "others", count=2, each=2)
    with pytest.raises(DataError, match=r"has the answers for tar:.*shards, which is not asked for now"):
        folder.planned(output, ASKED, units_of([other]), [other])


def test_more_sources_do_what_is_new(output, source, tmp_path) -> None:
    both = [source, shards(tmp_path / "others", count=2, each=2)]
    plan = folder.planned(output, ASKED, units_of(both), both)
    assert [unit.source for unit in plan.missing] == [both[1]]
    assert not plan.stale


def test_a_folder_of_something_else_is_refused(tmp_path, source) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    for name in ("full", "full/notes.txt"):
        with pytest.raises((DataError, NotADirectoryError)):
            folder.planned(tmp_path / name, ASKED, units_of([source]), [source])


@pytest.mark.parametrize("content", [b"nothing", b'{"schema": 1}', b'{"schema": 99, "asked": 1}'])
def test_a_broken_manifest_is_refused(output, source, content: bytes) -> None:
    (output / folder.MANIFEST).write_bytes(content)
    with pytest.raises(DataError, match="Name another folder with -o, or remove this one"):
        folder.planned(output, ASKED, units_of([source]), [source])


def test_a_manifest_that_names_files_elsewhere_takes_none_away(output, source, tmp_path) -> None:
    precious = tmp_path / "precious.parquet"
    precious.touch()
    text = (output / folder.MANIFEST).read_text()
    (output / folder.MANIFEST).write_text(text.replace(parts(output)[0], "../precious.parquet"))
    plan = folder.planned(output, ASKED, units_of([source]), [source])
    folder.begin(output, plan)
    assert precious.exists()
