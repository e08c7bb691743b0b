"""What a command prints with --json has the keys that docs/reference/json.md says, and is read as what it was."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import theirs

from edgecnn import documents

COMMANDS = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "docs" / "json_page.py"))["COMMANDS"]
QUICK = ("--seconds", 0.05)


def held_to_its_page(told: dict[str, Any], command: str) -> None:
    """Check the keys and, where the object is one type's, all of it."""
    page = COMMANDS[command]
    assert set(told) in page.names(), command
    if page.kinds and not page.keys:
        kind = page.kinds[page.names().index(set(told))]
        assert json.loads(documents.to_json(documents.decode(kind, told, command))) == told


@pytest.mark.parametrize("what", ["models", "recipes", "studies", "networks", "datasets", "providers"])
def test_list(edgecnn, what: str) -> None:
    held_to_its_page(json.loads(edgecnn("list", what, "--json").out), f"list {what}")


def test_audit(edgecnn) -> None:
    told = edgecnn("audit", "mnist-compact", "--threads", 1, "--seconds", 0.01, "--json").out
    held_to_its_page(json.loads(told), "audit")


@pytest.mark.parametrize("command", ["inspect", "selftest"])
def test_what_takes_a_model(edgecnn, command: str) -> None:
    held_to_its_page(json.loads(edgecnn(command, "mnist-c1", "--json").out), command)


def test_doctor(edgecnn) -> None:
    held_to_its_page(json.loads(edgecnn("doctor", "--json").out), "doctor")


def test_leaderboard(edgecnn, model: Path, data_root: Path) -> None:
    told = edgecnn("leaderboard", str(model), *QUICK, "--data-root", data_root, "--json").out
    held_to_its_page(json.loads(told), "leaderboard")


def test_data(edgecnn, tmp_path: Path, data_root: Path) -> None:
    held_to_its_page(json.loads(edgecnn("data", "digits", "--data-root", data_root, "--json").out), "data")
    shards = ("--shards", 1, "-o", tmp_path / "shards")
    held_to_its_page(json.loads(edgecnn("data", "digits", *shards, "--data-root", data_root, "--json").out), "data")


def test_embed(edgecnn, tmp_path: Path) -> None:
    told = edgecnn("embed", "mnist-c1", "--to", "c", "-o", tmp_path / "app", "--json").out
    held_to_its_page(json.loads(told), "embed")


def test_predict_and_export_and_verify_and_evaluate(edgecnn, run: Path, tmp_path: Path, data_root: Path) -> None:
    model, data = tmp_path / "m.onnx", ("--data-root", data_root, "--json")
    held_to_its_page(json.loads(edgecnn("export", run, "-o", model, *data).out), "export")
    held_to_its_page(json.loads(edgecnn("verify", run, model, *data).out), "verify")
    held_to_its_page(json.loads(edgecnn("evaluate", model, *data).out), "evaluate")
    held_to_its_page(json.loads(edgecnn("predict", model, tmp_path / "nothing.png", "--json").out), "predict")


def test_report(edgecnn, model: Path, tmp_path: Path, data_root: Path) -> None:
    wanted = ("--only", "card", "--only", "samples", "--seconds", 0, "--data-root", data_root, "--json")
    held_to_its_page(json.loads(edgecnn("report", model, "-o", tmp_path / "a.html", *wanted).out), "report")


def test_adopt(edgecnn, tmp_path: Path) -> None:
    path = theirs.classifier(tmp_path / "theirs.onnx")
    told = edgecnn("adopt", path, "-o", tmp_path / "m.onnx", "--labels", "0..9", "--scale", "1/255", "--json").out
    held_to_its_page(json.loads(told), "adopt")


def test_train(edgecnn, tmp_path: Path, data_root: Path) -> None:
    small = ("--epochs", 1, "--set", "data.subset=400", "--set", "network.parameters.filters=[4,8]")
    told = edgecnn("train", "digits-compact", "-o", tmp_path / "run", *small, "--data-root", data_root, "--json").out
    held_to_its_page(json.loads(told), "train")


@pytest.mark.slow
def test_quantize_and_bench(edgecnn, model: Path, tmp_path: Path, data_root: Path) -> None:
    told = edgecnn("quantize", model, "-o", tmp_path / "q.onnx", "--data-root", data_root, *QUICK, "--json").out
    held_to_its_page(json.loads(told), "quantize")
    told = edgecnn("bench", model, "--batch", 1, "--threads", 1, *QUICK, "--json").out
    held_to_its_page(json.loads(told), "bench")
