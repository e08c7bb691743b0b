"""Checkpoints: the weights of one epoch as safetensors, with everything that is needed to make the network again.

The file has one metadata key, ``edgecnn``, a JSON document (recipe, labels, input, data set, epoch, validation figures,
versions), and the tensors ``weights.*`` and ``golden_images``. Nothing in it can run code.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from edgecnn import documents, networks, prune, qat, torch_state
from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.code_name import is_code, placed, public
from edgecnn.errors import CheckpointError
from edgecnn.files import stand_in, write_bytes
from edgecnn.networks._weights import unfit
from edgecnn.recipes.read import check
from edgecnn.recipes.schema import Recipe
from edgecnn.registry import TASKS
from edgecnn.text import shortened

METADATA_KEY = "edgecnn"
CONTRAST_FLOOR = 4.0  # gray levels added to an image's deviation, so that the noise of an empty one stays small
SPARE_PARAMETERS = 1_000_000
UNRECORDED = "no digest"  # is that of no file
BEST, LAST = "best.safetensors", "last.safetensors"


class PixelClassifier(nn.Module):
    """Raw pixels in, logits out: what is trained and exported. ``scale`` and ``shift`` are by channel.

    With ``flip_average``, inference (not training) answers the mean logits of an image and its mirror image. With
    ``each``, every image is brought to mean 0 and deviation 1 by itself, whatever the light, and ``scale`` and
    ``shift`` do not matter.
    """

    def __init__(
        self, network: nn.Module, scale_c: Tensor, shift_c: Tensor, *, flip_average: bool = False, each: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.flip_average = flip_average
        self.each = each
        self.register_buffer("scale", scale_c.reshape(1, -1, 1, 1))
        self.register_buffer("shift", shift_c.reshape(1, -1, 1, 1))
        self.scale: Tensor
        self.shift: Tensor

    def normalized(self, images_nhwc: Tensor) -> Tensor:
        """Map pixels of 0..255 (N, H, W, C), uint8 or float32, to what the network takes (N, C, H, W)."""
        pixels_nchw = images_nhwc.permute(0, 3, 1, 2).to(torch.float32)
        if not self.each:
            return pixels_nchw * self.scale + self.shift
        # On integers, whose sum is exact: what is nearly blank is raised by a factor of up to 64, errors included.
        centered_nchw = pixels_nchw - pixels_nchw.mean((1, 2, 3), keepdim=True)
        squares_nchw = centered_nchw * centered_nchw  # square() would be a Pow: an eighth of the time of digits-webcam
        deviation_n111 = squares_nchw.mean((1, 2, 3), keepdim=True).sqrt()
        return centered_nchw / (deviation_n111 + CONTRAST_FLOOR)

    def forward(self, images_nhwc: Tensor) -> Tensor:
        """Map pixels of 0..255 (N, H, W, C), uint8 or float32, to logits_nk."""
        pixels_nchw = self.normalized(images_nhwc)
        if self.flip_average and not self.training:
            both_nk: Tensor = self.network(torch.cat((pixels_nchw, pixels_nchw.flip(3))))
            return both_nk.reshape(2, -1, both_nk.shape[1]).mean(0)
        logits_nk: Tensor = self.network(pixels_nchw)
        return logits_nk


@dataclass(frozen=True)
class _Document:
    """What the metadata of a checkpoint say."""

    recipe: dict[str, Any]
    labels: list[str]
    input: ImageInput
    dataset: DatasetRecord
    epoch: int
    figures: dict[str, float]
    versions: dict[str, str]


@dataclass(frozen=True)
class Checkpoint:
    """One epoch's weights and what they belong to. ``figures`` are the validation split's, by name."""

    recipe: Recipe
    labels: tuple[str, ...]
    input: ImageInput
    dataset: DatasetRecord
    epoch: int
    figures: dict[str, float]
    versions: dict[str, str]
    weights: Mapping[str, Tensor]
    golden_images_nhwc: Tensor

    @property
    def task(self) -> str:
        """What the network is for."""
        return task_of(self.recipe)

    def build(self) -> PixelClassifier:
        """Return the network with these weights, in float32 on the CPU, ready for inference.

        Raises CheckpointError for weights of another network, for those that are no numbers, and for a network in a
        file of Python that is not the one that was trained, or that nobody here has named.
        """
        if is_code(self.recipe.network.name):
            networks.take(self.recipe.network.name, self.recipe.network.sha256 or UNRECORDED)
        with _no_larger_than(self.weights), torch_state.random_state(torch.device("cpu")):
            classifier = build_classifier(self.recipe, self.input, len(self.labels))
        if self.recipe.prune:
            thin(classifier, self.golden_images_nhwc, self.recipe.prune)
        if self.recipe.quantization:
            round_as_int8(classifier, self.golden_images_nhwc)
        reason = self._misfit(classifier.state_dict())
        try:
            if reason is None:
                classifier.load_state_dict(self.weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
        named = public(self.recipe.network.name)
        if reason is not None:
            raise CheckpointError(
                f"the weights do not fit network {named} ({reason}). Use the edgecnn that trained them, or train again."
            )
        broken = [name for name, tensor in self.weights.items() if not torch.isfinite(tensor).all()]
        if broken:
            raise CheckpointError(
                f"the weights are not finite: {broken[0]}{', …' if len(broken) > 1 else ''} of network "
                f"{named} has NaN or infinite values (epoch {self.epoch}), so it answers nothing. "
                "Train again, with a lower learning rate or regularization.clip_norm set."
            )
        return classifier.eval()

    def _misfit(self, wanted: Mapping[str, Tensor]) -> str | None:
        """Say which weight could only be loaded with a loss; torch cuts a number without a word."""
        pairs = ((name, self.weights[name], tensor) for name, tensor in wanted.items() if name in self.weights)
        return next((f"{name} {reason}" for name, given, tensor in pairs if (reason := unfit(given, tensor))), None)


@contextlib.contextmanager
def _no_larger_than(weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Have a network that is far larger than its weights given up while it is built: a file may ask for any size."""
    left = SPARE_PARAMETERS + 2 * sum(tensor.numel() for tensor in weights.values())

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        left -= 0 if parameter is None else parameter.numel()
        if left < 0:  # before it is filled, which is when it costs memory
            raise ValueError("it has far more parameters than there are weights for it")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def task_of(recipe: Recipe) -> str:
    """Return the name of the task that a recipe trains for."""
    return TASKS.check(recipe.task or networks.task(recipe.network.name))


def build_classifier(recipe: Recipe, shape: ImageInput, classes: int) -> PixelClassifier:
    """Return the recipe's network with fresh weights; its scale and shift are those of a recipe without a mean."""
    network = networks.build(
        recipe.network.name,
        recipe.network.parameters,
        size=(shape.height, shape.width),
        channels=shape.channels,
        classes=classes,
    )
    scale_c, shift_c = torch.full((shape.channels,), 1 / 255), torch.zeros(shape.channels)
    return PixelClassifier(
        network, scale_c, shift_c, flip_average=recipe.average == "flip", each=recipe.preprocess.scale == "each"
    )


def round_as_int8(classifier: PixelClassifier, images_nhwc: Tensor) -> None:
    """Have a classifier's network round as int8 does, from here on; ``images_nhwc`` show the size of what it takes.

    Raises RecipeError where torch.export does not take the network.
    """
    pixels_nchw = _example(classifier, images_nhwc)
    classifier.network = qat.prepared(classifier.network, pixels_nchw).to(pixels_nchw.device)


def thin(classifier: PixelClassifier, images_nhwc: Tensor, share: float, *, weakest: bool = False) -> None:
    """Take that share of the channels out of a classifier's network: the ``weakest``, or any where weights come later.

    Raises RecipeError where torch.export does not take the network.
    """
    prune.cut(classifier.network, _example(classifier, images_nhwc), share, weakest=weakest)


def _example(classifier: PixelClassifier, images_nhwc: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier.normalized(images_nhwc[:1].repeat(2, 1, 1, 1))


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write beside ``path`` and rename. The same checkpoint gives the same bytes: there is one metadata key."""
    document = {
        "recipe": checkpoint.recipe.public().model_dump(exclude_none=True),
        "labels": checkpoint.labels,
        "input": asdict(checkpoint.input),
        "dataset": asdict(checkpoint.dataset),
        "epoch": checkpoint.epoch,
        "figures": checkpoint.figures,
        "versions": checkpoint.versions,
    }
    tensors = {f"weights.{name}": tensor.detach().cpu().contiguous() for name, tensor in checkpoint.weights.items()}
    tensors["golden_images"] = checkpoint.golden_images_nhwc.contiguous()
    write_bytes(path, save(tensors, metadata={METADATA_KEY: json.dumps(document)}))


def read(run_or_file: str | Path) -> Checkpoint:
    """Read a checkpoint file, or the best one of a run's folder. Raises CheckpointError."""
    path = locate(run_or_file)
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return _checkpoint(document, tensors, path)
    except MemoryError:
        raise
    except Exception as error:  # safetensors, json and torch each raise their own on a broken file
        raise CheckpointError(
            f"{path}: not a checkpoint of edgecnn ({type(error).__name__}: {shortened(str(error), 300)}). Expected "
            f"a run's folder or its {BEST}, as `edgecnn train` writes them.{stand_in(path)}"
        ) from error


def locate(run_or_file: str | Path) -> Path:
    """Return the checkpoint file that a path means. Raises CheckpointError."""
    run_or_file = Path(run_or_file)
    if run_or_file.is_dir():
        best = run_or_file / BEST
        if best.exists():
            return best
        raise CheckpointError(
            f"{run_or_file}: no {BEST} in it, so no epoch was finished here. Expected a run's folder as "
            "`edgecnn train` makes it; continue one with: edgecnn train RUN --resume"
        )
    if not run_or_file.exists():
        raise CheckpointError(f"{run_or_file}: no such run or checkpoint. Make one with: edgecnn train RECIPE -o RUN")
    return run_or_file


def _checkpoint(document: dict[str, Any], tensors: dict[str, Tensor], path: Path) -> Checkpoint:
    weights = {name.removeprefix("weights."): tensor for name, tensor in tensors.items() if name.startswith("weights.")}
    said, golden = documents.decode(_Document, document, "its document"), tensors["golden_images"]
    wanted = (len(golden), *said.input.shape)
    if golden.dtype != torch.uint8 or not len(golden) or tuple(golden.shape) != wanted or 0 in wanted:
        raise ValueError(f"golden images {golden.dtype} {tuple(golden.shape)} for input {said.input}")
    return Checkpoint(
        recipe=_beside(check(said.recipe, str(path)), path),
        labels=tuple(said.labels),
        input=said.input,
        dataset=said.dataset,
        epoch=said.epoch,
        figures=said.figures,
        versions=said.versions,
        weights=weights,
        golden_images_nhwc=golden,
    )


def _beside(recipe: Recipe, path: Path) -> Recipe:
    """Return a recipe whose network, where it is in a file of Python, lies beside the checkpoint."""
    network = recipe.network
    if not is_code(network.name):
        return recipe
    name = placed(public(network.name), path.parent)
    return recipe.model_copy(update={"network": network.model_copy(update={"name": name})})
