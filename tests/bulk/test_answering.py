"""A unit's part file: a row a picture, in order, as a plain prediction answers it."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import archive, png
from PIL import Image, ImageDraw, ImageFont

from edgecnn import documents, load, zoo
from edgecnn.bulk.answering import COUNTED, IMAGES_AT_ONCE, Job, Worker
from edgecnn.bulk.told import Asked, Counted
from edgecnn.bulk.units import Taken, units_of
from edgecnn.errors import ModelError
from edgecnn.runtime.files import Given, predict_files

MODEL = "mnist-c1"


def worker(detector: str | None = None, model: str = MODEL) -> Worker:
    content = None if detector is None else zoo.find(detector).read_bytes()
    return Worker(Job(Asked(model, "", detector, None), zoo.find(model).read_bytes(), content, "cpu", 1))


def answered(found: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(found))


class Pictures:
    """A unit of pictures that are there already."""

    source = said = "pictures"
    key = "0" * 16

    def __init__(self, *taken: Taken) -> None:
        self._taken = taken

    def pictures(self) -> Iterator[Taken]:
        yield from self._taken


def test_rows_are_what_a_plain_prediction_answers_in_the_same_order(tmp_path: Path) -> None:
    count = 2 * IMAGES_AT_ONCE + 3
    members = {f"{place}.png": b"broken" if place == 70 else png(place % 150, place) for place in range(count)}
    path = archive(tmp_path / "one.tar", members)
    (unit,) = units_of([f"tar:{path}"])
    table = answered(worker().answer(unit))
    assert table.column_names == ["path", "label", "probability", "unlike", "error"]
    plain = list(predict_files(load(MODEL), [Given(Path(f"{path}#{name}"), members[name]) for name in members]))
    assert table["path"].to_pylist() == [str(answer.path) for answer in plain]
    assert table["label"].to_pylist() == [answer.top[0].label if answer.top else None for answer in plain]
    assert table["unlike"].to_pylist() == [answer.unlike for answer in plain]
    assert table["error"].to_pylist() == [answer.error for answer in plain]
    ours = np.array(table["probability"].to_pylist(), np.float64)
    theirs = np.array([answer.top[0].probability if answer.top else np.nan for answer in plain])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_part_says_what_its_rows_come_to() -> None:
    unit = Pictures(Taken("a", png(0)), Taken("b", b"broken"), Taken("c", None, "c: is lost."))
    counted = documents.from_json(Counted, answered(worker().answer(unit)).schema.metadata[COUNTED], "part")
    assert (counted.pictures, counted.failed, sum(counted.labels.values())) == (3, 2, 1)
    assert counted.errors == ["b: not a picture in a format that Pillow reads.", "c: is lost."]


def test_no_picture_at_all_is_a_part_without_rows() -> None:
    assert answered(worker().answer(Pictures())).num_rows == 0


def test_a_name_that_is_no_utf_8_is_written_with_escapes() -> None:
    table = answered(worker().answer(Pictures(Taken("\udcff.png", png(0)))))
    assert table["path"].to_pylist() == ["\\xff.png"]


def test_with_a_detector_digits_are_read() -> None:
    page, content = Image.new("RGB", (320, 240), "white"), io.BytesIO()
    ImageDraw.Draw(page).text((60, 40), "2 7 5\n8 1", fill="black", font=ImageFont.load_default(48))
    page.save(content, "PNG")
    unit = Pictures(Taken("page.png", content.getvalue()), Taken("lost.png", None, "lost.png: is lost."))
    read, lost = answered(worker("digit-finder", "digits-webcam").answer(unit)).to_pylist()
    assert (read["text"], read["digits"]) == ("275\n81", list("27581"))
    assert len(read["probabilities"]) == len(read["boxes"]) == 5
    assert all(0 <= x < 320 and 0 <= y < 240 and w > 5 and h > 20 for x, y, w, h in read["boxes"])
    assert (lost["path"], lost["text"], lost["boxes"], lost["error"]) == ("lost.png", None, None, "lost.png: is lost.")


def test_a_worker_of_another_version_is_refused() -> None:
    with pytest.raises(ModelError, match=r"a worker has edgecnn .*, and edgecnn 0\.0\.1 asks it"):
        Worker(Job(Asked(MODEL, "", None, None), zoo.find(MODEL).read_bytes(), None, "cpu", 1, "0.0.1"))
