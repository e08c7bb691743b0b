"""Single streams by LoadGen itself: what it asks, what is read from its log, what does not go with it."""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import documents
from edgecnn.bench import BenchReport, Load, bench, loadgen
from edgecnn.bench.worker import Worker
from edgecnn.contender import Contender, open_contender
from edgecnn.errors import EdgecnnError, MissingPackageError, ModelError

mlperf_loadgen = pytest.importorskip("mlperf_loadgen")


@dataclass
class Asked:
    """What a contender was asked, and how many were asking at a time."""

    answer: Callable[[Any], Any]
    pause: Callable[[int], None] = lambda number: None
    images: list[Any] = field(default_factory=list)
    at_a_time: list[int] = field(default_factory=list)
    inside: int = 0

    def __call__(self, images_nhwc: Any) -> Any:
        self.inside += 1
        self.at_a_time.append(self.inside)
        self.images.append(images_nhwc)
        self.pause(len(self.images))
        answer = self.answer(images_nhwc)
        self.inside -= 1
        return answer


@pytest.fixture(scope="module")
def opened(model: Path) -> Contender:
    return open_contender(model, threads=1)


@pytest.fixture
def unwarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask nothing before LoadGen does, and let it expect answers of a millisecond."""
    monkeypatch.setattr(loadgen, "_expected_ns", lambda contender, images, seconds: 1_000_000)


@pytest.fixture(scope="module")
def report(model: Path, static_model: Path) -> BenchReport:
    return bench([model, static_model], threads=(1,), seconds=0.3, loadgen=True)


# What LoadGen asks


def test_one_golden_image_at_a_time_drawn_from_all(opened: Contender, tmp_path: Path, unwarmed: None) -> None:
    asked = Asked(opened.answer)
    found = loadgen.run(replace(opened, answer=asked), 0.2, tmp_path)
    golden_nhwc = opened.golden_images_nhwc
    drawn = {next(i for i, golden in enumerate(golden_nhwc) if np.array_equal(golden, one[0])) for one in asked.images}
    assert {one.shape for one in asked.images} == {(1, *golden_nhwc.shape[1:])}
    assert drawn == set(range(len(golden_nhwc)))
    assert set(asked.at_a_time) == {1}
    assert found["queries"] == len(asked.images)


def test_64_images_however_short_and_their_early_stopping_is_the_slowest(
    opened: Contender, tmp_path: Path, unwarmed: None
) -> None:
    asked = Asked(opened.answer, pause=lambda number: time.sleep(0.08 if number == 20 else 0.001))
    found = loadgen.run(replace(opened, answer=asked), 0.01, tmp_path)
    assert found["queries"] == 64
    assert found["valid"]
    assert 1 < found["p50_ms"] <= found["p90_ms"] < 80
    assert found["p90_early_stopping_ms"] >= 80


def test_the_same_seeds_draw_the_same_images(opened: Contender, tmp_path: Path, unwarmed: None) -> None:
    first, second = Asked(opened.answer), Asked(opened.answer)
    seeds = []
    for asked, name in ((first, "a"), (second, "b")):
        (tmp_path / name).mkdir()
        found = loadgen.run(replace(opened, answer=asked), 0.01, tmp_path / name)
        seeds.append([found[key] for key in ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")])
    assert seeds[0] == seeds[1]
    assert 0 not in seeds[0]
    assert all(np.array_equal(a, b) for a, b in zip(first.images[:64], second.images[:64], strict=True))


def test_settings_for_an_audit_in_the_current_folder_are_not_taken(
    opened: Contender, tmp_path: Path, unwarmed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit.config").write_text("*.SingleStream.min_query_count = 500\n")
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    found = loadgen.run(replace(opened, answer=Asked(opened.answer, lambda n: time.sleep(0.001))), 0.01, Path("logs"))
    assert found["queries"] == 64


def test_a_run_that_ends_too_early_is_invalid_with_its_reason(
    opened: Contender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loadgen, "_expected_ns", lambda contender, images, seconds: 10_000_000_000)
    found = loadgen.run(opened, 5, tmp_path)
    assert not found["valid"]
    assert "Ran out of generated queries" in " ".join(found["reasons"])
    assert not found["rules_minimum"]


def test_queries_are_prepared_for_the_fastest_answer_and_what_comes_after(opened: Contender, tmp_path: Path) -> None:
    found = loadgen.run(opened, 0.2, tmp_path)
    prepared = loadgen._said(tmp_path / loadgen.DETAIL)["generated_query_count"]
    assert found["valid"]
    assert prepared > found["queries"]


def test_a_run_that_needs_more_memory_than_there_is_is_a_message(opened: Contender, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"million queries.* Use --seconds \d+ or less"):
        loadgen.run(opened, 1e9, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_fails_is_the_error_of_the_run(opened: Contender, tmp_path: Path, unwarmed: None) -> None:
    def fail(number: int) -> None:
        if number > 20:
            raise ModelError("broken")

    with pytest.raises(ModelError, match="broken"):
        loadgen.run(replace(opened, answer=Asked(opened.answer, fail)), 0.01, tmp_path)


# What is read from its log


def test_a_log_of_another_version_is_a_message(opened: Contender, tmp_path: Path, unwarmed: None) -> None:
    loadgen.run(opened, 0.01, tmp_path)
    detail = tmp_path / loadgen.DETAIL
    detail.write_text(detail.read_text().replace("early_stopping_latency_ss", "renamed"))
    with pytest.raises(EdgecnnError, match="LoadGen's log has no early_stopping_latency_ss"):
        loadgen.figures(detail)


def test_the_rules_minimum_is_what_loadgen_brings() -> None:
    settings = mlperf_loadgen.TestSettings()
    assert settings.FromConfig("", "*", "SingleStream", loadgen.BUILT_IN) == 0
    assert settings.min_duration_ms == loadgen.RULES_SECONDS * 1000
    assert settings.single_stream_target_latency_percentile == 0.9


def test_a_run_of_600_seconds_is_as_the_rules_ask_for(opened: Contender, tmp_path: Path, unwarmed: None) -> None:
    assert not loadgen.run(opened, 0.01, tmp_path)["rules_minimum"]
    detail = tmp_path / loadgen.DETAIL
    key = '"effective_min_duration_ms", "value": '
    assert f"{key}10," in detail.read_text()
    for duration_ms, met in ((599_999, False), (600_000, True)):
        text = detail.read_text().replace(f"{key}10,", f"{key}{duration_ms},")
        text = text.replace('"INVALID"', '"VALID"')  # so short a run may have run out of queries
        (tmp_path / "changed.txt").write_text(text)
        assert loadgen.figures(tmp_path / "changed.txt")["rules_minimum"] is met


# A report


def test_each_model_has_a_stream_of_its_own(report: BenchReport, model: Path, static_model: Path) -> None:
    assert report.loadgen is not None
    assert [stream.model for stream in report.loadgen] == [str(model), str(static_model)]
    for stream, timing in zip(report.loadgen, report.contenders, strict=True):
        assert stream.valid
        assert stream.reasons == []
        assert not stream.rules_minimum
        assert stream.queries >= 64
        assert stream.seconds >= 0.3
        assert 0 < stream.p50_ms <= stream.p90_ms <= stream.p90_early_stopping_ms <= stream.p99_ms
        assert stream.queries_per_second <= 1000 / stream.mean_ms
        assert stream.version
        assert (timing.p50_ms, timing.p90_ms, timing.calls) == (stream.p50_ms, stream.p90_ms, stream.queries)
        assert (stream.threads, stream.provider) == (1, "CPUExecutionProvider")


def test_nothing_is_compared(report: BenchReport) -> None:
    assert report.comparisons == []
    assert report.imprecise == []


def test_a_report_comes_back_from_its_json(report: BenchReport, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(documents.to_json(report))
    assert documents.read(BenchReport, tmp_path / "report.json") == report


def test_nothing_of_loadgen_stays(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    bench([model], threads=(1,), seconds=0.05, loadgen=True)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_meanwhile_is_a_message(model: Path, tmp_path: Path) -> None:
    with Worker(model, provider="cpu", threads=1) as worker:
        threading.Timer(0.5, worker._child.process.kill).start()
        with pytest.raises(ModelError, match=r"model\.onnx: its process ended"):
            worker.stream(60, tmp_path)


# What is refused


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"batches": (8,)}, "--batch"),
        ({"precision_percent": 1.0}, "--precision"),
        ({"load": Load(fps=30)}, "--fps"),
        ({"load": Load(callers=2)}, "--callers"),
        ({"load": Load(pictures=("a.png",))}, "--end-to-end"),
        ({"baseline": "before.json"}, "--baseline"),
        ({"everywhere": True}, "--everywhere"),
        ({"on": "ssh://box"}, "--on"),
    ],
)
def test_what_the_rules_do_not_know_does_not_go_with_it(model: Path, other: dict, named: str) -> None:
    with pytest.raises(EdgecnnError, match=f"nothing else. Leave out .*{named}"):
        bench([model], loadgen=True, **other)


def test_without_the_package_the_command_that_installs_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlperf_loadgen", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'edgecnn\[loadgen\]'"):
        bench([model], loadgen=True)
