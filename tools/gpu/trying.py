"""A provider tried on model files: its answers beside the CPU's, its latency beside the CPU's, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn import files

ROOT = Path(__file__).resolve().parents[2]
IMAGES = 64
BENCH = ("--batch", "1,64", "--threads", "1", "--seconds", "0.3")


def machine(folder: Path) -> None:
    """Write down which machine and which card this is."""
    import torch

    card = _run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
    found = {
        "card": card.stdout.strip() or "none",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if torch.cuda.is_available() else None,
        "capability": torch.cuda.get_device_capability() if torch.cuda.is_available() else None,
        "doctor": _json("doctor"),
    }
    files.write_text(folder / "machine.json", json.dumps(found, indent=2) + "\n")
    print(json.dumps({key: value for key, value in found.items() if key != "doctor"}), flush=True)


def provider(models: list[str], name: str, folder: Path) -> None:
    """Try a provider on every model; what comes of it is a line each, and whole in provider.json."""
    found = {}
    for model in models:
        found[model] = result = _tried(model, name)
        files.write_text(folder / "provider.json", json.dumps(found, indent=2) + "\n")
        print(model, json.dumps(result["answers"]), _latencies(result["bench"]), flush=True)


def _tried(model: str, name: str) -> dict[str, Any]:
    return {
        "selftest": _json("selftest", model, "--provider", name),
        "answers": _answers(model, name),
        "bench": {kind: _json("bench", model, "--provider", kind, *BENCH) for kind in ("cpu", name)},
    }


def _answers(model: str, name: str) -> dict[str, Any]:
    """Compare what a provider answers to noise with what the CPU does, in a process that may be lost."""
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import trying; trying.compare({model!r}, {name!r})"
    return _parsed(_run([sys.executable, "-c", code]))


def compare(model: str, name: str) -> None:
    """Print how far the logits of two providers are apart, and for how many images the label is another one."""
    import edgecnn

    cpu, other = (edgecnn.load(model, provider=kind) for kind in ("cpu", name))
    shape = cpu.card.input
    noise = np.random.default_rng(0).integers(0, 256, (IMAGES, shape.height, shape.width, shape.channels), np.uint8)
    ours, theirs = (np.asarray(model.logits(noise)) for model in (cpu, other))
    print(
        json.dumps(
            {
                "runs_on": other.running_provider,
                "largest_difference": float(np.abs(ours - theirs).max()),
                "largest_logit": float(np.abs(ours).max()),
                "other_labels": int((ours.argmax(1) != theirs.argmax(1)).sum()),
                "images": IMAGES,
            }
        )
    )


def _latencies(bench: dict[str, Any]) -> str:
    """Say the median latency of each provider and batch, in milliseconds."""
    return ", ".join(f"{name}: {_medians(document)}" for name, document in bench.items())


def _medians(document: dict[str, Any]) -> str:
    rows = document.get("contenders")
    return " ".join(f"{row['batch']}:{row['p50_ms']}" for row in rows) if rows else str(document)[:200]


def _json(*words: str) -> dict[str, Any]:
    return _parsed(_run([sys.executable, "-m", "cli", *words, "--json"]))


def _parsed(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"exit": done.returncode, "said": (done.stdout + done.stderr).strip()[-2000:]}
    return found


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
