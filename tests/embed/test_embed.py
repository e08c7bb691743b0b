"""What is written where, and what is refused; ``test_projects.py`` builds and runs it."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn import onnx_file, zoo
from edgecnn.card import ModelCard
from edgecnn.embed import embed, targets
from edgecnn.embed.targets import _header
from edgecnn.errors import CardError, EmbedError, Int8Warning, ModelError
from edgecnn.runtime.classifier import load

MODEL = "mnist-compact"


def test_finds_every_target() -> None:
    assert targets.names() == ("browser", "c", "c99", "cpp", "node", "python", "triton")


@pytest.mark.parametrize("target", targets.names())
def test_a_project_is_complete(target: str, tmp_path: Path) -> None:
    embedded = embed(MODEL, target, tmp_path / "app")
    written = [path for path in (tmp_path / "app").rglob("*") if path.is_file()]
    assert sorted(path.relative_to(tmp_path / "app").as_posix() for path in written) == embedded.files
    assert {*targets.get(target).COPIED, "README.md"} < set(embedded.files)
    for model in (path for path in written if path.name == "model.onnx"):
        assert model.read_bytes() == zoo.find(MODEL).read_bytes()
    (card,) = (path for path in written if path.name in ("card.json", "1.json"))
    assert ModelCard.from_json(card.read_bytes(), source="card").labels == load(MODEL).labels
    readme = (tmp_path / "app" / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# mnist-compact (int8-static, 119 kB) ")
    assert all(name in readme for name in embedded.files if "." in name and name.endswith((".py", ".js", ".h", ".hpp")))
    for path in (path for path in written if path.name != "model.onnx"):
        assert not re.search(r"@[A-Z]+@", path.read_text(encoding="utf-8")), path.name
    assert list(tmp_path.iterdir()) == [tmp_path / "app"]


@pytest.mark.parametrize("target", targets.names())
def test_every_target_names_its_selftest_last(target: str) -> None:
    assert "test" in targets.get(target).SELFTEST[-1]


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert (embed(MODEL, "python", tmp_path / "app").folder / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("found", "message"),
    [("folder", "app: is a folder that is not empty, expected a new or an empty one"), ("file", "is no folder")],
)
def test_nothing_is_replaced(found: str, message: str, tmp_path: Path) -> None:
    ours = tmp_path / "app" / "ours" if found == "folder" else tmp_path / "app"
    ours.parent.mkdir(exist_ok=True)
    ours.write_text("ours")
    with pytest.raises(EmbedError, match=f"{message}.* Remove it, or name another with -o"):
        embed(MODEL, "python", tmp_path / "app")
    assert ours.read_text() == "ours"
    assert list(tmp_path.iterdir()) == [tmp_path / "app"]


def test_what_cannot_be_embedded_leaves_nothing(tmp_path: Path) -> None:
    plain = tmp_path / "plain.onnx"
    plain.write_bytes(b"no model")
    with pytest.raises(
        EmbedError, match=r"no target 'nod'; there is browser, c, c99, cpp, node, python, triton. Did you mean 'node'"
    ):
        embed(MODEL, "nod", tmp_path / "app")
    with pytest.raises(ModelError, match="no file and no model of the zoo named 'mnits'"):
        embed("mnits", "node", tmp_path / "app")
    with pytest.raises((ModelError, CardError), match=r"plain.onnx"):
        embed(plain, "node", tmp_path / "app")
    assert list(tmp_path.iterdir()) == [plain]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        embed(MODEL, "python", tmp_path / "app")
    assert list(tmp_path.iterdir()) == []


def test_a_header_has_every_pixel_and_probability() -> None:
    card = load(MODEL).card
    text = _header.headers(card)["golden.h"]
    pixels, probabilities = (re.findall(rf"{name}\[\d+\] = {{(.*?)}}", text, re.S) for name in ("PIXELS", "ITIES"))
    assert np.array_equal(np.array(pixels[0].strip().rstrip(",").split(","), int), card.golden.images_nhwc.ravel())
    found = np.array(
        [value.strip().removesuffix("f") for value in probabilities[0].split(",") if value.strip()], np.float32
    )
    assert np.array_equal(found, card.golden.probabilities_nk.ravel())


def test_a_project_that_may_saturate_is_called_so(model: Path, static_model: Path, tmp_path: Path) -> None:
    assert not embed(model, "python", tmp_path / "float").may_saturate
    assert not embed(static_model, "python", tmp_path / "safe").may_saturate
    card = load(static_model).card
    unproven = replace(card, quantization=replace(card.quantization, overflow=None))
    file = tmp_path / "old.onnx"
    onnx_file.write_with_card(static_model.read_bytes(), unproven, file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Int8Warning)  # where this processor saturates
        assert embed(file, "python", tmp_path / "old").may_saturate
