"""Whoever has a path as a string passes it as a string."""

from pathlib import Path

import pytest

import edgecnn
from edgecnn import bench, checkpoint, data
from edgecnn.embed import embed
from edgecnn.errors import EdgecnnError
from edgecnn.export import export
from edgecnn.inspection import inspect
from edgecnn.quantize import quantize
from edgecnn.report.curves import draw_curves
from edgecnn.runtime.image import read_image
from edgecnn.train import train
from edgecnn.verify import verify


@pytest.mark.slow
def test_every_stage_takes_strings(tmp_path: Path, data_root: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = "quick.toml"
    Path(recipe).write_text(
        'extends = "digits-compact"\nepochs = 2\n[network]\nparameters = { filters = [4, 8] }\n'
        "[data]\nsubset = 200\nvalidation = 50\n"
    )
    root = str(data_root)
    assert train(recipe, "run", root=root).run == Path("run")
    assert draw_curves("run") == Path("run/curves.png")
    assert checkpoint.read("run").labels == tuple("0123456789")
    assert export("run", "model.onnx", root=root).path == Path("model.onnx")
    assert inspect("model.onnx").path == Path("model.onnx")
    assert verify("run", "model.onnx", root=root).drop_pp == 0
    assert len(bench.bench(["model.onnx"], batches=[1], seconds=0.01).contenders) == 1
    assert quantize("model.onnx", "small.onnx", method="static", root=root, seconds=0.01).output == Path("small.onnx")
    assert embed("model.onnx", "python", "project").folder == Path("project")
    assert len(data.read_split("digits", "test", root=root)) == 359


@pytest.mark.parametrize(
    "call",
    [
        lambda: train("no-such-recipe", "run"),
        lambda: checkpoint.read("no/such/run"),
        lambda: export("no/such/run"),
        lambda: inspect("no/such.onnx"),
        lambda: quantize("no/such.onnx"),
        lambda: embed("no/such.onnx", "python", "project"),
        lambda: verify("no/such.onnx", "mnist-c1"),
        lambda: edgecnn.load("no/such.onnx"),
        lambda: read_image("no/such.png"),
    ],
)
def test_a_string_that_leads_nowhere_is_a_message(call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EdgecnnError, match=r"no-such-recipe|no/such"):
        call()
    assert list(tmp_path.iterdir()) == []
