"""The slowed file of tools/bench_trials.py: it answers as before, by more work that a session really does."""

from pathlib import Path

import numpy as np
import onnxruntime
from programs import program

from edgecnn import zoo
from edgecnn.runtime.classifier import load

TOOL = program("tools/bench_trials.py")


def test_the_slowed_file_answers_as_the_other(tmp_path: Path) -> None:
    graph = zoo.find("mnist-c1").read_bytes()
    (tmp_path / "slowed.onnx").write_bytes(TOOL.slowed_by(graph, 1000))
    plain, slowed = load("mnist-c1", threads=1), load(tmp_path / "slowed.onnx", threads=1)
    images_nhwc = plain.card.golden.images_nhwc
    assert np.array_equal(plain.logits(images_nhwc), slowed.logits(images_nhwc))


def test_a_session_does_not_optimize_its_work_away(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "ran.onnx")
    graph = TOOL.slowed_by(zoo.find("mnist-c1").read_bytes(), 1000)
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    ran = TOOL.onnx.load(tmp_path / "ran.onnx")
    assert [node.op_type for node in ran.graph.node].count("Sin") == 1


def test_kinds_take_turns_until_both_are_done() -> None:
    assert list(TOOL.in_turn({"same": 1, "slowed": 3})) == ["same", "slowed", "slowed", "slowed"]
