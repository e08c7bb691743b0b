"""The command: its tables, its findings, its answer, and what it does not take."""

import json
from pathlib import Path

import planted
import pytest
import theirs

BRIEF = ("--threads", 1, "--seconds", 0.01)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("planted")
    for name in ("good-float", "gelu"):
        planted.MADE[name](found / f"{name}.onnx")
    return found


def test_shows_kernels_findings_and_an_answer(edgecnn, folder: Path) -> None:
    shown = edgecnn("audit", folder / "gelu.onnx", folder / "good-float.onnx", *BRIEF).out
    assert "gelu.onnx (int8): 14 kernels on cpu, 1 thread" in shown
    assert "found: float-activations, up to" in shown
    assert "  in: act1\n" in shown
    assert "  channels: no convolution takes its channels in blocks here" in shown
    assert f"next: edgecnn bench {folder}/good-float.onnx {folder}/gelu.onnx --batch 1" in shown


def test_says_what_it_could_not_look_at(edgecnn, folder: Path) -> None:
    shown = edgecnn("audit", folder / "gelu.onnx", *BRIEF).out
    assert "not looked at:\n  ranges, errors: the float32 file is not known; name it as REFERENCE" in shown
    assert "next:" not in shown


def test_a_run_is_to_be_exported_first(edgecnn, run: Path) -> None:
    result = edgecnn("audit", run)
    assert (result.code, f"is a run; expected a model file. Make it one first: edgecnn export {run}" in result.err) == (
        2,
        True,
    )


def test_an_adopted_file_is_audited(edgecnn, tmp_path: Path) -> None:
    path, adopted = theirs.classifier(tmp_path / "theirs.onnx"), tmp_path / "adopted.onnx"
    assert edgecnn("adopt", path, "-o", adopted, "--labels", "0..9", "--scale", "1/255").code == 0
    told = json.loads(edgecnn("audit", adopted, *BRIEF, "--json").out)
    assert (told["model"], told["images_source"]) == (str(adopted), "golden images")
    assert {"dynamic", "opset"} <= {entry["name"] for entry in told["fine"]}
