"""Measurements: one real benchmark in processes of their own, and what is said of it."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import onnx
import pytest
from brief import measure_briefly, measure_fully
from PIL import Image

from edgecnn.bench import BenchReport, bench, compare_latency
from edgecnn.bench.calls import made
from edgecnn.bench.interval import verdict
from edgecnn.bench.launches import MIN_LAUNCHES
from edgecnn.bench.load import Load
from edgecnn.bench.measure import _contenders
from edgecnn.bench.worker import Worker
from edgecnn.checkpoint import BEST
from edgecnn.errors import CardError, CheckpointError, EdgecnnError, ImageError, ModelError, ProviderError
from edgecnn.machine import threads as machine_threads


@pytest.fixture(scope="module")
def report(model: Path, run: Path) -> BenchReport:
    return bench([model, run], batches=(1, 2), threads=(1,), seconds=0.1)


@pytest.fixture
def briefly() -> Iterator[None]:
    """Measure for a moment where what is said of a measurement is tested."""
    measure_briefly()
    yield
    measure_fully()


@pytest.fixture(scope="module")
def worker(model: Path) -> Iterator[Worker]:
    with Worker(model, provider="cpu", threads=1) as started:
        yield started


# A real benchmark


def test_every_contender_is_measured_in_every_setting(report: BenchReport, model: Path, run: Path) -> None:
    settings = [(timing.model, timing.batch, timing.threads) for timing in report.contenders]
    assert settings == [(str(path), batch, 1) for batch in (1, 2) for path in (model, run)]


def test_each_says_what_ran_it(report: BenchReport) -> None:
    exported, original = report.contenders[:2]
    assert (exported.provider, exported.form) == ("CPUExecutionProvider", "fp32")
    assert original.provider.startswith("PyTorch ")


def test_percentiles_are_in_order(report: BenchReport) -> None:
    for timing in report.contenders:
        assert 0 < timing.p50_ms <= timing.p90_ms <= timing.p99_ms


def test_throughput_is_batch_over_mean(report: BenchReport) -> None:
    for timing in report.contenders:
        assert timing.images_per_second == pytest.approx(timing.batch / timing.mean_ms * 1000)
        assert timing.calls >= 4 * MIN_LAUNCHES


def test_others_are_compared_with_the_first(report: BenchReport, model: Path, run: Path) -> None:
    pairs = [(ratio.model, ratio.against, ratio.batch) for ratio in report.comparisons]
    assert pairs == [(str(run), str(model), batch) for batch in (1, 2)]


def test_verdicts_follow_from_their_intervals(report: BenchReport) -> None:
    for ratio in report.comparisons:
        low, high = ratio.ratio_ci95
        assert low <= ratio.ratio <= high
        assert ratio.verdict == verdict(low, high, 0.05)
        assert ratio.precise == (high / low - 1 <= 0.05)
        assert ratio.launches >= MIN_LAUNCHES


def test_a_median_lies_in_its_interval_over_the_launches(report: BenchReport) -> None:
    for timing in report.contenders:
        assert timing.p50_ms_ci95 is not None
        assert timing.p50_ms_ci95[0] <= timing.p50_ms <= timing.p50_ms_ci95[1]
        assert timing.launches >= MIN_LAUNCHES


def test_the_conditions_are_those_of_the_measurement(report: BenchReport) -> None:
    assert report.conditions is not None
    assert report.conditions.seconds > 0.4


def test_instructions_are_counted_or_it_is_said_why_not(report: BenchReport) -> None:
    counted = [timing.instructions for timing in report.contenders]
    assert (None in counted) == (report.uncounted is not None)
    assert all(count is None or count > 10_000 for count in counted)


def test_footprints_are_of_the_files(report: BenchReport, model: Path, run: Path) -> None:
    sizes = [(footprint.model, footprint.size_bytes) for footprint in report.footprints]
    assert sizes == [(str(model), model.stat().st_size), (str(run), (run / BEST).stat().st_size)]


def test_cold_start_is_made_of_its_parts(report: BenchReport) -> None:
    for footprint in report.footprints:
        cold = footprint.cold_start
        parts = (cold.import_ms, cold.load_ms, cold.first_ms)
        assert min(parts) > 0
        assert sum(parts) < 1.2 * cold.total_ms  # each is the median of the launches
        assert cold.peak_bytes > 10_000_000


def test_process_of_a_model_file_does_not_load_pytorch(report: BenchReport) -> None:
    exported, original = (footprint.cold_start.peak_bytes for footprint in report.footprints)
    assert exported < original / 2


def test_report_has_its_machine(report: BenchReport) -> None:
    assert report.environment.processor
    assert report.seconds == 0.1


def test_settings_are_announced(model: Path) -> None:
    said: list[str] = []
    bench([model], batches=(3,), threads=(1,), seconds=0.01, on_setting=said.append)
    assert said[:3] == ["looking whether the machine is quiet", "launch 1, 1 threads", "launch 2, 1 threads"]
    assert said[3].startswith("launch 3, batch 3 ±")


def test_two_files_are_compared_at_batch_one(model: Path, static_model: Path, briefly: None) -> None:
    found = compare_latency(static_model, model, seconds=0.01)
    assert (found.model, found.against, found.batch) == (str(static_model), str(model), 1)
    assert found.ratio_ci95[0] <= found.ratio <= found.ratio_ci95[1]


# The process of a contender


def test_block_answers_with_a_duration_for_each_call(worker: Worker) -> None:
    block = worker.blocks(2, Load())(5)
    assert block.calls_ns.shape == (5,)
    assert (block.calls_ns > 0).all()
    assert block.wall_ns is None


def test_callers_at_the_same_time_make_as_many_calls_each(worker: Worker) -> None:
    block = worker.blocks(1, Load(callers=3))(4)
    assert block.calls_ns.shape == (12,)
    assert block.wall_ns is not None
    assert block.calls_ns.reshape(3, 4).sum(axis=1).max() <= block.wall_ns
    assert block.cost_ns == block.wall_ns / 12


def test_a_caller_that_fails_is_the_error_of_all() -> None:
    def call() -> None:
        if threading.current_thread() is not threading.main_thread():
            raise ModelError("broken")

    with pytest.raises(ModelError, match="broken"):
        made(call, 2, Load(callers=3), pool=False)


def test_frames_come_at_their_rate(worker: Worker) -> None:
    block, started = worker.blocks(1, Load(fps=100)), time.perf_counter()
    assert block(4).calls_ns.shape == (4,)
    assert time.perf_counter() - started > 4 / 100  # five are made, the first is not recorded


def test_pictures_are_read_decoded_and_resized(worker: Worker, tmp_path: Path) -> None:
    """One of twelve megapixels is what takes the time, and the time for all is the sum."""
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.new("L", (28, 28)).save(small)
    Image.new("RGB", (3000, 4000)).save(large)
    block = worker.blocks(1, Load(pictures=(str(small), str(large))))(4)
    assert block.wall_ns == block.calls_ns.sum()
    assert block.calls_ns[[1, 3]].min() > 5 * block.calls_ns[[0, 2]].max()


def test_a_broken_picture_is_a_message(model: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"broken\.png"):
        bench([model], threads=(1,), load=Load(pictures=(str(tmp_path / "broken.png"),)))


def test_closed_process_has_ended(model: Path) -> None:
    with Worker(model, provider="cpu", threads=1) as started:
        assert started._child.process.poll() is None
    assert started._child.process.poll() is not None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such thing")
def test_a_process_stays_where_it_is_told_and_answers_there(model: Path) -> None:
    with Worker(model, provider="cpu", threads=1) as started:
        mine = sorted(os.sched_getaffinity(0))
        started.stay(1, 1)
        assert os.sched_getaffinity(started._child.process.pid) == {mine[1 % len(mine)]}
        assert len(started.blocks(1, Load())(3).calls_ns) == 3


def test_process_ends_when_the_measurement_fails(model: Path) -> None:
    with pytest.raises(RuntimeError), Worker(model, provider="cpu", threads=1) as started:
        raise RuntimeError
    assert started._child.process.poll() is not None


def test_a_library_that_prints_is_no_answer(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello from a library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Worker(model, provider="cpu", threads=1) as started:
        assert len(started.blocks(1, Load())(3).calls_ns) == 3


def test_killed_process_is_a_message(model: Path) -> None:
    with Worker(model, provider="cpu", threads=1) as started:
        started._child.process.kill()
        started._child.process.wait()
        with pytest.raises(ModelError, match=r"model\.onnx: its process ended"):
            started.blocks(1, Load())(3)


# What is refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batches": (1, 0)}, r"batch sizes \[1, 0\]"),
        ({"threads": (0,)}, r"threads \[0\]"),
        ({"seconds": 0}, "0 seconds"),
        ({"seconds": -1.5}, r"-1\.5 seconds"),
    ],
)
def test_settings_that_measure_nothing_are_a_message(model: Path, wrong: dict, message: str) -> None:
    with pytest.raises(EdgecnnError, match=f"{message}.*expected positive integers and a positive time"):
        bench([model], **wrong)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: Load(fps=0), "0 frames a second"),
        (lambda: Load(fps=30, callers=2), "one at a time"),
        (lambda: Load(callers=0), "0 callers"),
    ],
)
def test_loads_that_are_none_are_a_message(load: Callable[[], Load], message: str) -> None:
    with pytest.raises(EdgecnnError, match=message):
        load()


def test_one_picture_at_a_time_and_here(model: Path) -> None:
    with pytest.raises(EdgecnnError, match="one picture at a time"):
        bench([model], batches=(8,), load=Load(pictures=("a.png",)))
    with pytest.raises(EdgecnnError, match="measured here alone"):
        bench([model], load=Load(fps=30), on="ssh://box")


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_a_precision_that_is_none_is_a_message(model: Path, percent: float) -> None:
    with pytest.raises(EdgecnnError, match="expected more than 0 and at most 100"):
        bench([model], precision_percent=percent)


def test_broken_file_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"broken\.onnx: not a model that ONNX Runtime can open"):
        bench([tmp_path / "broken.onnx"], seconds=0.01)


def test_file_without_a_card_is_a_message(model: Path, tmp_path: Path) -> None:
    bare = onnx.load(model)
    del bare.metadata_props[:]
    onnx.save(bare, tmp_path / "bare.onnx")
    with pytest.raises(CardError, match=r"bare\.onnx: no edgecnn card in its metadata"):
        bench([tmp_path / "bare.onnx"], seconds=0.01)


def test_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file and no model of the zoo named .*gone\.onnx"):
        bench([tmp_path / "gone.onnx"], seconds=0.01)


def test_empty_run_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no best\.safetensors in it"):
        bench([tmp_path], seconds=0.01)


def test_unknown_provider_is_a_message(model: Path) -> None:
    with pytest.raises(ProviderError, match="no provider 'tpu'"):
        bench([model], provider="tpu", seconds=0.01)


def test_each_model_meets_each_provider_and_pytorch_knows_none(model: Path, run: Path) -> None:
    assert _contenders([model, run], ["cpu", "openvino"]) == [("cpu", model), ("cpu", run), ("openvino", model)]


def test_report_is_plain_data(report: BenchReport) -> None:
    assert set(asdict(report)) == {
        "contenders", "comparisons", "footprints", "environment", "seconds",
        "precision_percent", "load", "conditions", "uncounted", "gate", "everywhere",
        "loadgen",
    }  # fmt: skip


def test_threads_without_a_core_are_said_to_be_the_reason(model: Path, briefly: None) -> None:
    """No other program is to blame for what too many threads do to each other."""
    available = machine_threads.available()
    report = bench([model], batches=(1,), threads=(available, available + 1), seconds=0.02)
    quiet = replace(report, environment=replace(report.environment, busy=0.0))
    assert [text.split(":")[0] for text in quiet.warnings] == [
        f"{available + 1} threads on {available} that this process may use"
    ]


def test_threads_that_would_only_wait_are_refused(model: Path, briefly: None) -> None:
    available = machine_threads.available()
    most = 16 * available
    with pytest.raises(
        EdgecnnError, match=f"asked for {most + 1} threads where {available} may run: at most {most} are"
    ):
        bench([model], batches=(1,), threads=(1, most + 1), seconds=0.02)
