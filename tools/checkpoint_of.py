"""Put the weights of a float32 model file back into the PyTorch network they came from, as a checkpoint.

`.venv/bin/python tools/checkpoint_of.py MODEL.onnx OUT.safetensors [--norms-of PAGES.npz]`. Where a run is gone and its
exported file is there, the checkpoint is what `edgecnn verify` compares a file with: the network of `edgecnn.networks`,
built from the card's recipe and run by PyTorch. Weights keep their names in the file. A batch norm that the exporter
folded into its convolution becomes one that only adds the folded bias. The checkpoint is written when its answers on
the card's golden images are those of the file: logits within 1e-5 of the largest, of a detector the best detections.

To train on from it (``start_from`` in a recipe) norms need statistics: ``--norms-of`` takes those of the first images
of an .npz of the data root, and brings scale and bias in line, so that the answers stay what they are.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from edgecnn import checkpoint, zoo
from edgecnn.card import CLASSIFICATION, ModelCard
from edgecnn.checkpoint import Checkpoint
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.metadata import read_card
from edgecnn.recipes.read import check
from edgecnn.runtime.classifier import load
from edgecnn.tasks._detection.learning import decode

PREFIX = "classifier."
CLOSE = 1e-5
IMAGES = 256  # whose statistics norms get


def checkpoint_of(model: Path) -> tuple[Checkpoint, float]:
    """Return the checkpoint and the largest gap of its logits to the file's, over the largest logit; of a detector
    that of the scores of what it is surest of.

    Raises EdgecnnError for a file that is not float32, ParityError where the gap is over 1e-5.
    """
    card = read_card(zoo.find(model))
    if card.form != "fp32":
        raise EdgecnnError(f"{model}: is {card.form}. Expected a float32 model, such as NAME/fp32.")
    found = _filled(card, _tensors(zoo.find(model)), torch.from_numpy(card.golden.images_nhwc.copy()))
    gap = _gap_of_logits(model, found) if card.task == CLASSIFICATION else _gap_of_scores(card, found)
    if gap > CLOSE:
        raise ParityError(
            f"{model}: the network with its weights is {gap:.1e} off, over {CLOSE:g}. Nothing was written."
        )
    return found, gap


def _gap_of_logits(model: Path, found: Checkpoint) -> float:
    classifier = load(model)
    temperature = classifier.card.confidence.temperature if classifier.card.confidence else 1.0
    logits_nk = _answers(found, found.golden_images_nhwc).numpy() / temperature
    expected_nk = classifier.logits(found.golden_images_nhwc.numpy())
    return float(np.abs(logits_nk - expected_nk).max() / np.abs(expected_nk).max())


def _gap_of_scores(card: ModelCard, found: Checkpoint) -> float:
    """Compare what is surest on the golden image, whose size is that of the first level of the pyramid."""
    scores_m = np.sort(card.golden.answers["scores"])[::-1][:1]
    scores_nm = decode(_answers(found, found.golden_images_nhwc))[1].numpy()
    return float(np.abs(scores_nm[0, :1] - scores_m).max(initial=0))


def _answers(found: Checkpoint, images_nhwc: Tensor) -> Tensor:
    with torch.inference_mode():
        answers: Tensor = found.build()(images_nhwc)
    return answers


def with_statistics(found: Checkpoint, images_nhwc: Tensor) -> Checkpoint:
    """Return the checkpoint with norms that have the statistics of images, and answer as before."""
    network, weights = found.build(), dict(found.weights)

    def take(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def seen(norm: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
            mean_c, variance_c = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), unbiased=False)
            scale_c = weights[f"{name}.weight"] / (weights[f"{name}.running_var"] + norm.eps).sqrt()
            moved_c = (mean_c - weights[f"{name}.running_mean"]) * scale_c
            weights[f"{name}.weight"] = scale_c * (variance_c + norm.eps).sqrt()
            weights[f"{name}.bias"] = weights[f"{name}.bias"] + moved_c
            weights[f"{name}.running_mean"], weights[f"{name}.running_var"] = mean_c, variance_c

        return seen

    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    handles = [module.register_forward_hook(take(name)) for name, module in norms.items()]
    with torch.no_grad():
        network(images_nhwc)
    for handle in handles:
        handle.remove()
    return replace(found, weights=weights)


def _tensors(path: Path) -> dict[str, Tensor]:
    graph = onnx.load(path).graph
    named = ((tensor.name, numpy_helper.to_array(tensor)) for tensor in graph.initializer)
    return {name.removeprefix(PREFIX): torch.from_numpy(array.copy()) for name, array in named}


def _filled(card: ModelCard, tensors: dict[str, Tensor], golden_images_nhwc: Tensor) -> Checkpoint:
    recipe = check(card.recipe, "the card's recipe")
    fresh = checkpoint.build_classifier(recipe, card.input, len(card.labels))
    weights = {name: tensors.get(name, tensor) for name, tensor in fresh.state_dict().items()}
    weights |= _unfolded(fresh, tensors)
    validation = {score.metric: score.value for score in card.metrics if score.split == "validation"}
    return Checkpoint(
        recipe, tuple(card.labels), card.input, card.dataset, recipe.epochs, validation, card.versions, weights,
        golden_images_nhwc,
    )  # fmt: skip


def _unfolded(fresh: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of each norm that was folded: nothing but the bias that stands in the convolution before it."""
    state: dict[str, Tensor] = {}
    before = ""
    for name, module in fresh.named_modules():
        if isinstance(module, nn.Conv2d):
            before = name
        if isinstance(module, nn.BatchNorm2d) and f"{before}.weight_bias" in tensors:
            bias_c = tensors[f"{before}.weight_bias"]
            one_c = torch.ones_like(bias_c)
            state |= {
                f"{name}.weight": one_c, f"{name}.bias": bias_c, f"{name}.running_mean": torch.zeros_like(bias_c),
                f"{name}.running_var": one_c - module.eps,
            }  # fmt: skip
    own = fresh.state_dict()
    return {name: tensor for name, tensor in state.items() if name in own}


def main() -> None:
    """Parse, convert, say how close it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("model", type=Path, help="a float32 model file, or NAME/fp32")
    parser.add_argument("output", type=Path, help="the checkpoint to write, .safetensors")
    parser.add_argument("--norms-of", type=Path, help="images whose statistics norms get, to train on from there")
    given = parser.parse_args()
    try:
        found, gap = checkpoint_of(given.model)
        if given.norms_of:
            images_nhwc = np.load(given.norms_of)["images"][:IMAGES]
            found = with_statistics(found, torch.from_numpy(images_nhwc.reshape(len(images_nhwc), *found.input.shape)))
        checkpoint.write(given.output, found)
    except EdgecnnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(f"{given.output}: answers within {gap:.1e} of the largest on {len(found.golden_images_nhwc)} golden images")


if __name__ == "__main__":
    main()
