"""Processors are told apart by what picks their int8 kernels."""

import platform

import pytest

from edgecnn import machine
from edgecnn.machine import family, family_of


@pytest.mark.parametrize(
    ("architecture", "features", "expected"),
    [
        ("x86_64", ["sse4_2", "avx", "avx2", "avx512f", "avx512_vnni"], "x86-64 AVX-512 VNNI"),
        ("x86_64", ["sse4_2", "avx", "avx2", "avx_vnni"], "x86-64 AVX-VNNI"),
        ("x86_64", ["sse4_2", "avx", "avx2", "avx512f"], "x86-64 AVX-512"),
        ("x86_64", ["sse4_2", "avx", "avx2"], "x86-64 AVX2"),
        ("x86_64", ["sse4_2"], "x86-64 SSE4"),
        ("AMD64", [], "AMD64"),
        ("aarch64", ["asimd", "asimddp", "i8mm"], "ARM64 i8mm"),
        ("arm64", ["asimd"], "ARM64"),
        ("riscv64", ["avx2"], "riscv64"),
    ],
)
def test_family_is_that_of_the_best_int8_kernel(architecture: str, features: list[str], expected: str) -> None:
    assert family_of(architecture, features) == expected


def test_family_here_is_that_of_the_features_here() -> None:
    assert family() == family_of(platform.machine(), machine.cpu_features())
