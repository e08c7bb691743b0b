"""Tables of pictures: a CSV, Parquet files, what Hugging Face's datasets saved. All come to what a folder does."""

import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from edgecnn import data
from edgecnn.data.inspected.look import look
from edgecnn.data.sources import listed_of
from edgecnn.errors import DataError, MissingPackageError
from edgecnn.train.prepare import learning_task
from edgecnn.train.unasked import recipe_for
from edgecnn.verify.compare import read_for

HUGGING = {b"huggingface": json.dumps({"info": {"features": {
    "image": {"_type": "Image"}, "label": {"names": ["dog", "cat"], "_type": "ClassLabel"}}}}).encode()}  # fmt: skip


def _picture(level: int) -> Image.Image:
    return Image.new("L", (12, 10), level)


def _png(level: int) -> bytes:
    content = io.BytesIO()
    _picture(level).save(content, "PNG")
    return content.getvalue()


def _csv(home: Path, *lines: str, name: str = "labels.csv") -> str:
    for level in range(12):
        (home / "all").mkdir(parents=True, exist_ok=True)
        _picture(20 * level).save(home / "all" / f"{level}.png")
    (home / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"csv:{home / name}"


def _message(dataset: str) -> str:
    with pytest.raises(DataError) as caught:
        listed_of(dataset)
    return str(caught.value)


def _levels(split: data.Split) -> list[int]:
    return [level // 20 for level in split.images_nhwc[:, 0, 0, 0].tolist()]


# --- csv:FILE


def test_a_csv_has_paths_from_its_folder_and_labels(tmp_path: Path) -> None:
    dataset = _csv(tmp_path, "path,label", *(f"all/{level}.png,{'ab'[level % 2]}" for level in range(12)))
    train, test = (data.read_split(dataset, part, size=(10, 12)) for part in ("train", "test"))
    assert (train.names, len(train), len(test)) == (("a", "b"), 10, 2)
    assert sorted(_levels(train) + _levels(test)) == list(range(12))
    assert all(level % 2 == label for level, label in zip(_levels(train), train.labels_n, strict=True))


@pytest.mark.parametrize(("validation", "test"), [("val", "test"), ("Validation", "TESTING"), ("valid", "testing")])
def test_a_csv_may_say_the_split(tmp_path: Path, validation: str, test: str) -> None:
    words = ["training", "train", "train", "train", validation, validation, test, test]
    lines = [f"x,{word},{'ab'[level % 2]},all/{level}.png" for level, word in enumerate(words)]
    dataset = _csv(tmp_path, "id,Split,Label,Path", *lines)
    found = {part: _levels(data.read_split(dataset, part, size=(10, 12))) for part in ("train", "validation", "test")}
    assert found == {"train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7]}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_tables_than_with_commas_are_read(tmp_path: Path, delimiter: str) -> None:
    dataset = _csv(tmp_path, f"\ufeffpath{delimiter}label", *(f'"all/{n}.png"{delimiter}a, b' for n in range(3)))
    found = listed_of(dataset)
    assert found is not None
    assert found.names == ("a, b",)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["file,class", "all/0.png,a"], "line 1: is 'file,class'; expected a first line path,label"),
        (["path,label", "all/0.png,a", "all/1.png,"], "line 3: has no label"),
        (["path,label", "all/0.png,a", "nowhere.png,a"], "line 3: no file"),
        (["path,label,split", "all/0.png,a,train", "all/1.png,a,later"], "line 3: the split is 'later'"),
        (["path,label,split", "all/0.png,a,test"], "has a split test and none called train"),
        (["path,label"], "has no picture"),
        ([], "line 1: is ''"),
        (["path,label", '"all/0.png,a'], "line 2: no table"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_csv_is_named_by_its_line(tmp_path: Path, lines: list[str], told: str) -> None:
    assert told in _message(_csv(tmp_path, *lines))


def test_a_csv_that_is_not_there_or_no_text_is_a_message(tmp_path: Path) -> None:
    assert "cannot be read (No such file" in _message(f"csv:{tmp_path / 'no.csv'}")
    (tmp_path / "bad.csv").write_bytes(b"path,label\n\xff\xfe,a\n")
    assert "no text in UTF-8" in _message(f"csv:{tmp_path / 'bad.csv'}")


# --- parquet:PATH and hf:FOLDER


def _table(levels: Sequence[int], labels: Sequence[object], *, hugging: bool) -> pa.Table:
    if not hugging:
        return pa.table({"image": [_png(20 * level) for level in levels], "label": list(labels)})
    pictures = [{"bytes": _png(20 * level), "path": f"{level}.png"} for level in levels]
    return pa.table({"image": pictures, "label": list(labels)}).replace_schema_metadata(HUGGING)


def _parquet(home: Path) -> str:
    pq.write_table(_table(range(8), [0, 1] * 4, hugging=True), home / "train-00000-of-00002.parquet")
    pq.write_table(_table([8, 9], [0, 1], hugging=True), home / "train-00001-of-00002.parquet")
    pq.write_table(_table([10, 11], [0, 1], hugging=True), home / "test-00000-of-00001.parquet")
    return f"parquet:{home}"


def _saved(home: Path) -> str:
    for part, levels in (("train", range(10)), ("test", (10, 11))):
        (home / part).mkdir()
        table = _table(levels, [level % 2 for level in levels], hugging=True)
        with (
            pa.OSFile(str(home / part / "data-00000-of-00001.arrow"), "wb") as file,
            pa.ipc.new_stream(file, table.schema) as writer,
        ):
            writer.write_table(table)
        (home / part / "cache-1.arrow").write_bytes(b"what a map left")
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": part}
        (home / part / "state.json").write_text(json.dumps(state))
    (home / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    return f"hf:{home}"


@pytest.mark.parametrize("write", [_parquet, _saved])
def test_the_splits_and_the_names_are_those_of_hugging_face(tmp_path: Path, write: Callable[[Path], str]) -> None:
    dataset = write(tmp_path)
    train, test = (data.read_split(dataset, part, size=(10, 12)) for part in ("train", "test"))
    assert train.names == ("dog", "cat")
    assert (sorted(_levels(train)), _levels(test)) == (list(range(10)), [10, 11])
    assert test.labels_n.tolist() == [0, 1]


def test_one_parquet_file_with_words_is_enough(tmp_path: Path) -> None:
    pq.write_table(_table(range(10), ["b", "a"] * 5, hugging=False), tmp_path / "mine.parquet")
    found = data.read_whole(f"parquet:{tmp_path / 'mine.parquet'}", (10, 12), None)
    assert (found.train.names, len(found.train), len(found.test)) == (("a", "b"), 8, 2)


def test_a_broken_picture_in_a_table_is_left_out_and_named_by_its_row(tmp_path: Path) -> None:
    table = pa.table({"image": [*(_png(20 * level) for level in range(9)), b"nothing"], "label": ["a", "b"] * 5})
    pq.write_table(table, tmp_path / "mine.parquet")
    found = data.read_whole(f"parquet:{tmp_path / 'mine.parquet'}", (10, 12), None)
    assert any("mine.parquet, row 9" in text for text in found.train.skipped)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            pa.table({"image": [b"x"], "kind": ["a"]}),
            "has columns image, kind, none with labels; expected one called label",
        ),
        (pa.table({"x": [b"x"], "label": ["a"]}), "none with pictures; expected one called image"),
        (pa.table({"image": [7], "label": ["a"]}), "mine.parquet has int64 for a picture"),
        (pa.table({"image": [b"x"], "label": [None]}), "row 0 has the label None"),
        (_table([1], [2], hugging=True), "row 0 has the label 2; expected a word, or a number that has a name"),
    ],
)
def test_what_is_wrong_in_a_table_is_a_message(tmp_path: Path, table: pa.Table, told: str) -> None:
    pq.write_table(table, tmp_path / "mine.parquet")
    assert told in _message(f"parquet:{tmp_path / 'mine.parquet'}")


def test_what_is_no_table_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    assert "bad.parquet: cannot be read" in _message(f"parquet:{tmp_path / 'bad.parquet'}")
    assert "no state.json in it" in _message(f"hf:{tmp_path}")
    (tmp_path / "state.json").write_text("[]")
    assert "state.json: broken" in _message(f"hf:{tmp_path}")
    assert "nowhere.parquet: cannot be read" in _message(f"parquet:{tmp_path / 'nowhere.parquet'}")
    (tmp_path / "empty").mkdir()
    assert "no file ends in .parquet" in _message(f"parquet:{tmp_path / 'empty'}")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _parquet(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"edgecnn\[parquet\]"):
        listed_of(dataset)


# --- what takes them


def test_a_data_set_of_a_table_is_looked_at_like_a_folder(tmp_path: Path) -> None:
    found = look(_parquet(tmp_path))
    assert (found.dataset, found.sizes.common) == (f"parquet:{tmp_path.name}", (10, 12))
    assert found.modes == {"gray": 12}


def test_a_table_that_lacks_classes_is_measured_whole(tmp_path: Path) -> None:
    dataset = _csv(tmp_path, "path,label", *(f"all/{level}.png,a" for level in range(5)))
    found = data.read_other(dataset, ("a", "b"), size=(10, 12), channels=1)
    assert (len(found), found.names, found.labels_n.tolist()) == (5, ("a", "b"), [0] * 5)


def test_a_model_says_the_name_of_a_table_without_the_way_to_it(tmp_path: Path) -> None:
    assert data.public_name(f"csv:{tmp_path / 'labels.csv'}") == "csv:labels.csv"
    assert not data.is_named(f"csv:{tmp_path / 'labels.csv'}")


def test_a_recipe_is_chosen_for_a_table_and_its_images_are_read_again_as_they_were(tmp_path: Path) -> None:
    dataset = _csv(tmp_path, "path,label", *(f"all/{level}.png,{'ab'[level % 2]}" for level in range(12)))
    found = recipe_for(dataset)
    assert (found.recipe.name, found.recipe.data.name) == ("labels", dataset)
    prepared = learning_task(found.recipe).prepare(found.recipe, None)
    again = read_for(prepared.record, prepared.shape.shape, "validation")
    assert np.array_equal(again.images_nhwc, prepared.validation.images_nhwc)
