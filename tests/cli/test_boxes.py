"""A detector of one's own, from a folder of pictures with boxes to a quantized file, by the commands alone."""

import json
import shutil
from pathlib import Path

import pytest
from discs import write_coco, write_yolo

pytestmark = pytest.mark.slow

LEARNED = 0.8  # an untrained network stays below a quarter of it, as is tested below
SMALL = "network.parameters={widths=[8,16,24,32],depth=[1,1]}"


PARTS = {"train": 60, "val": 10, "test": 20}


def test_a_folder_of_coco_goes_all_the_way(edgecnn, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_coco(tmp_path / "discs", PARTS)
    data = ("--data", "folder:discs")
    arguments = ("--epochs", 8, "--batch-size", 4, "--set", SMALL, "--set", "precision=fp32")
    trained = edgecnn("train", "digit-finder", *data, "-o", "run", *arguments)
    assert trained.code == 0, trained.err
    assert edgecnn("export", "run", "-o", "discs.onnx").code == 0

    def told(*arguments: object, code: int = 0) -> dict:
        result = edgecnn(*arguments, "--json")
        assert result.code == code, result.err
        return json.loads(result.out)

    card = json.loads((tmp_path / "discs.card.json").read_text())
    assert (card["labels"], card["dataset"]["name"]) == (["disc"], "folder:discs")
    figures = {score["split"]: score for score in card["metrics"]}
    assert (figures["validation"]["images"], figures["test"]["images"]) == (10, 20)

    measured = told("evaluate", "discs.onnx", *data)
    assert (measured["split"], measured["images"]) == ("test", figures["test"]["images"])
    assert measured["scores"]["f1"] == pytest.approx(figures["test"]["value"])
    assert measured["scores"]["f1"] > LEARNED
    chosen = told("evaluate", "discs.onnx", "--split", "validation")
    assert chosen["scores"]["f1"] == pytest.approx(figures["validation"]["value"])

    quantized = told("quantize", "discs.onnx", "-o", "int8.onnx", "--method", "static", "--seconds", 0.02, *data)
    assert quantized["output_form"] == "int8-static"
    compared = told("verify", "discs.onnx", "int8.onnx", "--max-drop-pp", 100, *data)
    assert (compared["split"], compared["passed"]) == ("test", True)
    assert compared["candidate"]["f1"] > LEARNED
    assert told("selftest", "int8.onnx")["passed"]
    assert told("bench", "int8.onnx", "--batch", 1, "--seconds", 0.02)["contenders"][0]["p50_ms"] > 0

    other = told("evaluate", "discs.onnx", "--data", f"folder:{write_yolo(tmp_path / 'others', 30)}")
    assert other["images"] == 30  # all of it: nothing of another data set was learned from
    assert other["scores"]["f1"] > LEARNED
    shutil.rmtree(tmp_path / "discs")
    gone = edgecnn("evaluate", "discs.onnx")
    assert gone.code == 2
    assert "the model was trained on it, and it is not here. Say where it is with --data." in gone.err


def test_an_untrained_network_detects_next_to_nothing(edgecnn, tmp_path: Path, monkeypatch) -> None:
    """So that the threshold above says something."""
    monkeypatch.chdir(tmp_path)
    write_yolo(tmp_path / "discs", 60)
    arguments = ("--epochs", 1, "--batch-size", 60, "--learning-rate", 1e-9, "--set", SMALL, "--set", "precision=fp32")
    assert edgecnn("train", "digit-finder", "--data", "folder:discs", "-o", "run", *arguments).code == 0
    assert edgecnn("export", "run", "-o", "discs.onnx").code == 0
    measured = json.loads(edgecnn("evaluate", "discs.onnx", "--json").out)
    assert (measured["split"], measured["images"]) == ("test", 12)
    assert measured["scores"]["f1"] < LEARNED / 4
