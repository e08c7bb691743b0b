"""edgecnn adopt: what it prints, what it proposes, and what it says of options that are none."""

import json
from pathlib import Path

import numpy as np
import pytest
import theirs

from edgecnn import documents
from edgecnn.adopt import Proposal

SAID = ("--labels", "0..9", "--scale", "1/255")


def test_it_says_what_was_known_and_what_comes_next(edgecnn, tmp_path: Path) -> None:
    path = theirs.classifier(tmp_path / "theirs.onnx", metadata={"Image.NominalPixelRange": "Normalized_0_1"})
    told = edgecnn("adopt", path, "-o", tmp_path / "ours.onnx", "--labels", "0..9").out
    assert "known: scale pixels x 0.00392157 (its metadata, Image.NominalPixelRange)" in told
    assert "known: answers logits: ends in Gemm" in told
    assert "note: its card names no data set: golden images are noise and edge cases." in told
    assert "passed: same as the original on 53 images (noise and edge cases): largest gap of logits" in told
    assert f"next: edgecnn selftest {tmp_path / 'ours.onnx'}" in told
    assert edgecnn("selftest", tmp_path / "ours.onnx").code == 0
    shown = edgecnn("inspect", tmp_path / "ours.onnx").out
    assert "none; say one with --data" in shown
    assert "input: float (N, 1, 28, 28): gray, pixels x 1/255, mean 0, std 1" in shown


@pytest.mark.parametrize("as_json", [False, True])
def test_what_nobody_says_of_the_pixels_is_proposed_and_nothing_is_written(
    edgecnn, tmp_path: Path, data_root: Path, as_json: bool
) -> None:
    path = theirs.linear(tmp_path / "linear.onnx", np.eye(10, 784), np.zeros(10))
    options = ("--labels", "0..9", "--data", "digits", "--data-root", data_root, "-o", tmp_path / "ours.onnx")
    result = edgecnn("adopt", path, *options, *(["--json"] if as_json else []))
    assert result.code == 2
    assert list(tmp_path.iterdir()) == [path]
    if as_json:
        found = documents.decode(Proposal, json.loads(result.out), "adopt")
        assert (found.images, len(found.tried), found.best) == (288, 7, None)
    else:
        assert "--scale 1/127.5 --mean 1" in result.out
        assert "error: nothing was written, as nobody said what is done to pixels (--scale)" in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scale", "much"), "'much' is no number such as 0.5 or 1/255"),
        (("--scale", "1/0"), "'1/0' is no number"),
        (("--mean", "1,x"), "'x' is no number"),
        (("--resize", "28by28"), "'28by28' is no size such as 224x224"),
        (("--answers", "scores=points"), "'points' is none of logits, log-probabilities, probabilities"),
        (("--labels", "none.txt"), "none.txt: cannot be read"),
        (("--layout", "hwc"), "nchw"),
    ],
)
def test_options_that_are_none_are_told(edgecnn, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    path = theirs.classifier(tmp_path / "theirs.onnx")
    result = edgecnn("adopt", path, "-o", tmp_path / "ours.onnx", *SAID, *options)
    assert result.code == 2
    assert said in result.err
    assert list(tmp_path.iterdir()) == [path]
