"""Anything that answers images, opened the same way: a run, a checkpoint, a model file, a model of the zoo or a module.

Verification and benchmarks take contenders and know nothing of how they were made.
"""

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn import progress, zoo
from edgecnn.card import CLASSIFICATION, DatasetRecord, ImageInput
from edgecnn.errors import CheckpointError, EdgecnnError, missing_package
from edgecnn.machine import threads as machine_threads
from edgecnn.machine.environment import Environment
from edgecnn.metadata import read_card
from edgecnn.registry import TASKS
from edgecnn.runtime import engine
from edgecnn.runtime.image import to_input
from edgecnn.runtime.load import load_model, task_of
from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import SelfTest, selftest

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint

Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # images_nhwc -> one answer for each

BATCH = 256

Kind = TypeVar("Kind", bound="Contender")


@dataclass(frozen=True)
class Bare:
    """A module of PyTorch in place of a file: FILE.py:NAME, LIBRARY:NAME or an archive.

    What it does not tell is said by the card of the model file that it is ``like``; without one it can be timed, on
    pictures of that ``shape``.
    ``weights`` are what a module is opened with (``edgecnn/own``)."""

    name: str
    weights: str | None = None
    like: str | None = None
    shape: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        return self.name


Named = str | Path | Bare
Opened = Named | Model  # as a candidate, also what was opened on a device


@dataclass(frozen=True)
class Contender:
    """An opened model. ``name`` is the path or name as given, ``provider`` what really runs it.

    ``golden_images_nhwc`` are what it is timed on, and ``answer`` what is timed. ``exact_int8`` and ``environment`` are
    what a Model says. ``size_bytes`` is that of the file, or of the weights of a module. ``golden_again`` holds a model
    file to the answers in its card.
    """

    name: str
    file: Path
    engine: Literal["pytorch", "onnx"]
    form: str
    labels: tuple[str, ...]
    input: ImageInput
    dataset: DatasetRecord
    golden_images_nhwc: NDArray[np.uint8]
    provider: str
    threads: int
    answer: Callable[[NDArray[np.uint8]], Any]
    size_bytes: int
    exact_int8: bool = False
    environment: Environment | None = None
    golden_again: Callable[[], SelfTest] | None = None

    def fitted(self, frame_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture of any size as the images_nhwc that ``answer`` takes."""
        return to_input(frame_hwc, self.input)[None]


@dataclass(frozen=True)
class ClassifierContender(Contender):
    """An opened classifier, whose ``answer`` is logits_nk."""

    def logits(self, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits_nk of any number of images, as the model gives them in use."""
        if len(images_nhwc) == 0:
            return np.empty((0, len(self.labels)), np.float32)
        return in_batches(self.answer, images_nhwc)


class ContendingTask(Protocol):
    """What is asked of a task here."""

    def contender(self, model: Model, name: str, file: Path) -> Contender:
        """Return a model file as what is compared and timed."""

    def checkpoint_contender(self, checkpoint: "Checkpoint", path: Path, threads: int) -> Contender:
        """Return a checkpoint as what is compared and timed."""


class ModuleTask(Protocol):
    """What is asked of the task that modules of PyTorch are for."""

    def module_contender(self, bare: Bare, threads: int) -> "ClassifierContender":
        """Return a module as what is compared and timed."""


def in_batches(answer: Answer, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the answers to at least one image, a batch at a time, so that memory does not grow with their number."""
    starts = range(0, len(images_nhwc), BATCH)
    return np.concatenate([answer(images_nhwc[i : i + BATCH]) for i in progress.told(starts, len(images_nhwc))])


def completed(models: Sequence[Named], weights: Path | str | None, shape: tuple[int, int, int] | None) -> list[Named]:
    """Return contenders with what is said of the module among them: it is like the first model file that it is beside.

    Raises EdgecnnError where something is said of a module and there is none, or another number than one.
    """
    bare = [str(model) for model in models if zoo.is_module(str(model))]
    if not bare and (weights is not None or shape is not None):
        raise EdgecnnError("--weights and --input are said of a module, FILE.py:NAME or LIBRARY:NAME; none is named.")
    if weights is not None and len(bare) > 1:
        raise EdgecnnError(f"--weights are those of one module, and {len(bare)} are named: {', '.join(bare)}.")
    files = [str(model) for model in models if not zoo.is_module(str(model)) and not is_checkpoint(str(model))]
    like = files[0] if files and shape is None else None
    return [
        Bare(str(model), None if weights is None else str(weights), like, shape) if str(model) in bare else model
        for model in models
    ]


def open_contender(path: Named, *, provider: str = "cpu", threads: int | None = None) -> Contender:
    """Open a run's folder, a checkpoint (.safetensors), a model file (.onnx), a model of the zoo by name, or a module.

    Raises ModelError, CardError, CheckpointError, ProviderError or MissingPackageError.
    """
    if isinstance(path, Bare):
        return cast(ModuleTask, TASKS.module(CLASSIFICATION)).module_contender(path, machine_threads.wanted(threads))
    path = Path(path)
    if is_checkpoint(path):
        return _open_checkpoint(path, machine_threads.wanted(threads))
    model = load_model(path, provider=provider, threads=threads)
    return contender_of(model, str(path), zoo.find(path))


def contender_of(model: Model, name: str, file: Path) -> Contender:
    """Return a model file that was opened, here or on a device, as what is compared and timed."""
    return cast(ContendingTask, task_of(model.card, name)).contender(model, name, file)


def open_classifier(path: Opened, *, provider: str = "cpu", threads: int | None = None) -> ClassifierContender:
    """Open what has to be a classifier, or take a model file that was opened on a device.

    Raises EdgecnnError for anything else, and what ``open_contender`` raises.
    """
    if isinstance(path, Model):
        assert isinstance(path.source, Path)
        found, path = contender_of(path, path.name, path.source), path.source
    else:
        found = open_contender(path, provider=provider, threads=threads)
    if not isinstance(found, ClassifierContender):
        raise EdgecnnError(
            f"{path}: is for {task_name(str(path))}; a classifier was expected. Measure it as what it is: "
            f"edgecnn evaluate {path}"
        )
    return found


def task_name(path: str | Path) -> str:
    """Return what a run, a checkpoint or a model file is for, as it says itself."""
    if not is_checkpoint(path):
        return read_card(path).task
    found: str = _checkpoints().read(path).task
    return found


def task_for(path: Named) -> Any:
    """Return the module of what a run, a checkpoint or a model file is for; modules classify."""
    if isinstance(path, Bare):
        return TASKS.module(CLASSIFICATION)
    return TASKS.module(task_name(path)) if is_checkpoint(path) else task_of(read_card(path), str(path))


def is_checkpoint(path: Named) -> bool:
    """Tell a run's folder or checkpoint from a model file, by its kind alone.

    A folder that is no run does not hide a model of the zoo that has its name.
    """
    path = Path(str(path))
    if path.suffix == zoo.CHECKPOINT:
        return True
    return path.is_dir() and (zoo.is_run(path) or path.as_posix() not in zoo.names())


def import_runtime_of(path: Named) -> None:
    """Import what a contender runs on, so that its import can be timed apart from its loading."""
    module = "torch" if isinstance(path, Bare) or is_checkpoint(path) else "onnxruntime"
    try:
        importlib.import_module(module) if module == "torch" else engine.onnxruntime()
    except ModuleNotFoundError:
        raise missing_package(module) from None


def of_model(
    kind: type[Kind], model: Model, name: str, file: Path, images_nhwc: NDArray[np.uint8], answer: Callable[..., Any]
) -> Kind:
    """Return a contender of a model file."""
    card = model.card
    return kind(
        name=name,
        file=file,
        engine="onnx",
        form=card.form,
        labels=tuple(card.labels),
        input=ImageInput(*images_nhwc.shape[1:]),
        dataset=card.dataset,
        golden_images_nhwc=images_nhwc,
        provider=model.running_provider,
        threads=model.threads,
        answer=answer,
        size_bytes=file.stat().st_size,
        exact_int8=model.exact_int8,
        environment=model.environment,
        golden_again=functools.partial(selftest, model),
    )


def of_checkpoint(kind: type[Kind], checkpoint: "Checkpoint", path: Path, threads: int) -> Kind:
    """Return a contender of a checkpoint, whose answers are those of its network in PyTorch, on the CPU in float32."""
    import torch

    from edgecnn import torch_state

    network, file = checkpoint.build(), _checkpoints().locate(path)

    def answer(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch_state.thread_count(threads), torch.inference_mode():
            found: NDArray[np.float32] = network(torch.from_numpy(images_nhwc)).numpy()
        if not np.isfinite(found).all():
            raise CheckpointError(f"{path}: its answers are not finite (NaN or infinite). Train again.")
        return found

    return kind(
        name=str(path),
        file=file,
        engine="pytorch",
        form="fp32",
        labels=checkpoint.labels,
        input=checkpoint.input,
        dataset=checkpoint.dataset,
        golden_images_nhwc=checkpoint.golden_images_nhwc.numpy(),
        provider=f"PyTorch {torch.__version__}, cpu",
        threads=threads,
        answer=answer,
        size_bytes=file.stat().st_size,
    )


def _open_checkpoint(path: Path, threads: int) -> Contender:
    found = _checkpoints().read(path)
    return cast(ContendingTask, TASKS.module(found.task)).checkpoint_contender(found, path, threads)


def _checkpoints() -> Any:
    """Return what reads checkpoints. Raises MissingPackageError where torch is not installed."""
    try:
        return importlib.import_module("edgecnn.checkpoint")
    except ModuleNotFoundError as error:
        raise missing_package((error.name or "torch").partition(".")[0]) from None
