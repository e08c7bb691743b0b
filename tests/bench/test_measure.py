"""Measurements: what an interval of ratios shows, and one real benchmark in processes of their own."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn.bench import BenchReport, bench, compare_latency
from edgecnn.bench.measure import SAME_WITHIN, _contenders, ratio_of, verdict
from edgecnn.bench.worker import Worker
from edgecnn.checkpoint import BEST
from edgecnn.errors import CardError, CheckpointError, EdgecnnError, ModelError, ProviderError
from edgecnn.machine import threads as machine_threads


@pytest.fixture(scope="module")
def report(model: Path, run: Path) -> BenchReport:
    return bench([model, run], batches=(1, 2), threads=(1,), seconds=0.1)


@pytest.fixture(scope="module")
def worker(model: Path) -> Iterator[Worker]:
    with Worker(model, provider="cpu", threads=1) as started:
        yield started


# What an interval shows


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 0.6, "faster"),
        (0.90, 0.999, "faster"),
        (1.5, 1.7, "slower"),
        (1.001, 1.2, "slower"),
        (0.97, 1.03, "same"),
        (0.98, 0.99, "same"),
        (1.01, 1.02, "same"),
        (0.9, 1.01, "too noisy"),
        (0.99, 1.5, "too noisy"),
        (0.5, 2.0, "too noisy"),
    ],
)
def test_verdict(low: float, high: float, expected: str) -> None:
    assert verdict(low, high) == expected


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_verdict_is_only_as_strong_as_the_interval(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    found = verdict(low, high)
    if found == "faster":
        assert high < 1
    elif found == "slower":
        assert low > 1
    elif found == "same":
        assert abs(low - 1) <= SAME_WITHIN + 1e-9
        assert abs(high - 1) <= SAME_WITHIN + 1e-9
    else:
        assert low <= 1 <= high


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_known_ratio_is_found_without_an_interval(factor: float) -> None:
    other = np.random.default_rng(0).uniform(1e4, 1e6, 12)
    ratio, interval = ratio_of(other * factor, other)
    assert (ratio, *interval) == pytest.approx((factor,) * 3)


def test_drift_of_the_machine_cancels_out() -> None:
    drift = np.linspace(1, 5, 20)
    ratio, interval = ratio_of(200 * drift, 100 * drift)
    assert (ratio, *interval) == pytest.approx((2.0,) * 3)


def test_one_bad_round_does_not_move_the_ratio() -> None:
    own = np.full(11, 50.0)
    own[3] = 50_000
    ratio, (low, high) = ratio_of(own, np.full(11, 100.0))
    assert ratio == pytest.approx(0.5)
    assert low == pytest.approx(0.5)
    assert high < 1


def test_interval_of_noisy_rounds_holds_the_true_ratio() -> None:
    rng = np.random.default_rng(0)
    misses = 0
    for _ in range(40):
        own, other = 0.8 * rng.lognormal(0, 0.2, 30), rng.lognormal(0, 0.2, 30)
        _, (low, high) = ratio_of(own, other)
        misses += not low <= 0.8 <= high
    assert misses <= 6  # 2 of 40 expected, more than 6 has a chance of 0.3 %


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=2, max_size=30))
@settings(max_examples=40)
def test_ratio_of_the_swapped_pair_is_the_inverse(rounds: list[tuple[float, float]]) -> None:
    own, other = np.array(rounds).T
    ratio, (low, high) = ratio_of(own, other)
    inverse, (inverse_low, inverse_high) = ratio_of(other, own)
    assert ratio * inverse == pytest.approx(1)
    assert low <= ratio * (1 + 1e-9)
    assert high >= ratio * (1 - 1e-9)
    assert inverse_low * high == pytest.approx(1, rel=0.7) or inverse_low <= inverse <= inverse_high


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
        assert timing.calls >= 20


def test_others_are_compared_with_the_first(report: BenchReport, model: Path, run: Path) -> None:
    pairs = [(ratio.model, ratio.against, ratio.batch) for ratio in report.comparisons]
    assert pairs == [(str(run), str(model), batch) for batch in (1, 2)]


def test_verdicts_follow_from_their_intervals(report: BenchReport) -> None:
    for ratio in report.comparisons:
        low, high = ratio.ratio_ci95
        assert low <= ratio.ratio <= high
        assert ratio.verdict == verdict(low, high)


def test_footprints_are_of_the_files(report: BenchReport, model: Path, run: Path) -> None:
    sizes = [(footprint.model, footprint.size_bytes) for footprint in report.footprints]
    assert sizes == [(str(model), model.stat().st_size), (str(run), (run / BEST).stat().st_size)]


def test_cold_start_is_made_of_its_parts(report: BenchReport) -> None:
    for footprint in report.footprints:
        cold = footprint.cold_start
        parts = (cold.import_ms, cold.load_ms, cold.first_ms)
        assert min(parts) > 0
        assert sum(parts) < cold.total_ms
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
    assert said == ["looking whether the machine is quiet", "starting 1 processes with 1 threads", "batch 3, 1 threads"]


def test_two_files_are_compared_at_batch_one(model: Path, static_model: Path) -> None:
    found = compare_latency(static_model, model, seconds=0.01)
    assert (found.model, found.against, found.batch) == (str(static_model), str(model), 1)
    assert found.ratio_ci95[0] <= found.ratio <= found.ratio_ci95[1]


# The process of a contender


def test_block_answers_with_a_duration_for_each_call(worker: Worker) -> None:
    durations = worker.blocks(2)(5)
    assert durations.shape == (5,)
    assert (durations > 0).all()


def test_closed_process_has_ended(model: Path) -> None:
    with Worker(model, provider="cpu", threads=1) as started:
        assert started._child.process.poll() is None
    assert started._child.process.poll() is not None


def test_process_ends_when_the_measurement_fails(model: Path) -> None:
    with pytest.raises(RuntimeError), Worker(model, provider="cpu", threads=1) as started:
        raise RuntimeError
    assert started._child.process.poll() is not None


def test_a_library_that_prints_is_no_answer(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello from a library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Worker(model, provider="cpu", threads=1) as started:
        assert len(started.blocks(1)(3)) == 3


def test_killed_process_is_a_message(model: Path) -> None:
    with Worker(model, provider="cpu", threads=1) as started:
        started._child.process.kill()
        started._child.process.wait()
        with pytest.raises(ModelError, match=r"model\.onnx: its process ended"):
            started.blocks(1)(3)


# What is refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batches": ()}, r"batch sizes \[\]"),
        ({"batches": (1, 0)}, r"batch sizes \[1, 0\]"),
        ({"threads": (0,)}, r"threads \[0\]"),
        ({"seconds": 0}, "0 seconds"),
        ({"seconds": -1.5}, r"-1\.5 seconds"),
    ],
)
def test_settings_that_measure_nothing_are_a_message(model: Path, wrong: dict, message: str) -> None:
    with pytest.raises(EdgecnnError, match=f"{message}.*expected positive integers and a positive time"):
        bench([model], **wrong)


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
    assert set(asdict(report)) == {"contenders", "comparisons", "footprints", "environment", "seconds"}


def test_threads_without_a_core_are_said_to_be_the_reason(model: Path) -> None:
    """No other program is to blame for what too many threads do to each other."""
    available = machine_threads.available()
    report = bench([model], batches=(1,), threads=(available, available + 1), seconds=0.02)
    quiet = replace(report, environment=replace(report.environment, busy=0.0))
    assert [text.split(":")[0] for text in quiet.warnings] == [
        f"{available + 1} threads on {available} that this process may use"
    ]
