"""Two models on pictures that stay in their files: figures and verdicts are those of images in memory."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import as_png, digits
from s3 import S3

from edgecnn.bulk import verify_bulk
from edgecnn.bulk.ray_pool import Lost
from edgecnn.bulk.verifying import Both, Some, all_of, compared, cut, listed, measured_entries
from edgecnn.contender import open_classifier
from edgecnn.data import read_split
from edgecnn.data.listed import Entry
from edgecnn.errors import DataError, DeviceError, EdgecnnError, Interrupted
from edgecnn.verify import Comparison, compare_files
from edgecnn.verify.apart import WHOLE, Apart


def rows(home: Path, names: tuple[str, ...] = ("train", "test"), classes: range = range(10)) -> str:
    """Write digits as a Parquet file for each name, in row groups of 10."""
    split = read_split("digits", "train")
    places = [place for place in range(400) if split.labels_n[place] in classes]
    home.mkdir()
    for number, name in enumerate(names):
        own = places[number :: len(names)]
        table = {
            "image": [as_png(split.images_nhwc[place, ..., 0]) for place in own],
            "label": [str(split.labels_n[place]) for place in own],
        }
        pq.write_table(pa.table(table), home / f"{name}.parquet", row_group_size=10)
    return f"parquet:{home}"


def by_workers(reference: Path, candidate: Path, dataset: str, apart: Apart = WHOLE) -> Comparison:
    """Compare as Ray's workers have it, one unit after the other here, each sent as Ray sends it."""
    first, second = open_classifier(reference), open_classifier(candidate)
    pictures = listed(dataset)
    units = list(cut(measured_entries(pictures, first), most=37))
    assert len(units) > 3
    worker = Both((reference.read_bytes(), candidate.read_bytes()), first.input).opened()
    answers = [pickle.loads(pickle.dumps(worker.answer(pickle.loads(pickle.dumps(unit))))) for unit in units]
    found = compared(first, second, pictures, answers, max_drop_pp=5.0, apart=apart)
    return replace(found, seconds=0.0)


@pytest.mark.parametrize("write", [digits, rows], ids=["tar", "parquet"])
def test_figures_and_verdicts_are_those_of_images_in_memory(
    model: Path, static_model: Path, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    (tmp_path / "slices.csv").write_text("index,slice\n" + "".join(f"{at},{at % 2}\n" for at in range(90)))
    dataset, apart = write(tmp_path / "set"), Apart(60.0, tmp_path / "slices.csv", 20.0)
    plain = compare_files(model, static_model, dataset=dataset, max_drop_pp=5.0, apart=apart)
    assert plain.by_class is not None
    assert 0.5 < plain.reference.accuracy < 1
    assert by_workers(model, static_model, dataset, apart) == replace(plain, seconds=0.0)


def test_pictures_that_lack_classes_and_have_no_splits_are_taken_whole(model: Path, tmp_path: Path) -> None:
    dataset = rows(tmp_path / "set", ("all",), range(5))
    plain = compare_files(model, model, dataset=dataset, max_drop_pp=5.0)
    assert by_workers(model, model, dataset) == replace(plain, seconds=0.0)


@pytest.mark.parametrize("write", [digits, rows], ids=["tar", "parquet"])
def test_pictures_in_a_store_of_objects_are_compared_as_those_here(
    s3: S3, model: Path, static_model: Path, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    here = write(tmp_path / "set")
    there = f"{here.partition(':')[0]}:{s3.put(tmp_path / 'set', tmp_path.name)}"
    assert by_workers(model, static_model, there) == replace(by_workers(model, static_model, here), dataset=there)


def test_a_worker_holds_no_more_pixels_than_a_batch(model: Path, tmp_path: Path) -> None:
    first = open_classifier(model)
    (some, *_) = cut(measured_entries(listed(digits(tmp_path / "set")), first))
    answers = Both((model.read_bytes(), model.read_bytes()), first.input).opened().answer(some)
    assert len(answers.logits[0]) == len(answers.found.images) > 20
    assert len(pickle.dumps(answers)) < 28 * 28 * len(answers.found.images) / 3


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("mnist", "mnist: workers read archives and tables alone; expected tar:PATH or parquet:PATH. Leave out --on."),
        ("folder:.", "folder:.: workers read archives and tables alone"),
        ("tar:nowhere", "nowhere: not a tar archive that can be read"),
    ],
)
def test_what_workers_do_not_read_is_refused(model: Path, dataset: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        verify_bulk(model, model, dataset)
    assert said in str(refused.value)


def test_what_is_no_model_file_is_refused(run: Path, model: Path) -> None:
    with pytest.raises(EdgecnnError, match="workers open model files alone"):
        verify_bulk(run, model, "tar:nowhere")
    with pytest.raises(EdgecnnError, match=r"net\.py:Net: workers open model files alone"):
        verify_bulk(model, "net.py:Net", "tar:nowhere")


def test_a_test_split_that_has_to_be_drawn_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no test split of its own, and which fifth is held out is known once"):
        verify_bulk(model, model, rows(tmp_path / "set", ("all",)))


def test_grouped_classes_are_refused(model: Path, tmp_path: Path) -> None:
    first = open_classifier(model)
    grouped = replace(first, dataset=replace(first.dataset, groups={"even": ["0"]}))
    with pytest.raises(DataError, match="its classes are groups"):
        measured_entries(listed(rows(tmp_path / "set")), grouped)


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("cifar10-fast", "only models with the same input can be compared image by image"),
        ("fashion-mnist-best", "answers 10 labels"),
    ],
)
def test_models_of_other_images_are_refused_before_anything_is_read(model: Path, candidate: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        verify_bulk(model, candidate, "tar:nowhere")


def test_answers_come_in_the_order_of_the_pictures_and_all_of_them() -> None:
    units = [Some(0, ()), Some(1, ())]
    assert all_of([(units[1], "b"), (units[0], "a")], units, "ray") == ["a", "b"]
    with pytest.raises(Interrupted, match="1 of 2 parts were answered"):
        all_of([(units[1], "b")], units, "ray")
    with pytest.raises(DeviceError, match="ray: one and 1 more could not be answered: its worker died 5 times"):
        all_of([(Some(0, (Entry(0, b"", "one"), Entry(0, b"", "two"))), Lost(5))], units, "ray")
