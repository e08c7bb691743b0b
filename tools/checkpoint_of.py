"""Put the weights of a float32 model file back into the PyTorch network they came from, as a checkpoint.

`.venv/bin/python tools/checkpoint_of.py MODEL.onnx OUT.safetensors`. Where a run is gone and its exported file is
there, the checkpoint is what `edgecnn verify` compares a file with: the network of `edgecnn.networks`, built from the
card's recipe and run by PyTorch. Weights keep their names in the file. A batch norm that the exporter folded into its
convolution becomes one that only adds the folded bias. The checkpoint is written when its logits on the card's golden
images are those of the file within 1e-5 of the largest.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from edgecnn import checkpoint, zoo
from edgecnn.card import ModelCard
from edgecnn.checkpoint import Checkpoint
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.recipes.read import check
from edgecnn.runtime.classifier import load

PREFIX = "classifier."
CLOSE = 1e-5


def checkpoint_of(model: Path) -> tuple[Checkpoint, float]:
    """Return the checkpoint and the largest gap of its logits to the file's, over the largest logit.

    Raises EdgecnnError for a file that is not a float32 classifier, ParityError where the gap is over 1e-5.
    """
    classifier = load(model)
    card = classifier.card
    if card.form != "fp32":
        raise EdgecnnError(f"{model}: is {card.form}. Expected a float32 classifier, such as NAME/fp32.")
    images_nhwc = card.golden.images_nhwc
    found = _filled(card, _tensors(zoo.find(model)), torch.from_numpy(images_nhwc.copy()))
    with torch.inference_mode():
        logits_nk = found.build()(torch.from_numpy(images_nhwc.copy())).numpy()
    if card.confidence is not None:
        logits_nk = logits_nk / card.confidence.temperature
    expected_nk = classifier.logits(images_nhwc)
    gap = float(np.abs(logits_nk - expected_nk).max() / np.abs(expected_nk).max())
    if gap > CLOSE:
        raise ParityError(
            f"{model}: the network with its weights is {gap:.1e} off, over {CLOSE:g}. Nothing was written."
        )
    return found, gap


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
    given = parser.parse_args()
    try:
        found, gap = checkpoint_of(given.model)
        checkpoint.write(given.output, found)
    except EdgecnnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(f"{given.output}: logits within {gap:.1e} of the largest on {len(found.golden_images_nhwc)} golden images")


if __name__ == "__main__":
    main()
