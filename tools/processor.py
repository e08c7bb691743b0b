#!/usr/bin/env python3
"""Run a command as on a processor with fewer features: tools/processor.py avx2 -- python -m pytest

ONNX Runtime chooses its kernels by what the instruction cpuid answers. Here the cpuid instructions of its libraries are
replaced in a copy, and answered by a handler (processor.c) that leaves features out, so that the kernels of other
processors run, at full speed and to the bit: ``avx2`` is Intel before Ice Lake and AMD before Zen 4, whose int8 kernels
saturate, ``sse`` anything before AVX. /proc/cpuinfo reads accordingly, and PyTorch is told by its own variables.
Linux on x86-64 with gcc and objdump only. ARM64 is emulated by tools/arm64.py, at a hundredth of the speed.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
CPUID, REPLACED = b"\x0f\xa2", b"\x06\xa2"  # 06 is no instruction in 64-bit mode
PYTORCH = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "sse": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
}
HIDDEN = {
    "avx2": re.compile(r"\b(avx512\w*|avx_vnni\w*|avx_ifma|amx_\w+|gfni)\b ?"),
    "sse": re.compile(r"\b(avx\w*|amx_\w+|gfni|fma|f16c|bmi[12]|vaes|vpclmulqdq|xsave\w*|xgetbv1)\b ?"),
}


def environment(level: str, libraries: Iterable[Path] = ()) -> dict[str, str]:
    """Return the variables under which a process sees a processor of that level.

    ``libraries`` are replaced beside those of the ONNX Runtime that this Python has. Raises SystemExit where there are
    none at all, for nothing would be emulated then.
    """
    found = [*_runtime_libraries(), *libraries]
    if not found:
        sys.exit(
            f"error: {sys.executable} has no ONNX Runtime whose processor could be another. Expected the Python that "
            "the command uses: .venv/bin/python tools/processor.py …, or --library FILE."
        )
    folder = Path(tempfile.gettempdir()) / f"edgecnn-processor-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = _handler(folder)
    pairs = [(library.stat().st_size, _replaced(library, folder)) for library in found]
    cpuinfo = folder / f"cpuinfo-{level}"
    cpuinfo.write_text(HIDDEN[level].sub("", Path("/proc/cpuinfo").read_text(encoding="ascii")), encoding="ascii")
    return PYTORCH[level] | {
        "EDGECNN_PROCESSOR": level,
        "EDGECNN_PROCESSOR_CPUINFO": str(cpuinfo),
        "EDGECNN_PROCESSOR_LIBRARIES": ";".join(f"{size}:{path}" for size, path in pairs),
        "LD_AUDIT": str(handler),
        "LD_PRELOAD": str(handler),
    }


def _runtime_libraries() -> list[Path]:
    spec = find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "capi"
    return [*folder.glob("onnxruntime_pybind11_state*.so"), *folder.glob("libonnxruntime.so.*")]


def _handler(folder: Path) -> Path:
    target = folder / f"handler-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.so"
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-O1", "-fPIC", "-shared", "-o", part, SOURCE, "-ldl"], check=True)
        part.rename(target)
    return target


def _replaced(library: Path, folder: Path) -> Path:
    """Return a copy whose cpuid instructions are replaced; it is made once for a library's content."""
    content = library.read_bytes()
    place = folder / hashlib.sha256(content).hexdigest()[:12]
    place.mkdir(exist_ok=True)
    target = place / library.name
    if not target.exists():
        changed = bytearray(content)
        for offset in _cpuid_offsets(library):
            assert changed[offset : offset + 2] == CPUID, hex(offset)
            changed[offset : offset + 2] = REPLACED
        part = target.with_suffix(f".{os.getpid()}")
        part.write_bytes(changed)
        part.rename(target)
        for other in library.parent.glob("libonnxruntime_providers_shared.so"):  # looked for beside the library
            (place / other.name).unlink(missing_ok=True)
            (place / other.name).symlink_to(other)
    return target


def _cpuid_offsets(library: Path) -> list[int]:
    """Return where in the file the cpuid instructions lie, by disassembly: the two bytes alone occur in others too."""
    headers = _told("objdump", "-h", str(library))
    sections = [line.split() for line in headers.splitlines() if re.match(r"\s+\d+ \.", line)]
    spans = [(int(part[3], 16), int(part[2], 16), int(part[5], 16)) for part in sections]
    addresses = re.findall(
        r"^\s*([0-9a-f]+):\s+cpuid\b", _told("objdump", "-d", "--no-show-raw-insn", str(library)), re.M
    )
    return [
        int(text, 16) - start + offset
        for text in addresses
        for start, size, offset in spans
        if start <= int(text, 16) < start + size
    ]


def _told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Become the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("level", choices=sorted(HIDDEN))
    parser.add_argument("--library", type=Path, action="append", default=[], help="another ONNX Runtime library")
    parser.add_argument("command", nargs="+", help="after --")
    given = parser.parse_args()
    os.execvpe(given.command[0], given.command, os.environ | environment(given.level, given.library))


if __name__ == "__main__":
    sys.exit(main())
