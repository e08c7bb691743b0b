"""MLPerf's single-stream scenario, by MLCommons' own LoadGen: one image at a time, the next when the last is answered.

``run`` is what a contender's process does: LoadGen draws from the golden images, asks for one after the other, times
each answer and decides when there were enough. What is said of it here is read from the log that LoadGen wrote.

The rules ("MLPerf Inference Rules", section on scenarios) ask for at least 600 s. What counts is the 90th percentile as
early stopping estimates it: not below the true one in 99 % of runs, for which it takes 64 queries.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn.contender import Contender
from edgecnn.errors import EdgecnnError
from edgecnn.machine import memory

MODULE = "mlperf_loadgen"
RULES_SECONDS, RULES_QUERIES = 600, 64
WARM_UP_S = 0.1
PREPARED = 2  # LoadGen prepares so many times the queries that it expects, before the first,
QUERY_BYTES = 480  # which it needs for each of them
SPARE = 1.1  # of the queries there would be if all were as fast as the fastest: enough, as running out is invalid
BUILT_IN = 0  # the rules that LoadGen brings, and no file of a user's
DETAIL = "mlperf_log_detail.txt"
MARK = ":::MLLOG "


@dataclass(frozen=True)
class Stream:
    """What LoadGen says of one model.

    ``p90_early_stopping_ms`` is the result by the rules, None of too few queries. ``valid`` is LoadGen's verdict on
    what was asked for, with its ``reasons`` where it is none; ``rules_minimum`` whether that is what the rules ask for,
    600 s and 64 queries. ``seconds`` go from the first query to the last.
    """

    model: str
    provider: str
    threads: int
    valid: bool
    reasons: list[str]
    rules_minimum: bool
    queries: int
    seconds: float
    queries_per_second: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    p90_early_stopping_ms: float | None
    version: str
    qsl_rng_seed: int
    sample_index_rng_seed: int
    schedule_rng_seed: int


def run(contender: Contender, seconds: float, folder: Path) -> dict[str, Any]:
    """Be the system under test for at least ``seconds`` and 64 queries; LoadGen's files go into ``folder``.

    Returns the fields of a Stream but for those that say what ran. Raises EdgecnnError where LoadGen would need more
    memory than there is, and what an answer raises.
    """
    import mlperf_loadgen

    images = [np.ascontiguousarray(image_hwc[None]) for image_hwc in contender.golden_images_nhwc]
    failed: list[BaseException] = []

    def issue(queries: Any) -> None:
        for query in queries:
            try:
                if not failed:
                    contender.answer(images[query.index])
            except BaseException as error:  # through LoadGen it would end the process
                failed.append(error)
            mlperf_loadgen.QuerySamplesComplete([mlperf_loadgen.QuerySampleResponse(query.id, 0, 0)])

    settings = _settings(mlperf_loadgen, seconds, _expected_ns(contender, images, seconds))
    system = mlperf_loadgen.ConstructSUT(issue, _nothing)
    library = mlperf_loadgen.ConstructQSL(len(images), len(images), _nothing, _nothing)
    try:
        no_audit = str(folder / "audit.config")  # or one in the current folder would change the settings
        mlperf_loadgen.StartTestWithLogSettings(system, library, settings, _logs(mlperf_loadgen, folder), no_audit)
    finally:
        mlperf_loadgen.DestroyQSL(library)
        mlperf_loadgen.DestroySUT(system)
    if failed:
        raise failed[0]
    return figures(folder / DETAIL)


def figures(detail: Path) -> dict[str, Any]:
    """Return the fields of a Stream that LoadGen's log of details has. Raises EdgecnnError where it has no result."""
    said = _said(detail)
    try:
        queries, per_second = said["result_query_count"], said["result_qps_with_loadgen_overhead"]
        enough = said["early_stopping_met"]
        valid = said["result_validity"] == "VALID"
        return {
            "valid": valid,
            "reasons": [] if valid else _reasons(said),
            "rules_minimum": valid
            and said["effective_min_duration_ms"] >= RULES_SECONDS * 1000
            and queries >= RULES_QUERIES,
            "queries": queries,
            "seconds": (queries - 1) / per_second,
            "queries_per_second": per_second,
            "p50_ms": said["result_50.00_percentile_latency_ns"] / 1e6,
            "p90_ms": said["result_90.00_percentile_latency_ns"] / 1e6,
            "p99_ms": said["result_99.00_percentile_latency_ns"] / 1e6,
            "mean_ms": said["result_mean_latency_ns"] / 1e6,
            "p90_early_stopping_ms": said["early_stopping_latency_ss"] / 1e6 if enough else None,
            "version": said["loadgen_version"],
            "qsl_rng_seed": said["effective_qsl_rng_seed"],
            "sample_index_rng_seed": said["effective_sample_index_rng_seed"],
            "schedule_rng_seed": said["effective_schedule_rng_seed"],
        }
    except KeyError as error:
        raise EdgecnnError(
            f"LoadGen's log has no {error.args[0]}: this version of it is not known here. Install another: "
            "pip install --upgrade mlcommons-loadgen"
        ) from error


def _said(detail: Path) -> dict[str, Any]:
    """Return what each key of a log says, the last of several; all errors as ``error``."""
    said: dict[str, Any] = {"errors": []}
    for line in detail.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith(MARK):
            continue
        try:
            entry = json.loads(line.removeprefix(MARK))
        except json.JSONDecodeError:  # it writes other programs' words as they are
            continue
        if entry["metadata"].get("is_error"):
            said["errors"].append(str(entry["value"]))
        said[entry["key"]] = entry["value"]
    return said


def _reasons(said: dict[str, Any]) -> list[str]:
    stopping = [] if said["early_stopping_met"] else [said.get("early_stopping_result", "")]
    found = [said.get("result_invalid_reason", ""), *stopping, *said["errors"]]
    return [words for words in (" ".join(text.replace("*", " ").split()) for text in found) if words]


def _settings(mlperf_loadgen: Any, seconds: float, expected_ns: int) -> Any:
    """Return LoadGen's own settings of the scenario, seeds included, with the duration that is asked for."""
    settings = mlperf_loadgen.TestSettings()
    settings.FromConfig("", "*", "SingleStream", BUILT_IN)  # seeds and percentile
    settings.scenario = mlperf_loadgen.TestScenario.SingleStream
    settings.mode = mlperf_loadgen.TestMode.PerformanceOnly
    settings.min_duration_ms = max(1, round(seconds * 1000))
    settings.min_query_count = RULES_QUERIES
    settings.single_stream_expected_latency_ns = expected_ns
    return settings


def _logs(mlperf_loadgen: Any, folder: Path) -> Any:
    logs = mlperf_loadgen.LogSettings()
    output = mlperf_loadgen.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    logs.log_output = output
    logs.enable_trace = False  # a line for each query
    return logs


def _expected_ns(contender: Contender, images: list[Any], seconds: float) -> int:
    """Warm up, and return by what latency LoadGen prepares as many queries as the fastest answer allows."""
    durations: list[int] = []
    until = time.perf_counter() + WARM_UP_S
    while len(durations) < len(images) or time.perf_counter() < until:
        started = time.perf_counter_ns()
        contender.answer(images[len(durations) % len(images)])
        durations.append(time.perf_counter_ns() - started)
    _check_memory(seconds, min(durations))
    return max(1, round(min(durations) * PREPARED / SPARE))


def _check_memory(seconds: float, fastest_ns: int) -> None:
    there = memory.total_bytes()
    queries = SPARE * seconds * 1e9 / fastest_ns
    if there is not None and queries * QUERY_BYTES > there / 2:
        most = int(seconds * there / 2 / (queries * QUERY_BYTES))
        raise EdgecnnError(
            f"for {seconds:g} s of answers in {fastest_ns / 1e6:.3f} ms LoadGen prepares {queries / 1e6:,.0f} million "
            f"queries, which need {queries * QUERY_BYTES / 1e9:,.0f} GB, and this machine has {there / 1e9:,.0f} GB. "
            f"Use --seconds {most} or less."
        )


def _nothing(*samples: object) -> None:
    """All images lie in memory, and no query waits for others."""
