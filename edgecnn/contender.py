"""Anything that classifies, opened the same way: a run, a checkpoint, a model file or a model of the zoo.

Verification and benchmarks take contenders and know nothing of how they were made.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn import zoo
from edgecnn.card import FINDER, DatasetRecord, ImageInput
from edgecnn.errors import CheckpointError, missing_package
from edgecnn.machine import threads as machine_threads
from edgecnn.runtime.finder import Finder, load_either

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # images_nhwc -> logits_nk

BATCH = 256
FRAME = (480, 640)  # height and width of what a finder is timed on


@dataclass(frozen=True)
class Contender:
    """An opened classifier. ``name`` is the path or name as given, ``provider`` what really runs it.

    ``exact_int8`` is what a Classifier says.
    """

    name: str
    file: Path
    kind: Literal["pytorch", "onnx"]
    form: str
    labels: tuple[str, ...]
    input: ImageInput
    dataset: DatasetRecord
    golden_images_nhwc: NDArray[np.uint8]
    provider: str
    threads: int
    classify: Classify
    exact_int8: bool = False

    def logits(self, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits_nk of any number of images, as the model gives them in use."""
        if len(images_nhwc) == 0:
            return np.empty((0, len(self.labels)), np.float32)
        return in_batches(self.classify, images_nhwc)


def in_batches(classify: Classify, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return logits_nk of at least one image, a batch at a time, so that memory does not grow with their number."""
    return np.concatenate([classify(images_nhwc[i : i + BATCH]) for i in range(0, len(images_nhwc), BATCH)])


def open_contender(path: str | Path, *, provider: str = "cpu", threads: int | None = None) -> Contender:
    """Open a run's folder, a checkpoint (.safetensors), a model file (.onnx) or a model of the zoo by name.

    Raises ModelError, CardError, CheckpointError, ProviderError or MissingPackageError.
    """
    path, count = Path(path), machine_threads.wanted(threads)
    if is_checkpoint(path):
        return _open_checkpoint(path, count)
    file = zoo.find(path)
    classifier = load_either(path, provider=provider, threads=count)
    if isinstance(classifier, Finder):
        return _finder(classifier, path, file)
    card = classifier.card
    return Contender(
        name=str(path),
        file=file,
        kind="onnx",
        form=card.form,
        labels=tuple(card.labels),
        input=card.input,
        dataset=card.dataset,
        golden_images_nhwc=card.golden.images_nhwc,
        provider=classifier.running_provider,
        threads=count,
        classify=classifier.logits,
        exact_int8=classifier.exact_int8,
    )


def _finder(finder: Finder, path: Path, file: Path) -> Contender:
    """Return what benchmarks need of a finder: a frame of a camera's usual size, filled with its golden page."""
    page_nhwc = finder.card.golden.images_nhwc
    height, width = FRAME
    repeats = (1, -(-height // page_nhwc.shape[1]), -(-width // page_nhwc.shape[2]), 1)
    frame_nhwc = np.tile(page_nhwc, repeats)[:, :height, :width]

    def find_each(frames_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array([[len(finder.find(frame_hwc))] for frame_hwc in frames_nhwc], np.float32)

    return Contender(
        name=str(path),
        file=file,
        kind="onnx",
        form=finder.card.form,
        labels=tuple(finder.card.labels),
        input=ImageInput(height, width, 1),
        dataset=finder.card.dataset,
        golden_images_nhwc=frame_nhwc,
        provider=finder.provider,
        threads=finder.threads,
        classify=find_each,
        exact_int8=finder.exact_int8,
    )


def is_checkpoint(path: str | Path) -> bool:
    """Tell a run's folder or checkpoint from a model file, by its kind alone.

    A folder that is no run does not hide a model of the zoo that has its name.
    """
    path = Path(path)
    if path.suffix == zoo.CHECKPOINT:
        return True
    return path.is_dir() and (zoo.is_run(path) or path.as_posix() not in zoo.names())


def import_runtime_of(path: str | Path) -> None:
    """Import what a contender runs on, so that its import can be timed apart from its loading."""
    module = "torch" if is_checkpoint(path) else "onnxruntime"
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        raise missing_package(module) from None


def _open_checkpoint(path: Path, threads: int) -> Contender:
    try:
        import torch

        from edgecnn import checkpoint, networks
    except ModuleNotFoundError as error:
        raise missing_package((error.name or "torch").partition(".")[0]) from None
    found = checkpoint.read(path)
    if networks.kind(found.recipe.network.name) == FINDER:
        raise CheckpointError(
            f"{path}: holds a finder, which is measured as the file that answers boxes. First: edgecnn export {path}"
        )
    file = checkpoint.locate(path)
    network = found.build()

    def classify(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            logits_nk: NDArray[np.float32] = network(torch.from_numpy(images_nhwc)).numpy()
        if not np.isfinite(logits_nk).all():
            raise CheckpointError(f"{path}: answers logits that are no numbers (NaN or infinite). Train again.")
        return logits_nk

    return Contender(
        name=str(path),
        file=file,
        kind="pytorch",
        form="fp32",
        labels=found.labels,
        input=found.input,
        dataset=found.dataset,
        golden_images_nhwc=found.golden_images_nhwc.numpy(),
        provider=f"PyTorch {torch.__version__}, cpu",
        threads=threads,
        classify=classify,
    )
