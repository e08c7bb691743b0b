"""From a module of PyTorch that is the user's own to a model file that was held to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgecnn import files
from edgecnn.adopt import pool
from edgecnn.adopt.model_file import Adopted, finished, planned
from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.preprocessing import Preprocessing, arrays
from edgecnn.adopt.said import Answering, Said
from edgecnn.adopt.source import Source, read
from edgecnn.card import ImageInput, ModelCard
from edgecnn.errors import EdgecnnError, ModelError, ParityError
from edgecnn.export.trace import traced
from edgecnn.metadata import read_card
from edgecnn.own import Own, opened, transforms
from edgecnn.text import excerpt, shortened

BATCH = 32
NUMBERS = ("scale", "mean", "std")
Preprocess = Mapping[str, Any] | Any  # numbers by name, or a transform


@dataclass(frozen=True)
class Original:
    """The module itself, answering arrays in float32."""

    name: str
    module: nn.Module
    taken: Taken

    def answers(self, images_nhwc: NDArray[np.uint8], done: Preprocessing) -> NDArray[np.float32]:
        """Return what the module answers to each image. Raises ModelError where that is not a row for each."""
        parts = [images_nhwc[start : start + BATCH] for start in range(0, len(images_nhwc), BATCH)]
        return np.concatenate([self._run(arrays(part, self.taken, done)) for part in parts])

    def _run(self, fed: NDArray[np.generic]) -> NDArray[np.float32]:
        found_nk: NDArray[np.float32] = _answered(self.module, torch.from_numpy(fed), self.name).numpy()
        return found_nk


def export_module(
    model: str | Path | nn.Module,
    target: Path,
    *,
    labels: Sequence[str] | None,
    shape: tuple[int, int, int] | None,
    preprocess: Preprocess | None,
    weights: str | Path | None,
    answers: Answering | None,
    dataset: str | None,
    root: str | Path | None,
    on_stage: Callable[[str], None],
) -> tuple[Adopted, ModelCard]:
    """Trace a module, wrap it into the contract of a model file, and hold the file to the module."""
    on_stage("reading the module")
    found = opened(model, weights, classes=None if labels is None else len(labels), shape=shape)
    said, remarks, read_transform = _said(
        labels or found.labels, found.transform if preprocess is None else preprocess, answers
    )
    wanted = _input(found.name, shape, said, read_transform)
    _check_alike(found, wanted)
    on_stage("tracing it")
    source = _traced(found, wanted)
    plan = planned(source, replace(said, layout="nchw", size=wanted.shape[:2]))
    if read_transform is not None:
        some_nhwc = pool.pictures(wanted)[::5]
        read_transform.check(some_nhwc, arrays(some_nhwc, plan.taken, plan.done))
    plan = replace(
        plan,
        original=Original(found.name, found.module, plan.taken),
        remarks=(*found.remarks, *remarks),
    )
    adopted = finished(
        plan,
        target,
        dataset=dataset,
        root=root,
        on_stage=on_stage,
        described=lambda card: _described(card, found),
    )
    return adopted, read_card(target)


def _said(
    labels: Sequence[str] | None, preprocess: Preprocess | None, answers: Answering | None
) -> tuple[Said, list[str], transforms.Read | None]:
    """Return what the user said of pixels and answers, with what is to be told of a transform."""
    said = Said(labels=None if labels is None else tuple(labels), answers=answers)
    if preprocess is None:
        return said, [], None
    if isinstance(preprocess, Mapping):
        beyond = sorted(set(preprocess) - set(NUMBERS))
        if beyond:
            raise EdgecnnError(f"preprocess has {', '.join(map(excerpt, beyond))}; expected {', '.join(NUMBERS)}.")
        numbers = {name: tuple(map(float, np.ravel(value))) for name, value in preprocess.items()}
        scale = numbers.pop("scale", (1 / 255,))[0]
        return replace(said, scale=scale, **numbers), [], None  # type: ignore[arg-type]
    found = transforms.read(preprocess)
    return replace(said, scale=found.scale, mean=found.mean, std=found.std, size=found.size), found.remarks, found


def _input(name: str, shape: tuple[int, int, int] | None, said: Said, transform: transforms.Read | None) -> ImageInput:
    """Return the pictures that a module takes: as the user says, or as the transform makes them."""
    channels = len(said.mean) if said.mean is not None and len(said.mean) > 1 else None
    if shape is None and transform is not None and said.size is not None and channels is not None:
        return ImageInput(*said.size, channels)
    if shape is None:
        raise EdgecnnError(f"{name}: say what pictures it takes, height, width and channels: --input 28x28x1")
    if said.size not in (None, shape[:2]):
        raise EdgecnnError(
            f"{name}: the transform brings pictures to {said.size[0]}x{said.size[1]}, and the input is said to be "
            f"{shape[0]}x{shape[1]}. Say one of them."
        )
    return ImageInput(*shape)


def _check_alike(found: Own, wanted: ImageInput) -> None:
    """Raise ModelError for a module that does not take such pictures, or answers them differently each time."""
    generator = torch.Generator().manual_seed(0)
    pixels_nchw = torch.rand((2, wanted.channels, wanted.height, wanted.width), generator=generator)
    first, again = (_answered(found.module, pixels_nchw, found.name) for _ in range(2))
    if not torch.equal(first, again):
        raise ModelError(
            f"{found.name}: answers the same pictures differently each time (by up to "
            f"{(first - again).abs().max():.3g}), so something random is on in inference: dropout by function, say, "
            "without training=self.training. A file of it could be held to nothing."
        )


def _answered(module: nn.Module, pixels: torch.Tensor, name: str) -> torch.Tensor:
    with torch.inference_mode():
        try:
            found = module(pixels)
        except Exception as error:
            raise ModelError(
                f"{name}: does not run on pictures {tuple(pixels.shape)} ({type(error).__name__}: "
                f"{shortened(' '.join(str(error).split()), 200)}). Say what it takes with --input."
            ) from error
    if not isinstance(found, torch.Tensor) or found.ndim < 2 or len(found) != len(pixels):
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise ModelError(f"{name}: answers {shape} to {len(pixels)} pictures; a classifier answers a row for each.")
    return found.float()


def _traced(found: Own, wanted: ImageInput) -> Source:
    """Return the module as a graph for any batch, or for one picture where it does not trace for any."""
    example = torch.zeros((2, wanted.channels, wanted.height, wanted.width))
    with files.temporary_folder("module") as folder:
        path = folder / "module.onnx"
        ways: tuple[tuple[torch.Tensor, dict[int, Any] | None], ...] = (
            (example, {0: torch.export.Dim("N")}),
            (example[:1], None),
        )
        for pixels, dynamic in ways:
            try:
                model = traced(
                    found.module, pixels, found.name, inputs=["pixels"], outputs=["answers"], dynamic=dynamic
                )
                break
            except ParityError:
                if dynamic is None:
                    raise
        files.write_bytes(path, model.SerializeToString())
        return replace(read(path), path=Path(found.name))


def _described(card: ModelCard, found: Own) -> ModelCard:
    """Say of what module the file is; its parameters are counted as PyTorch does."""
    assert card.adopted is not None
    called = Path(found.name).name
    return replace(
        card,
        network=called,
        parameters=sum(parameter.numel() for parameter in found.module.parameters()) or card.parameters,
        recipe={"name": called, "description": f"The module {called}, trained elsewhere, exported by edgecnn export"},
        versions=card.versions | {"torch": torch.__version__},
        adopted=replace(card.adopted, file=called),
    )
