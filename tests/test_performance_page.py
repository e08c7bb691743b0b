"""The program that sets edgecnn beside its peers: a real network measured in real ways, its record, and its page."""

import math
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch
from brief import launched
from programs import program

from edgecnn import checkpoint, documents, load
from edgecnn.checkpoint import BEST
from edgecnn.errors import EdgecnnError
from edgecnn.machine.environment import environment
from edgecnn.recipes.read import read

OURS, PLAIN, OPENCV = "edgecnn", "ONNX Runtime, default session of the plain export", "OpenCV dnn"


@pytest.fixture(scope="module")
def performance() -> Iterator[ModuleType]:
    """The program, which has its parts beside it."""
    before = [*sys.path]
    yield program("tools/docs/performance_page.py")
    sys.path[:] = before


@pytest.fixture(scope="module")
def folder(performance: ModuleType, tmp_path_factory: pytest.TempPathFactory, run: Path, model: Path) -> Path:
    """A network's folder, as ``prepare`` leaves it."""
    path = tmp_path_factory.mktemp("networks") / "mnist-c1"
    path.mkdir()
    shutil.copy(run / BEST, path / "checkpoint.safetensors")
    shutil.copy(model, path / "fp32.onnx")
    shutil.copy(model, path / "worse.onnx")
    performance.networks._plain(path)
    worse = performance.networks.Form("worse", 0.3, model.stat().st_size)
    performance.networks._write(path, "mnist-c1", "C1", 1, 10, [worse])
    return path


@pytest.fixture(scope="module")
def facts(performance: ModuleType, folder: Path):
    return next(performance.networks.ready(folder.parent))


@pytest.fixture(scope="module")
def measured(performance: ModuleType, folder: Path, facts):
    """The network in three ways, with whatever else runs here."""
    measure = performance.measuring.measure
    vars(performance.measuring)["launched"] = launched
    return measure(folder, facts, 1, lambda text: None, ways=(OURS, PLAIN, OPENCV), allowed=1.0)


# What is prepared


def test_facts_are_those_of_the_file(performance: ModuleType, facts, folder: Path, model: Path) -> None:
    assert (facts.name, facts.row, facts.epochs, facts.epochs_stated) == ("mnist-c1", "C1", 1, 10)
    assert [form.name for form in facts.forms] == ["fp32", "worse"]
    assert facts.parameters == load(model).card.parameters
    assert 4 * facts.parameters * 0.9 < facts.weight_bytes < 4 * facts.parameters * 1.1
    assert facts.macs > 10_000


def test_the_plain_export_answers_as_the_file_does(performance: ModuleType, folder: Path, model: Path) -> None:
    classifier = load(model)
    images = classifier.card.golden.images_nhwc
    found = checkpoint.read(folder / "checkpoint.safetensors")
    pixels = found.build().eval().normalized(torch.from_numpy(images.copy())).numpy()
    own = found.build().eval().normalized(found.golden_images_nhwc).numpy()  # what the plain export is timed on
    assert np.array_equal(np.load(folder / "plain.npy"), own)
    session = onnxruntime.InferenceSession(folder / "plain.onnx", providers=["CPUExecutionProvider"])
    assert np.allclose(session.run(None, {"pixels": pixels})[0], classifier.logits(images), atol=1e-3)


def test_the_nine_are_those_of_the_reports(performance: ModuleType) -> None:
    assert list(performance.networks.REPORTS) == ["A1", "A2", "B1", "B2", "B4", "C1", "D1", "E1", "E8"]
    for recipe in performance.networks.REPORTS.values():
        brief = read(recipe, performance.networks.BRIEF)
        assert (brief.epochs, brief.data.subset) == (1, 4000)


# What is measured


def test_each_way_is_measured_beside_ours(measured) -> None:
    assert [way.name for way in measured.ways] == [OURS, PLAIN, OPENCV]
    assert measured.ways[0].ratio == 1
    for way in measured.ways:
        assert way.p50_ms > 0
        assert way.ratio_ci95[0] <= way.ratio <= way.ratio_ci95[1]
    assert {way.name: way.right for way in measured.ways} == {OURS: True, PLAIN: None, OPENCV: True}
    assert measured.fp32_ms == measured.ways[0].p50_ms
    assert measured.launches >= 2


def test_a_form_that_loses_too_much_is_not_chosen(measured) -> None:
    assert (measured.form, measured.drop_pp) == ("fp32", 0.0)


def test_what_others_disturbed_is_not_kept(performance: ModuleType, folder: Path, facts) -> None:
    said: list[str] = []
    found = performance.measuring.measure(folder, facts, 1, said.append, ways=(OURS, PLAIN), allowed=-1.0)
    assert found is None
    assert "not kept" in said[-1]


def test_a_way_that_does_not_run_is_left_out_with_its_reason(performance: ModuleType, folder: Path) -> None:
    measuring = performance.measuring
    wanted = [
        measuring.Contender(OURS, measuring._file(folder / "fp32.onnx", "cpu", 1), True),
        measuring.Contender("elsewhere", measuring._peer(folder / "none", "plain", 1), False),
    ]
    right, refused = measuring.asked(wanted, lambda text: None, folder)
    assert right == {OURS: True}
    assert [one.name for one in refused] == ["elsewhere"]
    assert "no file and no model of the zoo" in refused[0].reason
    assert str(folder) not in refused[0].reason
    with pytest.raises(EdgecnnError):
        measuring.asked([replace(wanted[1], name=OURS)], lambda text: None, folder)


@pytest.mark.slow
def test_pytorch_runs_eager_and_compiled(performance: ModuleType, folder: Path) -> None:
    measuring = performance.measuring
    both = [one for one in measuring.contenders(folder, "fp32", None, 1) if one.name.startswith("PyTorch")]
    right, refused = measuring.asked(both, lambda text: None, folder)
    assert (list(right), refused) == (["PyTorch, eager", "PyTorch, compiled"], [])


def test_rates_are_measured_and_make_a_roof(performance: ModuleType) -> None:
    found = performance.rates._measure(0.02, (2**16, 2**20))
    assert found.gflops > 0.1
    assert [size for size, _ in found.gb_per_s] == [2**16, 2**20]
    rates = performance.rates.Rates(100.0, [(1_000, 10.0), (1_000_000, 1.0)])
    assert rates.compute_s(50_000_000) == pytest.approx(1e-3)
    assert rates.read_s(1_000_000) == pytest.approx(1e-3)
    assert rates.read_s(100) == pytest.approx(1e-8)
    assert rates.read_s(100_000_000) == pytest.approx(0.1)
    between = math.sqrt(1_000 * 1_000_000)
    assert rates.read_s(round(between)) == pytest.approx(between / 5.5e9, rel=1e-3)
    assert rates.bound_s(50_000_000, 100_000_000) == pytest.approx(0.1)


def test_when_the_time_is_over_nothing_is_begun(
    performance: ModuleType, folder: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(performance.record, "FOLDER", tmp_path)
    performance.measure(folder.parent, ["mnist-c1"], 0.0, threads=1, again=False)
    assert "mnist-c1: not begun" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# The record


def record_of(performance: ModuleType, networks: list, roof=None):
    return performance.record.Record(environment(), 0.2, roof, networks)


def test_a_record_is_the_same_again_and_lies_under_its_machine(performance: ModuleType, measured, tmp_path: Path):
    record = performance.record
    rates = performance.rates.Rates(70.0, [(65536, 50.0), (1 << 20, 20.0)])
    whole = record_of(performance, [measured], record.Roof(rates, "2026-11-01"))
    path = tmp_path / record.path_of(whole.environment).name
    assert path.stem == path.stem.lower()
    assert " " not in path.stem
    record.write(whole, path)
    assert record.read(path) == whole
    assert record.all_kept(tmp_path) == [whole]
    assert record.read(tmp_path / "none.json") is None


def test_a_network_takes_the_place_of_what_was_measured_before(performance: ModuleType, measured) -> None:
    whole = record_of(performance, [measured])
    again = performance.record.with_network(whole, replace(measured, date="2027-01-01"))
    assert [one.date for one in again.networks] == ["2027-01-01"]
    assert performance.record.last_date(again) == "2027-01-01"


def test_what_is_known_is_not_measured_again(performance: ModuleType, measured, facts) -> None:
    whole = record_of(performance, [measured])
    assert performance._is_known(whole, facts, 1)
    assert not performance._is_known(whole, facts, 2)
    assert not performance._is_known(whole, replace(facts, sha256="another"), 1)
    assert not performance._is_known(record_of(performance, []), facts, 1)


# The page


def network(performance: ModuleType, measured, name: str, row: str, ratios: dict[str, float], **changes):
    """A network whose ways take so many times our latency, each known to 1 %."""
    ways = [
        performance.record.Way(way, ratio, ratio, (ratio / 1.01, ratio * 1.01), None)
        for way, ratio in {OURS: 1.0, **ratios}.items()
    ]
    return replace(measured, name=name, row=row, ways=ways, **changes)


def test_geometric_means_are_those_of_the_ratios(performance: ModuleType, measured) -> None:
    page = performance.page
    both = [
        network(performance, measured, "mnist-a1", "A1", {"PyTorch, eager": 2.0, "OpenVINO as it comes": 3.0}),
        network(
            performance, measured, "mnist-c1", "C1",
            {"PyTorch, eager": 8.0, "OpenVINO as it comes": 2.0, "OpenVINO in float32": 0.75},
        ),
    ]  # fmt: skip
    found = page.over(both, ["PyTorch, eager"])
    assert found.value == pytest.approx(4.0)
    assert math.log(found.high / found.value) == pytest.approx(math.log(1.01) / math.sqrt(2))
    assert page.over(both, list(performance.measuring.OPENVINO)).value == pytest.approx(1.5)
    assert page.over(both, ["tract"]) is None
    assert page.over([], ["tract"]) is None


def test_a_small_record_makes_the_page(performance: ModuleType, measured) -> None:
    record = performance.record
    reports = [
        network(performance, measured, name, row, {"PyTorch, eager": 6.5, "OpenVINO as it comes": 1.2}, epochs=index)
        for index, (row, name) in enumerate(performance.networks.REPORTS.items())
    ]
    wrong = replace(reports[0].ways[2], right=False)
    reports[0] = replace(
        reports[0], ways=[*reports[0].ways[:2], wrong], refused=[record.Refused("ncnn", "its process ended")]
    )
    zoo = network(performance, measured, "zoo-mnist-small", "mnist-small", {"tract": 4.0}, fp32_ms=None)
    rates = performance.rates.Rates(70.0, [(65536, 50.0), (1 << 27, 10.0)])
    whole = record_of(performance, [zoo, *reports], record.Roof(rates, "2026-11-01"))
    page = performance.page.page([whole])
    for said in (
        f"## {whole.environment.processor}, {whole.environment.family}, {measured.date}",
        "geometric mean over the nine networks of the reports",
        "| PyTorch, eager | 6.50 (6.48..6.52) | 6 |",
        "| OpenVINO's best form | 1.20 (1.20..1.20) | 1.5 on AVX2, 1.0 on AVX-512 |",
        "as many threads | not measured | 1.6 |",
        "*1.20 (1.19..1.21)*",
        "A1 saw a few images alone",
        "A2 1 of 10",
        "- ncnn, of A1: its process ended",
        "| `mnist-small` |",
        "70 GFLOP/s",
    ):
        assert said in page, said
    assert "nan" not in page
    assert "None" not in page


def test_machines_stand_below_each_other_the_last_one_first(performance: ModuleType, measured) -> None:
    first = record_of(performance, [measured])
    other = replace(first, environment=replace(first.environment, processor="Other"))
    page = performance.page.page([first, other])
    assert page.index(first.environment.processor) < page.index("## Other")


def test_without_a_record_the_page_says_what_to_run(performance: ModuleType) -> None:
    page = performance.page.page([])
    assert "Not measured yet" in page
    assert "performance_page.py record --folder FOLDER" in page


def test_the_page_is_made_from_its_records(performance: ModuleType) -> None:
    kept = performance.record.all_kept()
    assert performance.page.PAGE.read_text(encoding="utf-8") == performance.page.page(kept)


def test_no_kept_time_is_of_a_busy_machine(performance: ModuleType) -> None:
    for kept in performance.record.all_kept():
        assert all(one.others is None or one.others <= 0.05 for one in kept.networks)
        assert documents.from_json(performance.record.Record, documents.to_json(kept), "kept") == kept
