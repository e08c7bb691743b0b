"""The whole path on the embedded data set, in one go: what `edgecnn demo` shows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgecnn import data
from edgecnn.bench import BenchReport, bench
from edgecnn.data import Split
from edgecnn.errors import CheckpointError
from edgecnn.export import Exported, export
from edgecnn.files import clear_leftovers, filling_folder
from edgecnn.quantize import Quantized, quantize
from edgecnn.recipes.read import read
from edgecnn.report.curves import draw_curves
from edgecnn.report.summary import draw_summary
from edgecnn.runtime.classifier import load
from edgecnn.runtime.files import FileAnswer, predict_files
from edgecnn.train import Outcome, train
from edgecnn.train.run_folder import read_rows
from edgecnn.verify import Comparison, compare_files

RECIPE = "digits-compact"
WANTED_ACCURACY = 0.98
MAX_DROP_PP = 2.0  # without a flip the 359 test images show that the drop is at most 1.06 points, with one lost 1.6
SAMPLES = 10
MAKES = (
    "run",
    "digits.onnx",
    "digits.card.json",
    "digits-preferred.onnx",
    "digits-preferred.card.json",
    "images",
    "demo.png",
)


@dataclass(frozen=True)
class Demo:
    """What every stage said."""

    trained: Outcome
    exported: Exported
    quantized: Quantized
    verified: Comparison
    measured: BenchReport
    predicted: list[FileAnswer]
    picture: Path
    seconds: float
    passed: bool


def run_demo(
    folder: str | Path,
    *,
    root: str | Path | None = None,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Demo:
    """Train, export, quantize, verify, measure and predict into ``folder``, which must be empty or not there.

    A demo that is stopped or fails leaves the folder as it was, so that the same command starts it again.
    """
    folder = Path(folder)
    clear_leftovers(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CheckpointError(f"{folder}: is not empty. Choose another folder with -o.")
    with filling_folder(folder, makes=MAKES):
        return _run(folder, root, on_stage)


def _run(folder: Path, root: str | Path | None, on_stage: Callable[[str], None]) -> Demo:
    started = time.perf_counter()
    run, model = folder / "run", folder / "digits.onnx"
    on_stage("train")
    trained = train(read(RECIPE), run, root=root)
    draw_curves(run)
    on_stage("export, and compare with PyTorch")
    exported = export(run, model, root=root)
    on_stage("quantize, and choose")
    quantized = quantize(model, folder / "digits-preferred.onnx", root=root, seconds=0.5)
    preferred = quantized.output
    on_stage("verify on the test split")
    verified = compare_files(run, preferred, root=root, max_drop_pp=MAX_DROP_PP)
    on_stage("measure")
    measured = bench(list(dict.fromkeys([run, model, preferred])), batches=(1,), seconds=0.5)
    on_stage("predict")
    test = data.read_split("digits", "test", root=root)
    predicted = list(predict_files(load(preferred), _write_samples(test, folder / "images")))
    picture = _draw(folder / "demo.png", run, preferred, test, verified, measured)
    return Demo(
        trained=trained,
        exported=exported,
        quantized=quantized,
        verified=verified,
        measured=measured,
        predicted=predicted,
        picture=picture,
        seconds=time.perf_counter() - started,
        passed=verified.verdict != "beyond" and verified.candidate.accuracy >= WANTED_ACCURACY,
    )


def _write_samples(test: Split, folder: Path) -> list[Path]:
    """Write one test image of each class as a picture file."""
    folder.mkdir()
    paths = []
    for index in _sample_indices(test):
        path = folder / f"digit-{test.names[test.labels_n[index]]}.png"
        Image.fromarray(test.images_nhwc[index, ..., 0]).save(path)
        paths.append(path)
    return paths


def _sample_indices(test: Split) -> list[int]:
    return [int(index) for index in np.unique(test.labels_n, return_index=True)[1][:SAMPLES]]


def _draw(target: Path, run: Path, model: Path, test: Split, verified: Comparison, measured: BenchReport) -> Path:
    indices = _sample_indices(test)
    images = test.images_nhwc[indices]
    return draw_summary(
        target,
        title="edgecnn: scikit-learn's digits from data set to quantized model",
        rows=read_rows(run),
        comparison=verified,
        timings=measured,
        images_nhwc=images,
        truth=[test.names[test.labels_n[index]] for index in indices],
        predictions=load(model).predict_batch(images),
    )
