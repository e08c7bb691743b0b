"""The peak of memory is the process's own."""

import subprocess
import sys

MIB = 2**20
GROW = """
from edgecnn.machine.memory import peak_bytes

before = peak_bytes()
block = bytearray(b"x") * (200 * 2**20)
held = peak_bytes()
del block
print(before, held, peak_bytes())
"""
SPAWN = """
import subprocess, sys
from edgecnn.machine.memory import peak_bytes

block = bytearray(b"x") * (400 * 2**20)
child = [sys.executable, "-c", "from edgecnn.machine.memory import peak_bytes; print(peak_bytes())"]
print(peak_bytes(), subprocess.run(child, capture_output=True, text=True, check=True).stdout)
"""


def peaks_of(code: str) -> list[int]:
    """What a fresh process says of its peaks, in bytes."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_peak_grows_by_what_is_held() -> None:
    before, held, _ = peaks_of(GROW)
    assert 5 * MIB < before < 150 * MIB
    assert 195 * MIB < held - before < 250 * MIB


def test_peak_stays_when_memory_is_given_back() -> None:
    _, held, after = peaks_of(GROW)
    assert after >= 0.95 * held  # Linux counts in batches


def test_child_of_a_large_parent_reports_its_own() -> None:
    parent, child = peaks_of(SPAWN)
    assert parent > 400 * MIB
    assert 5 * MIB < child < 150 * MIB
