"""What a bulk prediction is divided into, and what comes out of each part, broken files among them."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import archive, png, samples, shards, table

from edgecnn.bulk.units import MOST_FILES, PICTURES_A_UNIT, Unit, cut, units_of
from edgecnn.errors import DataError


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def only(units: list[Unit]) -> Unit:
    (found,) = units
    return found


def names(unit: Unit) -> list[str]:
    return [taken.path for taken in unit.pictures()]


def test_a_file_that_comes_changes_one_unit_and_no_other() -> None:
    paths = [f"{number:07}.png" for number in range(20_000)]
    before = list(cut(paths))
    after = list(cut(sorted([*paths, "0004000-more.png"])))
    assert [path for some in before for path in some] == paths
    assert max(map(len, before)) <= MOST_FILES
    assert 3 * PICTURES_A_UNIT > len(paths) / len(before) > PICTURES_A_UNIT / 3
    assert sum(unit not in before for unit in after) == 1


def test_no_unit_has_more_files_than_it_may() -> None:
    assert [len(some) for some in cut(["same.png"] * 25, average=10**9, most=10)] == [10, 10, 5]


def test_files_folders_and_patterns_give_each_picture_once() -> None:
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(png(0))
    units = units_of(["a", "a/*.png", "b/3.png"])
    assert sorted(path for unit in units for path in names(unit)) == ["a/1.png", "a/2.png", "b/3.png"]
    assert {unit.source for unit in units} == {"a", "b/3.png"}


def test_what_is_not_there_is_a_picture_with_an_error() -> None:
    (taken,) = only(units_of(["nothing.png"])).pictures()
    assert (taken.content, taken.error) == (None, "nothing.png: cannot be read (No such file or directory).")
    Path("empty").mkdir()
    (taken,) = only(units_of(["empty"])).pictures()
    assert str(taken.error).startswith("empty: no pictures in this folder;")


def test_an_archive_is_a_unit_and_gives_its_pictures_in_order_with_their_names() -> None:
    units = units_of([shards(Path("shards"), count=6, each=3)])
    assert [unit.said for unit in units] == ["shards/train-000000.tar", "shards/train-000001.tar"]
    assert names(units[1]) == [f"shards/train-000001.tar#{number:06}.png" for number in (3, 4, 5)]
    assert [taken.content for taken in units[1].pictures()] == [png(150 * (place % 2), place) for place in (3, 4, 5)]


def test_archives_need_no_labels_and_what_else_is_in_them_is_passed_over() -> None:
    members = {"x/1.png": png(0), "x/1.json": b"{}", "x/._1.png": b"", "2.seg.png": png(0), "readme.md": b""}
    archive(Path("one.tar"), members)
    assert names(only(units_of(["tar:one.tar"]))) == ["one.tar#x/1.png"]


def test_an_archive_that_breaks_off_gives_what_came_before_and_an_error() -> None:
    archive(Path("one.tar"), samples(range(4)))
    whole = Path("one.tar").read_bytes()
    Path("one.tar").write_bytes(whole[: 4 * 1024 + 600])  # two samples of 2,048 bytes, and half a picture
    *before, last = only(units_of(["tar:one.tar"])).pictures()
    assert [taken.path for taken in before] == ["one.tar#000000.png", "one.tar#000001.png"]
    assert last.path == "one.tar"
    assert str(last.error).startswith("one.tar: not a tar archive that can be read")


def test_a_compressed_archive_is_an_error_of_its_own() -> None:
    archive(Path("one.tar"), samples(range(2)))
    Path("one.tar").write_bytes(gzip.compress(Path("one.tar").read_bytes()))
    (taken,) = only(units_of(["tar:one.tar"])).pictures()
    assert str(taken.error).endswith("expected one that is not compressed.")


def test_row_groups_come_together_until_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.bulk.units.PICTURES_A_UNIT", 25)
    units = units_of([table(Path("rows"), count=60)])
    assert [unit.said for unit in units] == [
        "rows/all.parquet, row groups 0 to 2",
        "rows/all.parquet, row groups 3 to 5",
    ]
    assert names(units[1]) == [f"rows/all.parquet#{row}" for row in range(30, 60)]
    assert next(taken.content for taken in units[1].pictures()) == png(0, 30)


def test_a_row_may_name_a_file_and_one_without_a_picture_has_an_error() -> None:
    Path("rows").mkdir()
    Path("rows/1.png").write_bytes(png(0))
    pq.write_table(pa.table({"path": ["1.png", None, "2.png"]}), "rows/all.parquet")
    found, nothing, lost = only(units_of(["parquet:rows"])).pictures()
    assert found.content == png(0)
    assert str(nothing.error).startswith("rows/all.parquet#1: has NoneType for a picture;")
    assert lost.error == "rows/all.parquet#2: cannot be read (No such file or directory)."


def test_rows_of_a_broken_row_group_each_have_an_error_and_the_others_are_read() -> None:
    table(Path("rows"), count=30)
    content = bytearray(Path("rows/all.parquet").read_bytes())
    middle = pq.read_metadata("rows/all.parquet").row_group(1).column(0)
    start = middle.dictionary_page_offset or middle.data_page_offset
    content[start : start + 40] = b"\xff" * 40
    Path("rows/all.parquet").write_bytes(content)
    found = list(only(units_of(["parquet:rows"])).pictures())
    assert [taken.path for taken in found] == [f"rows/all.parquet#{row}" for row in range(30)]
    assert [taken.content is None for taken in found] == [False] * 10 + [True] * 10 + [False] * 10
    assert str(found[15].error).startswith("rows/all.parquet: row group 1 cannot be read (")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("tar:nowhere", "tar:nowhere: no such file; expected"),
        ("tar:empty", "tar:empty: no file ends in .tar; expected"),
        ("parquet:no.parquet", "no.parquet: cannot be read"),
        ("parquet:other.parquet", "parquet:other.parquet: has columns name, none with pictures; expected one called"),
        ("s3://bucket/one", "s3://bucket/one: picture files are read on this machine; expected a path, or tar:s3:"),
        ("csv:labels.csv", "csv:labels.csv: is not read in bulk; expected folders, files, patterns, tar: or parquet:."),
    ],
)
def test_a_source_that_cannot_be_is_refused(source: str, said: str) -> None:
    Path("empty").mkdir()
    Path("no.parquet").write_bytes(b"nothing")
    pq.write_table(pa.table({"name": ["a"]}), "other.parquet")
    with pytest.raises(DataError) as refused:
        units_of([source])
    assert str(refused.value).startswith(said)


def test_a_file_that_is_written_again_gives_another_key() -> None:
    sources = [shards(Path("shards"), count=4, each=2), table(Path("rows"), count=10)]
    Path("1.png").write_bytes(png(0))
    before = units_of([*sources, "1.png"])
    assert [unit.key for unit in units_of([*sources, "1.png"])] == [unit.key for unit in before]
    assert len({unit.key for unit in before}) == 4
    for path in ("shards/train-000001.tar", "rows/all.parquet", "1.png"):
        os.utime(path, ns=(1, 1))
    changed = [
        unit.said for unit, then in zip(units_of([*sources, "1.png"]), before, strict=True) if unit.key != then.key
    ]
    assert changed == ["shards/train-000001.tar", "rows/all.parquet, row groups 0 to 0", "1.png"]
