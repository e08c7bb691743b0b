#!/usr/bin/env python3
"""What every file of the zoo answers on other processors: tools/processors.py [--data-root FOLDER]

Each form of each model is run by a plain session of ONNX Runtime, as any program would run it, on the first images of
its test set: here, with the kernels of AVX2 and of SSE (tools/processor.py), and on ARM64 (tools/arm64.py).
docs/processors.json keeps the figures by the file's hash, so that a second run does only what is missing;
docs/conformance.py puts them into its page.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
import arm64
import processor

from edgecnn import data, files, zoo
from edgecnn.card import FINDER
from edgecnn.data.pages import digit_pages
from edgecnn.data.pages.digit_pages import Pages
from edgecnn.machine import processor as processor_name
from edgecnn.runtime.finder import load_either
from edgecnn.verify.finds import matched

HERE = "here"
LEVELS = (HERE, "avx2", "sse", "arm64")
RESULTS = Path(__file__).resolve().parents[1] / "docs" / "processors.json"
ANSWERS = str(Path(__file__).with_name("answers.py"))
Told = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Figure:
    """One file on one processor. ``accuracy`` is F1 for a finder; agreement is with the same images here."""

    model: str
    form: str
    sha256: str
    level: str
    images: int
    accuracy: float
    agreement: float
    largest_gap: float


def main() -> None:
    """Measure what is missing and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--zoo", type=Path, default=RESULTS.parents[1] / "exported", help="another zoo folder")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--images", type=int, default=2_000, help="on ARM64 half as many")
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    known = _read(given.output)
    for model in zoo.models_in(given.zoo):
        for form, path in model.forms.items():
            for level in given.levels:
                count = given.images // 2 if level == "arm64" else given.images
                if (files.sha256(path), level) not in known:
                    figure = measure(model.name, form, path, level, count, given.data_root)
                    known[figure.sha256, level] = figure
                    print(figure, flush=True)
                    _write(given.output, known)


def measure(model: str, form: str, path: Path, level: str, count: int, root: Path | None) -> Figure:
    """Run one file on one processor and here, on the first ``count`` test images, or validation pages of a finder."""
    here, there = _answers(path, HERE, count, root), _answers(path, level, count, root)
    if _is_finder(path):
        right, same, gap = _finds([here, there], digit_pages.read(root, "test"))
    else:
        labels_n = data.read_split(load_either(path).card.dataset.name, "test", root=root).labels_n[:count]
        here_n, there_n = (own["0/logits"].argmax(1) for own in (here, there))
        right, same = float((there_n == labels_n).mean()), float((here_n == there_n).mean())
        gap = float(np.abs(here["0/logits"] - there["0/logits"]).max())
    images = len(next(iter(there.values()))) if "0/counts" not in there else len(there["0/counts"])
    return Figure(model, form, files.sha256(path), level, images, right, same, gap)


@functools.lru_cache(maxsize=4)  # the answers here serve every level
def _answers(path: Path, level: str, count: int, root: Path | None) -> Told:
    if _is_finder(path):
        images_nhwc = digit_pages.read(root, "test").images[:count, ..., None]
    else:
        images_nhwc = data.read_split(load_either(path).card.dataset.name, "test", root=root).images_nhwc[:count]
    with tempfile.TemporaryDirectory() as folder:
        target, images = Path(folder, "answers.npz"), Path(folder, "images.npy")
        np.save(images, images_nhwc)
        words, variables = _command([ANSWERS, str(target), str(images), str(path)], level)
        subprocess.run(words, env=os.environ | variables, check=True)
        with np.load(target) as archive:
            return dict(archive)


def _command(words: list[str], level: str) -> tuple[list[str], dict[str, str]]:
    if level == "arm64":
        return arm64.command(words)
    return [sys.executable, *words], {} if level == HERE else processor.environment(level)


def _is_finder(path: Path) -> bool:
    return load_either(path).card.kind == FINDER


def _finds(told: list[Told], pages: Pages) -> tuple[float, float, float]:
    """Return F1 there, the share of pages with as many finds as here, and the largest gap of their scores."""
    here, there = (np.split(own["0/boxes"], own["0/counts"].cumsum()[:-1]) for own in told)
    counts = [
        matched(boxes_m4, pages.boxes[page][pages.is_digit[page]], pages.boxes[page][pages.ignored[page]])
        for page, boxes_m4 in enumerate(there)
    ]
    found, false, missed = np.sum(counts, axis=0)
    same = [len(own) == len(other) for own, other in zip(here, there, strict=True)]
    scores = (np.split(own["0/scores"], own["0/counts"].cumsum()[:-1]) for own in told)
    gaps = [np.abs(a - b).max(initial=0) for a, b in zip(*scores, strict=True) if len(a) == len(b)]
    return float(2 * found / max(2 * found + false + missed, 1)), float(np.mean(same)), float(max(gaps, default=0))


def _read(path: Path) -> dict[tuple[str, str], Figure]:
    rows = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else []
    return {(row["sha256"], row["level"]): Figure(**row) for row in rows}


def _write(path: Path, known: dict[tuple[str, str], Figure]) -> None:
    rows = sorted(known.values(), key=lambda figure: (figure.model, figure.form, LEVELS.index(figure.level)))
    document = {"machine": processor_name(), "figures": [asdict(row) for row in rows]}
    files.write_text(path, json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
