"""The processor: its name, what small networks profit from in it, and the family that decides which form is fastest."""

import platform
import subprocess
from pathlib import Path

# What small networks profit from, in the words of the kernels that use them.
FEATURES = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni",
    "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "asimdhp", "i8mm", "bf16", "sve",
)  # fmt: skip
# Families by the feature that picks ONNX Runtime's int8 kernels, the better first; the last need none.
X86, ARM = ("x86_64", "amd64", "x86"), ("arm64", "aarch64")
X86_FAMILIES = (
    ("avx512_vnni", "x86-64 AVX-512 VNNI"), ("avx_vnni", "x86-64 AVX-VNNI"), ("avx512f", "x86-64 AVX-512"),
    ("avx2", "x86-64 AVX2"), ("avx", "x86-64 AVX"), ("sse4_2", "x86-64 SSE4"),
)  # fmt: skip
ARM_FAMILIES = (("i8mm", "ARM64 i8mm"), ("asimddp", "ARM64 dotprod"), ("asimd", "ARM64"))


def processor() -> str:
    """Return the processor's model name."""
    if platform.system() == "Darwin":
        return _sysctl("machdep.cpu.brand_string")
    return _cpuinfo().get("model name") or _cpuinfo().get("Model") or platform.processor() or platform.machine()


def cpu_features() -> list[str]:
    """Return those of FEATURES that the processor reports; on Windows none are known."""
    if platform.system() == "Darwin":
        found = _sysctl("machdep.cpu.features").lower().replace(".", "_").split()
        found += ["i8mm"] if _sysctl("hw.optional.arm.FEAT_I8MM") == "1" else []
        found += ["asimd"] if platform.machine() == "arm64" else []
    else:
        found = (_cpuinfo().get("flags") or _cpuinfo().get("Features") or "").split()
    return [feature for feature in FEATURES if feature in found]


def _cpuinfo() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _sysctl(name: str) -> str:
    result = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def family() -> str:
    """Return the family of this processor: figures of one family say which form is preferred on all of it.

    Where the features are not known, as on Windows, it is the architecture alone.
    """
    return family_of(platform.machine(), cpu_features())


def family_of(architecture: str, features: list[str]) -> str:
    """Return the family of a processor with those features.

    >>> family_of("x86_64", ["avx", "avx2"]), family_of("aarch64", ["asimd", "asimddp"]), family_of("riscv64", [])
    ('x86-64 AVX2', 'ARM64 dotprod', 'riscv64')
    """
    name = architecture.lower()
    known = X86_FAMILIES if name in X86 else ARM_FAMILIES if name in ARM else ()
    return next((found for feature, found in known if feature in features), architecture)
