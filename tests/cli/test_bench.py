"""edgecnn bench as it is called: how calls are made, exit codes of the gate, what is refused."""

import json
from pathlib import Path

import pytest
from PIL import Image

from edgecnn.bench.worker import Worker

BRIEF = ("--batch", 1, "--threads", 1, "--seconds", 0.05)


@pytest.fixture
def saved(edgecnn, model: Path, tmp_path: Path) -> Path:
    path = tmp_path / "base.json"
    path.write_text(edgecnn("bench", model, *BRIEF, "--json").out)
    return path


def changed(path: Path, p50_ms: float, half: float) -> None:
    document = json.loads(path.read_text())
    document["contenders"][0].update(p50_ms=p50_ms, p50_ms_ci95=[p50_ms / (1 + half), p50_ms * (1 + half)])
    path.write_text(json.dumps(document))


def test_slower_than_the_baseline_is_exit_code_1(edgecnn, model: Path, saved: Path) -> None:
    changed(saved, 1e-30, 0.01)
    ended = edgecnn("bench", model, *BRIEF, "--baseline", saved)
    assert ended.code == 1
    assert "beyond what is allowed" in ended.out


def test_faster_than_the_baseline_is_exit_code_0(edgecnn, model: Path, saved: Path) -> None:
    changed(saved, 1e30, 0.01)
    ended = edgecnn("bench", model, *BRIEF, "--baseline", saved, "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["gate"]["verdict"] == "within"


def test_what_cannot_be_told_is_exit_code_3(edgecnn, model: Path, saved: Path) -> None:
    changed(saved, 0.05, 1e40)
    assert edgecnn("bench", model, *BRIEF, "--baseline", saved).code == 3


def test_no_baseline_is_misuse_and_said_before_anything_is_measured(edgecnn, model: Path, tmp_path: Path) -> None:
    ended = edgecnn("bench", model, "--baseline", tmp_path / "none.json")
    assert ended.code == 2
    assert "Save one" in ended.err


@pytest.mark.parametrize("wrong", [("--precision", "0"), ("--max-slowdown", "-1"), ("--callers", "0"), ("--fps", "-3")])
def test_what_is_no_setting_is_misuse(edgecnn, model: Path, wrong: tuple[str, str]) -> None:
    assert edgecnn("bench", model, *wrong).code == 2


def test_frames_at_a_rate(edgecnn, model: Path) -> None:
    out = edgecnn("bench", model, *BRIEF, "--fps", 100).out
    assert "latency in ms, a call every 10 ms and idle in between" in out


def test_callers_at_the_same_time(edgecnn, model: Path) -> None:
    assert "2 callers at the same time" in edgecnn("bench", model, *BRIEF, "--callers", 2).out


def test_end_to_end(edgecnn, model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (40, 30)).save(tmp_path / f"{name}.jpg")
    told = json.loads(edgecnn("bench", model, *BRIEF, "--end-to-end", tmp_path, "--json").out)
    assert [Path(name).name for name in told["load"]["pictures"]] == ["a.jpg", "b.jpg"]
    assert edgecnn("bench", model, "--end-to-end", tmp_path / "none").code == 2


@pytest.mark.slow
def test_everywhere_shows_what_each_runtime_answers_what_is_missing_and_what_to_take(edgecnn, model: Path) -> None:
    out = edgecnn("bench", model, *BRIEF, "--everywhere").out
    assert "golden images against the answers in the card" in out
    assert "OpenCV dnn" in out
    assert out.count("not right") == 0
    assert "batch 1, 1 threads: " in out


def test_images_are_for_everywhere(edgecnn, model: Path) -> None:
    ended = edgecnn("bench", model, *BRIEF, "--data", "digits")
    assert ended.code == 2
    assert "--data is for --everywhere" in ended.err


def test_what_was_asked_for_and_not_reached_is_said_and_fails_where_it_has_to_be_stable(edgecnn, model: Path) -> None:
    ended = edgecnn("bench", model, model, *BRIEF, "--precision", 0.0001, "--stable")
    assert ended.code == 1
    assert "wider than 0.0001 %" in ended.out
    assert "while it was measured the machine was" in ended.out


def test_loadgen_is_shown_with_what_the_rules_ask_for(edgecnn, model: Path, static_model: Path) -> None:
    pytest.importorskip("mlperf_loadgen")
    ended = edgecnn("bench", model, static_model, "--loadgen", "--threads", 1, "--seconds", 0.05)
    assert ended.code == 0
    assert "p90 by early stopping" in ended.out
    assert ended.out.count(" valid\n") == 2
    assert "shorter than MLPerf's rules ask for: --seconds 600" in ended.out
    assert "this compares nothing" in ended.out
    assert "verdict" not in ended.out


def test_loadgen_says_the_same_as_json(edgecnn, model: Path) -> None:
    pytest.importorskip("mlperf_loadgen")
    told = json.loads(edgecnn("bench", model, "--loadgen", "--threads", 1, "--seconds", 0.05, "--json").out)
    assert told["comparisons"] == []
    assert [stream["valid"] for stream in told["loadgen"]] == [True]


def test_an_invalid_run_of_loadgen_is_exit_code_1(edgecnn, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlperf_loadgen")
    stream = Worker.stream

    def invalid(self: Worker, seconds: float, folder: Path) -> dict:
        return {**stream(self, seconds, folder), "valid": False, "reasons": ["ended early"]}

    monkeypatch.setattr(Worker, "stream", invalid)
    ended = edgecnn("bench", model, "--loadgen", "--threads", 1, "--seconds", 0.05)
    assert ended.code == 1
    assert "invalid: ended early" in ended.out


@pytest.mark.parametrize("other", [("--stable",), ("--fps", 30), ("--baseline", "before.json"), ("--everywhere",)])
def test_what_does_not_go_with_loadgen_is_misuse(edgecnn, model: Path, other: tuple) -> None:
    ended = edgecnn("bench", model, "--loadgen", *other)
    assert ended.code == 2
    assert f"Leave out {other[0]}" in " ".join(ended.err.split()).replace("--fps, --callers", "--fps")
