"""Threads follow the CPU affinity and the container's quota, not the machine's cores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.machine import threads


def _v2(root: Path, text: str) -> Path:
    (root / "cpu.max").write_text(text)
    return root


def _v1(root: Path, quota: int, period: int) -> Path:
    (root / "cpu").mkdir()
    (root / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (root / "cpu" / "cpu.cfs_period_us").write_text(f"{period}\n")
    return root


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("200000 100000\n", 2.0), ("50000 100000\n", 0.5), ("150000 100000\n", 1.5), ("max 100000\n", None)],
)
def test_the_quota_of_cgroup_v2(tmp_path: Path, text: str, cpus: float | None) -> None:
    assert threads.cpu_quota(_v2(tmp_path, text)) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [(400000, 4.0), (25000, 0.25), (-1, None)])
def test_the_quota_of_cgroup_v1(tmp_path: Path, quota: int, cpus: float | None) -> None:
    assert threads.cpu_quota(_v1(tmp_path, quota, 100000)) == cpus


def test_cgroup_v2_is_asked_first(tmp_path: Path) -> None:
    assert threads.cpu_quota(_v2(_v1(tmp_path, 400000, 100000), "200000 100000\n")) == 2.0


def test_without_cgroups_there_is_no_quota(tmp_path: Path) -> None:
    assert threads.cpu_quota(tmp_path) is None


@pytest.mark.parametrize("text", ["", "200000", "lots 100000", "200000 100000 7"])
def test_a_quota_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    assert threads.cpu_quota(_v2(tmp_path, text)) is None


@pytest.mark.parametrize(
    ("quota", "cores", "expected"), [(None, 8, 8), (0.5, 8, 1), (1.2, 8, 2), (4.0, 8, 4), (64.0, 8, 8), (0.01, 1, 1)]
)
def test_a_quota_is_rounded_up_and_never_beyond_the_affinity(
    monkeypatch, quota: float | None, cores: int, expected: int
) -> None:
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    monkeypatch.setattr(threads, "affinity", lambda: cores)
    assert threads.available() == expected


@given(st.none() | st.floats(0.001, 1000), st.integers(1, 256))
def test_there_is_one_thread_at_least_and_the_affinity_at_most(quota: float | None, cores: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "cpu_quota", lambda: quota)
        patch.setattr(threads, "affinity", lambda: cores)
        assert 1 <= threads.available() <= cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_a_process_held_to_one_cpu_gets_one_thread() -> None:
    script = (
        "import os; from edgecnn.machine import threads\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "print(threads.affinity(), threads.available())"
    )
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert found.split() == ["1", "1"]
