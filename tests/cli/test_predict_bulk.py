"""What edgecnn predict --on refuses, each time before Ray is started."""

import importlib.util
from pathlib import Path

import pytest
from archives import shards

from edgecnn import documents
from edgecnn.bulk.folder import MANIFEST
from edgecnn.bulk.told import Asked, Manifest

MODEL = "mnist-c1"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edgecnn.bulk.ray_pool.answering", lambda *asked: pytest.fail("Ray was to be started"))
    shards(tmp_path / "shards", count=4, each=2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--on", "ray"), "--on goes with -o, --detector, --provider and --json alone, and needs -o."),
        (("--on", "ray", "-o", "out", "--top-k", "2"), "--on goes with -o"),
        (("--on", "ray", "-o", "out", "--csv"), "--on goes with -o"),
        (("--on", "ray", "-o", "out", "--ink"), "--on goes with -o"),
        (("-o", "out"), "-o and --detector go with --on."),
        (("--detector", "digit-finder"), "-o and --detector go with --on."),
        (("--on", "spark", "-o", "out"), "'spark' names no Ray; expected ray, or ray://HOST:PORT of a cluster."),
        (("--on", "ray://", "-o", "out"), "'ray://' names no Ray"),
        (("--on", "ray", "-o", "shards"), "shards: is there, and has no _manifest.json;"),
        (("--on", "ray", "-o", "out", "--detector", "mnist-c1"), "is for classification"),
    ],
)
def test_what_cannot_be_is_refused(edgecnn, options: tuple[str, ...], said: str) -> None:
    result = edgecnn("predict", MODEL, "tar:shards", *options)
    assert (result.code, result.out) == (2, "")
    assert said in " ".join(result.err.split())
    assert not Path("out").exists()


def test_a_folder_to_watch_is_not_answered_in_bulk(edgecnn) -> None:
    result = edgecnn("predict", MODEL, "--watch", "shards", "--on", "ray", "-o", "out")
    assert result.code == 2
    assert "--watch goes with --top-k, --ink and --json alone." in " ".join(result.err.split())


def test_the_answers_of_another_model_are_left_alone(edgecnn) -> None:
    Path("out").mkdir()
    manifest = documents.to_json(Manifest(Asked("theirs", "f" * 64, None, None), "0.1.0", []))
    Path("out", MANIFEST).write_text(manifest)
    result = edgecnn("predict", MODEL, "tar:shards", "--on", "ray", "-o", "out")
    assert result.code == 2
    assert result.err.startswith(
        "error: out: has the answers of model theirs (sha256 ffffffffffff), and this is mnist-c1"
    )
    assert Path("out", MANIFEST).read_text() == manifest


@pytest.mark.parametrize("module", ["ray", "pyarrow"])
def test_what_is_not_installed_is_said_in_one_line(edgecnn, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else find(name))
    result = edgecnn("predict", MODEL, "tar:shards", "--on", "ray", "-o", "out")
    extra = {"ray": "scale", "pyarrow": "parquet"}[module]
    said = f"error: This needs {module}, which is not installed. Run: pip install 'edgecnn[{extra}]'\n"
    assert (result.code, result.err) == (2, said)
