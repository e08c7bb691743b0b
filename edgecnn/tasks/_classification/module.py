"""A module of PyTorch as what is compared and timed, on the pictures that a card says, or on noise."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgecnn import zoo
from edgecnn.card import CLASSIFICATION, UNKNOWN_DATASET, ImageInput, ModelCard, Pixels
from edgecnn.contender import Answer, Bare, ClassifierContender
from edgecnn.errors import EdgecnnError, ModelError, missing_package
from edgecnn.metadata import read_card

if TYPE_CHECKING:
    import torch

    from edgecnn.own import Own

NOISE_IMAGES = 8
LEAST_PROBABILITY = 1e-30  # as adopted files have it, where a module answers probabilities
UNIT = Pixels(1 / 255, [0.0], [1.0], bgr=False)


def of_module(bare: Bare, threads: int) -> ClassifierContender:
    """Open a module and what it is like. Raises ModelError, EdgecnnError, RecipeError or MissingPackageError."""
    try:
        import torch

        from edgecnn import own
    except ModuleNotFoundError as error:
        raise missing_package((error.name or "torch").partition(".")[0]) from None
    card = _card_of(bare)
    found = own.opened(
        bare.name, bare.weights, classes=None if card is None else len(card.labels), shape=_shape(bare, card)
    )
    image = card.input if card else _pictures(bare, found)
    answer = _answering(found, card, threads)
    golden_nhwc = card.golden.images_nhwc if card else _noise(image)
    answered_nk = answer(golden_nhwc[:1])
    labels = tuple(card.labels) if card else tuple(map(str, range(answered_nk.shape[1])))
    if answered_nk.shape[1] != len(labels):
        raise ModelError(f"{bare}: answers {answered_nk.shape[1]} classes, and {bare.like} has {len(labels)} labels.")
    return ClassifierContender(
        name=bare.name,
        file=Path(bare.weights or bare.name),
        engine="pytorch",
        form="random" if found.is_random else "fp32",
        labels=labels,
        input=image,
        dataset=card.dataset if card else UNKNOWN_DATASET,
        golden_images_nhwc=golden_nhwc,
        provider=f"PyTorch {torch.__version__}, cpu",
        threads=threads,
        answer=answer,
        size_bytes=sum(tensor.numel() * tensor.element_size() for tensor in found.module.state_dict().values()),
    )


def _card_of(bare: Bare) -> ModelCard | None:
    if bare.like is None:
        return None
    card = read_card(zoo.find(bare.like))
    if card.task != CLASSIFICATION:
        raise EdgecnnError(f"{bare.like}: is for {card.task}; beside a module a classifier is expected.")
    return card


def _shape(bare: Bare, card: ModelCard | None) -> tuple[int, int, int] | None:
    return card.input.shape if card else bare.shape


def _pictures(bare: Bare, found: "Own") -> ImageInput:
    """Return what pictures a module takes that no card tells of."""
    from edgecnn.own import transforms

    if bare.shape is not None:
        return ImageInput(*bare.shape)
    read = None if found.transform is None else transforms.read(found.transform)
    if read is None or read.size is None:
        raise EdgecnnError(
            f"{bare}: does not tell what pictures it takes, nor how their pixels come to it. Name a model file beside "
            "it, which its card tells of (edgecnn export makes one); or, to time it alone, say --input 28x28x1."
        )
    return ImageInput(*read.size, len(read.mean))


def _answering(found: "Own", card: ModelCard | None, threads: int) -> Answer:
    """Return what answers images with logits_nk: the module, on the numbers that its file feeds itself."""
    import torch

    from edgecnn import torch_state

    pixels = _pixels(found.name, card)
    factor_c = (pixels.scale / np.array(pixels.std)).astype(np.float32)
    shift_c = (-np.array(pixels.mean) / np.array(pixels.std)).astype(np.float32)
    is_probability = card is not None and card.adopted is not None and card.adopted.answers.endswith("probabilities")

    def answer(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        ordered_nhwc = images_nhwc[..., ::-1] if pixels.bgr else images_nhwc
        fed_nchw = np.ascontiguousarray((ordered_nhwc.astype(np.float32) * factor_c + shift_c).transpose(0, 3, 1, 2))
        with torch_state.thread_count(threads), torch.inference_mode():
            answers_nk = _run(found, torch.from_numpy(fed_nchw))
        return np.log(np.maximum(answers_nk, LEAST_PROBABILITY)) if is_probability else answers_nk

    return answer


def _pixels(name: str, card: ModelCard | None) -> Pixels:
    """Return what a card says is done to pixels before the module; to be timed alone they are scaled to 0..1."""
    if card is None:
        return UNIT
    if card.adopted is None or card.adopted.pixels is None:
        raise EdgecnnError(
            f"{name}: the card of {card.name} does not tell what is done to pixels before the module. Name the file "
            "that edgecnn export makes of it, or export that anew."
        )
    return card.adopted.pixels


def _run(found: "Own", pixels_nchw: "torch.Tensor") -> NDArray[np.float32]:
    from edgecnn.networks._code import said

    try:
        answers: NDArray[np.float32] = found.module(pixels_nchw).float().flatten(1).numpy()
    except Exception as error:
        raise ModelError(
            f"{found.name}: does not run on pictures {tuple(pixels_nchw.shape)} ({said(error)})."
        ) from error
    if not np.isfinite(answers).all():
        raise ModelError(f"{found.name}: its answers are not finite (NaN or infinite).")
    return answers


def _noise(image: ImageInput) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (NOISE_IMAGES, *image.shape), np.uint8)
