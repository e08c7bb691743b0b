"""Models whose answers a network learns from, beside the labels (Hinton, Vinyals and Dean 2015).

A teacher sees the very images that the student sees, as they were augmented, but always whole. Nothing of it is random,
so that a training that is resumed has what it had; ``answers.py`` keeps its answers where a recipe wants that.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from edgecnn import checkpoint, contender
from edgecnn.card import ImageInput
from edgecnn.errors import RecipeError
from edgecnn.recipes.schema import Teacher
from edgecnn.train.examples import Prepared

Answer = Callable[[Tensor], Tensor]  # images_nhwc, uint8 or float32 of 0..255 -> logits_nk


def teach(wanted: Teacher, prepared: Prepared, device: torch.device) -> Answer:
    """Open the teachers of a recipe and return their mean logits as a function of images.

    Raises RecipeError where one answers something else; CheckpointError, ModelError where one cannot be opened.
    """
    answers = [_opened(model, prepared, device) for model in wanted.models]
    mirrors = (False, True) if wanted.mirrored else (False,)

    @torch.no_grad()
    def answer(images_nhwc: Tensor) -> Tensor:
        views = [images_nhwc.flip(2) if mirrored else images_nhwc for mirrored in mirrors]
        return torch.stack([given(view).float() for given in answers for view in views]).mean(0)

    return answer


def divergence(logits_nk: Tensor, teacher_nk: Tensor, temperature: float) -> Tensor:
    """Return the mean divergence from the teacher's probabilities, both softened by a temperature; times its square,
    so that gradients stay as large as those of the labels."""
    softened = F.log_softmax(logits_nk / temperature, dim=1)
    target = F.log_softmax(teacher_nk / temperature, dim=1)
    return F.kl_div(softened, target, reduction="batchmean", log_target=True) * temperature**2


def _opened(model: str, prepared: Prepared, device: torch.device) -> Answer:
    """Open a run or checkpoint in PyTorch, where it takes the training's precision, anything else as it runs in use."""
    if contender.is_checkpoint(model):
        found = checkpoint.read(Path(model))
        _check(model, found.labels, found.input, prepared)
        network: Answer = found.build().to(device).to(memory_format=torch.channels_last)
        return network
    file = contender.open_classifier(model)
    _check(model, file.labels, file.input, prepared)
    return lambda images_nhwc: torch.from_numpy(
        file.logits(images_nhwc.round().clamp(0, 255).byte().cpu().contiguous().numpy())
    ).to(device)


def _check(model: str, labels: tuple[str, ...], shape: ImageInput, prepared: Prepared) -> None:
    if labels != prepared.train.labels:
        raise RecipeError(
            f"teacher.models: {model} tells {_some(labels)} apart; here it is {_some(prepared.train.labels)}. "
            "Take a model of the same classes, in the same order."
        )
    if shape != prepared.shape:
        raise RecipeError(
            f"teacher.models: {model} takes images of {_size(shape)}; here they are {_size(prepared.shape)}. "
            "Take a model of the same images, or set data.size and data.color."
        )


def _some(labels: tuple[str, ...], shown: int = 3) -> str:
    return ", ".join(labels[:shown]) + (f" and {len(labels) - shown} more" if len(labels) > shown else "")


def _size(shape: ImageInput) -> str:
    height, width, channels = vars(shape).values()
    return f"{width}x{height} in {channels} channel{'s' * (channels > 1)}"
