"""tools/make_model.py puts a run into the zoo: the files, their evidence and their pages, or nothing at all."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from programs import program

from edgecnn import zoo
from edgecnn.errors import CheckFailed, EdgecnnError
from edgecnn.report import model_card


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return program("tools/make_model.py")


@pytest.fixture
def prefers(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the quantizer prefer one form: which of them wins on this machine is not what is tested here."""
    original = script.quantize

    def prefer(method: str) -> None:
        monkeypatch.setattr(script, "quantize", lambda *files, **options: original(*files, **options, method=method))

    return prefer


@pytest.mark.slow
def test_makes_files_evidence_and_pages(
    script, prefers, tmp_path: Path, run: Path, data_root: Path, monkeypatch
) -> None:
    prefers("dense")
    folder = script.make(run, "ours", zoo=tmp_path, root=data_root, seconds=0.05)
    written = {f"{form}{suffix}" for form in ("fp32", "preferred") for suffix in (".onnx", ".card.json")}
    assert {path.name for path in folder.iterdir()} == written | {"verify.json", "bench.json", "README.md"}
    assert {path.name for path in tmp_path.iterdir()} == {"ours", "README.md"}
    verify, bench = (json.loads((folder / name).read_text()) for name in ("verify.json", "bench.json"))
    assert (verify["reference"]["model"], verify["candidate"]["model"]) == (run.name, "preferred.onnx")
    assert {timing["model"] for timing in bench["contenders"]} == {"fp32.onnx", "preferred.onnx"}
    page = (folder / "README.md").read_text()
    assert "int8-dense, preferred" in page
    assert str(tmp_path) not in page + str(verify) + str(bench)

    fp32, preferred = folder / "fp32.onnx", folder / "preferred.onnx"
    monkeypatch.setattr(script, "LARGEST_BYTES", preferred.stat().st_size)
    fp32.write_bytes(fp32.read_bytes() + bytes(preferred.stat().st_size))  # of so small a network both are mostly card
    script._leave_out_large([fp32, preferred])
    (model,) = zoo.models_in(tmp_path)
    assert list(model.forms) == ["preferred"]
    left_out = model_card.summary(model).forms[1]
    assert (left_out.name, left_out.path, left_out.score.value) == ("fp32", None, verify["reference"]["accuracy"])
    page = model_card.pages(tmp_path)[folder / "README.md"]
    assert "fp32, not shipped" in page
    assert "the first two of these commands make it" in page


def test_a_form_to_ship_that_is_too_large_is_refused(script, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(script, "LARGEST_BYTES", 10)
    (tmp_path / "fp32.onnx").write_bytes(bytes(11))
    with pytest.raises(CheckFailed, match=r"fp32.onnx is the form to ship and has over 25 MB. Nothing was written"):
        script._leave_out_large([tmp_path / "fp32.onnx"])


@pytest.mark.slow
def test_a_form_that_is_worse_on_the_test_split_leaves_nothing(
    script, prefers, tmp_path: Path, run: Path, data_root: Path, monkeypatch
) -> None:
    prefers("dense")
    compare = script.verify
    worse = {"drop_pp": 2.5, "verdict": "beyond", "passed": False}
    monkeypatch.setattr(script, "verify", lambda *both, **options: replace(compare(*both, **options), **worse))
    with pytest.raises(CheckFailed, match=r"preferred.onnx is \d\.\d\d points worse than .* Nothing was written"):
        script.make(run, "ours", zoo=tmp_path, root=data_root, seconds=0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_a_path_is_refused(script: ModuleType, tmp_path: Path, run: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"'\.\./ours' is no name for a model"):
        script.make(run, "../ours", zoo=tmp_path)
    assert list(tmp_path.iterdir()) == []
