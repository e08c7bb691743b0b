#!/usr/bin/env python3
"""Choose the golden images of zoo models again, without their runs: tools/regolden.py FOLDER... [--data-root ROOT]

The graphs stay as they are. fp32.onnx gets new golden images from the validation split that its card names, with what
it says of them and what is allowed; a quantized form beside it gets the same images with its own answers. Both say what
the training images look like. A detector keeps its page. With --power the cards also say how many damages that cost
half a point are noticed (minutes per model).
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from numpy import uint8
from numpy.typing import NDArray

from edgecnn import card as cards
from edgecnn import files, golden, onnx_file
from edgecnn.card import CLASSIFICATION, Golden, ModelCard
from edgecnn.data import Split
from edgecnn.errors import EdgecnnError
from edgecnn.export.appearance import of_training_images
from edgecnn.runtime.classifier import load
from edgecnn.runtime.load import load_model
from edgecnn.tasks._detection.golden import measured
from edgecnn.verify.compare import read_for

PARENT, QUANTIZED = "fp32.onnx", "preferred.onnx"


def renew(folder: Path, root: Path | None, *, seconds: float = 0) -> None:
    """Write both forms of a folder again with new golden images, and their power where ``seconds`` are given for it.

    Raises what opening the files or the data set does.
    """
    parent, quantized = folder / PARENT, folder / QUANTIZED
    card = load_model(parent).card
    if card.task != CLASSIFICATION:
        images_nhwc, split = card.golden.images_nhwc, None
    else:
        split = read_for(card.dataset, card.input.shape, "validation", root=root)
        card = replace(card, appearance=of_training_images(card.dataset, card.input, root=root))
        images_nhwc = golden.of_split(load(parent).logits, split.images_nhwc, split.labels_n)
    _rewrite(parent, card, images_nhwc, split, seconds)
    if quantized.exists():
        own = load_model(quantized).card
        own = replace(own, parent_sha256=files.sha256(parent), appearance=card.appearance)
        _rewrite(quantized, own, images_nhwc, split, seconds)


def _rewrite(path: Path, card: ModelCard, images_nhwc: NDArray[uint8], split: Split | None, seconds: float) -> None:
    graph = path.read_bytes()
    measure = golden.measured if card.task == CLASSIFICATION else measured
    own: Golden = measure(graph, images_nhwc)
    if split is not None and seconds:
        print(f"{path}: doing damage", file=sys.stderr)
        own = replace(own, power=golden.power(graph, own, split.images_nhwc, split.labels_n, seconds=seconds))
    renewed = replace(card, golden=own)
    with files.replacing(path) as partial:
        onnx_file.write_with_card(graph, renewed, partial)
        onnx_file.check(partial)
    files.write_text(cards.beside(path), renewed.to_json())
    size = len(renewed.to_json().encode())
    print(
        f"{path}: {len(images_nhwc)} golden images, card {size:,} bytes, {own.log_tolerance:g}, {own.rms_tolerance:g}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="folders of the zoo, such as exported/mnist-c1")
    parser.add_argument("--data-root", type=Path, help="folder that holds the data sets")
    parser.add_argument("--power", type=float, default=0, metavar="SECONDS", help="measure what a self-test notices")
    given = parser.parse_args()
    try:
        for folder in given.folders:
            renew(folder, given.data_root, seconds=given.power)
    except EdgecnnError as error:
        sys.exit(f"error: {error}")
