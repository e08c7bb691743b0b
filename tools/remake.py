#!/usr/bin/env python3
"""Make models of the zoo again from their float32 graphs, when cards, golden images or the int8 form have changed.

    tools/remake.py build ZOO NAME… --data-root ROOT     new cards, int8 form (mixed where static drops
                                                         too far), its power, verify.json; takes no times
    tools/remake.py measure ZOO NAME… --data-root ROOT   with nothing else running: this processor's and AVX2's latency
                                                         into the cards, the form to ship, bench.json, the pages

Runs are not needed: the float32 graph stays as it is, to the byte. The reference of verify.json is the network that
``checkpoint_of`` puts its weights back into; a detector's is the float32 file.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import checkpoint_of
import processor
import regolden

from edgecnn import card as cards
from edgecnn import checkpoint, documents, files, onnx_file
from edgecnn.bench import bench
from edgecnn.card import CLASSIFICATION, Confidence, ModelCard, Score
from edgecnn.errors import CheckFailed, EdgecnnError
from edgecnn.export import calibrate
from edgecnn.metadata import read_card
from edgecnn.quantize import quantize
from edgecnn.report import model_card
from edgecnn.runtime.classifier import load
from edgecnn.verify import evaluate
from edgecnn.verify import verify as compare
from edgecnn.verify.compare import read_for

PARENT, SHIPPED = "fp32.onnx", "preferred.onnx"
POWER_S = 20  # for the damages of a file; large ones take longer, as 500 images are the least
RECORD = Path(__file__).with_name("record_family.py")


def build(folder: Path, root: Path | None) -> None:
    """Renew the float32 file's card, build the int8 form, count what their golden images notice, and verify."""
    parent, shipped = folder / PARENT, folder / SHIPPED
    for stale in (shipped, cards.beside(shipped)):
        stale.unlink(missing_ok=True)
    regolden.renew(folder, root)
    _write(parent, _renewed(parent, folder.name, root))
    made = quantize(parent, shipped, method="static", root=root, seconds=0.1)
    if not made.candidates[0].accurate:
        quantize(parent, shipped, method="mixed", root=root, seconds=0.1)
    regolden.renew(folder, root, seconds=POWER_S)
    verify(folder, shipped, root)


def verify(folder: Path, candidate: Path, root: Path | None) -> None:
    """Compare a form with its reference on the test split, into verify.json."""
    parent = folder / PARENT
    with tempfile.TemporaryDirectory() as scratch:
        reference = parent
        if read_card(parent).task == CLASSIFICATION:
            reference = Path(scratch) / f"{folder.name}.safetensors"
            checkpoint.write(reference, checkpoint_of.checkpoint_of(parent)[0])
        found = compare(reference, candidate, root=root)
    if found.drop_pp > found.max_drop_pp:
        raise CheckFailed(f"{candidate}: is {found.drop_pp:.2f} points worse than its reference.")
    own, other = (replace(one, model=Path(one.model).name) for one in (found.reference, found.candidate))
    _write_json(folder / model_card.VERIFY, replace(found, reference=own, candidate=other))


def measure(folder: Path, root: Path | None, seconds: float) -> None:
    """Record latencies of this processor and of AVX2, keep the int8 form where it is better on both, and measure."""
    shipped = folder / SHIPPED
    for variables in ({}, processor.environment("avx2")):
        own = {"EDGECNN_MODELS": str(folder.parent)} | ({"EDGECNN_DATA": str(root)} if root else {})
        command = [sys.executable, RECORD, folder.name, f"--seconds={seconds}"]
        subprocess.run(command, env=os.environ | own | variables, check=True)
    quantization = read_card(shipped).quantization
    assert quantization is not None
    assert quantization.measured is not None
    everywhere = [quantization.measured, *(quantization.measured_elsewhere or [])]
    if not all(measured.preferred for measured in everywhere):  # nobody gets a form that is slower for them
        shipped.unlink()
        cards.beside(shipped).unlink()
        verify(folder, folder / PARENT, root)
    present = [form for form in (PARENT, SHIPPED) if (folder / form).exists()]
    with contextlib.chdir(folder):  # so that the report names files and not this machine's folders
        report = bench([Path(form) for form in present], seconds=seconds)
    if report.environment.warning:
        raise CheckFailed(report.environment.warning)
    _write_json(folder / model_card.BENCH, report)


def _renewed(parent: Path, name: str, root: Path | None) -> ModelCard:
    """Return the card of a float32 file with what is measured of it now."""
    card = replace(read_card(parent), name=name)
    if card.task != CLASSIFICATION:  # measured on the images that it was chosen by
        found = evaluate(parent, root=root)
        return replace(card, metrics=[Score("validation", found.images, found.metric, found.score)])
    metrics = [_measured(parent, card, score, root) for score in card.metrics]
    return replace(card, metrics=metrics, confidence=card.confidence and _confidence(parent, card, root))


def _measured(parent: Path, card: ModelCard, score: Score, root: Path | None) -> Score:
    """Measure an accuracy again: of a split that is rendered, images may have changed."""
    split = read_for(card.dataset, card.input.shape, score.split, root=root)
    guessed_n = load(parent).logits(split.images_nhwc).argmax(axis=1)
    return replace(score, images=len(split), value=float((guessed_n == split.labels_n).mean()))


def _confidence(parent: Path, card: ModelCard, root: Path | None) -> Confidence:
    """Measure the calibration errors again; the temperature is in the graph, and stays."""
    assert card.confidence is not None
    split = read_for(card.dataset, card.input.shape, "validation", root=root)
    logits_nk = load(parent).logits(split.images_nhwc) * card.confidence.temperature
    return replace(calibrate.fitted(logits_nk, split.labels_n), temperature=card.confidence.temperature)


def _write(path: Path, card: ModelCard) -> None:
    with files.replacing(path) as partial:
        onnx_file.write_with_card(path.read_bytes(), card, partial)
        onnx_file.check(partial)
    files.write_text(cards.beside(path), card.to_json())


def _write_json(path: Path, value: object) -> None:
    files.write_text(path, documents.to_json(value) + "\n")


def main() -> None:
    """Do one of both to each model, and write the pages after measuring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("step", choices=("build", "measure"))
    parser.add_argument("zoo", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data-root", type=Path, help="folder that holds the data sets")
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args()
    try:
        for name in given.names:
            folder = given.zoo.resolve() / name
            if given.step == "build":
                build(folder, given.data_root)
            else:
                measure(folder, given.data_root, given.seconds)
            print(f"{name}: {given.step} done", flush=True)
    except EdgecnnError as error:
        sys.exit(f"error: {error}")
    if given.step == "measure":
        model_card.write(given.zoo.resolve())


if __name__ == "__main__":
    main()
