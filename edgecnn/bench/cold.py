"""A fresh process that loads one model and answers one image: ``python -m edgecnn.bench.cold MODEL PROVIDER THREADS``.

Prints one JSON object: import_ms, load_ms, first_ms, peak_bytes.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edgecnn.errors import ModelError

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class ColdStart:
    """``total_ms`` is from starting the interpreter to the first answer, as the parent process sees it."""

    import_ms: float
    load_ms: float
    first_ms: float
    total_ms: float
    peak_bytes: int


def cold_start(model: Path, *, provider: str, threads: int) -> ColdStart:
    """Start a process, load the model there and classify one image."""
    command = [sys.executable, "-m", "edgecnn.bench.cold", str(model), provider, str(threads)]
    started = time.perf_counter_ns()
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    total_ms = (time.perf_counter_ns() - started) / 1e6
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"{model}: failed in a process of its own ({reason}).")
    return ColdStart(total_ms=total_ms, **json.loads(result.stdout))


def main(model: str, provider: str, threads: str) -> None:
    """Be the fresh process."""
    started = time.perf_counter_ns()
    from edgecnn.contender import open_contender

    if not Path(model).is_dir() and not model.endswith(".safetensors"):
        import onnxruntime  # noqa: F401 - so that its import counts as import
    imported = time.perf_counter_ns()
    contender = open_contender(Path(model), provider=provider, threads=int(threads))
    loaded = time.perf_counter_ns()
    contender.classify(contender.golden_images_nhwc[:1])
    answered = time.perf_counter_ns()
    from edgecnn.bench.memory import peak_bytes

    figures = {
        "import_ms": (imported - started) / 1e6,
        "load_ms": (loaded - imported) / 1e6,
        "first_ms": (answered - loaded) / 1e6,
        "peak_bytes": peak_bytes(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
