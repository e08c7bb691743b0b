"""tools/docs/conformance_page.py: every form of the zoo is on its page, and a runtime that fails says why."""

from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from programs import program

from edgecnn import load_detector, zoo
from edgecnn.card import Golden
from edgecnn.runtime.detector import Detections

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return program("tools/docs/conformance_page.py")


def test_every_form_of_the_zoo_is_on_the_page(script: ModuleType) -> None:
    page = (ROOT / "docs" / "results" / "conformance.md").read_text(encoding="utf-8")
    listed = {(model.name, form) for model in zoo.models_in(script.ZOO) for form in model.forms}
    missing = [f"{name}/{form}" for name, form in sorted(listed) if f"\n| {name} | {form} | " not in page]
    assert missing == [], "run: make conformance"


@pytest.mark.parametrize("name", ["mnist-c1", "mnist-compact"])
def test_the_reference_evaluator_conforms(script: ModuleType, name: str) -> None:
    runtime = script.Runtime("reference", "onnx", script.reference_evaluator, "1")
    cell = script.measure(runtime, zoo.find(name))
    assert cell.conforms
    assert cell.gap < 1e-5


def test_what_does_not_run_has_its_reason(script: ModuleType) -> None:
    def refuse(path: Path, images: object, task: object) -> None:
        raise ValueError("no such operator\nand a trace")

    path = zoo.find("mnist-c1")
    assert script.measure(script.Runtime("Other", "other", refuse, "1"), path).reason == "Other: no such operator"
    assert script.measure(script.Runtime("Other", "other", refuse, None), path).reason == "other is not installed"


def moved(detections: Detections, x: float = 0, score: float = 0, gray: int = 0, left_out: int = 0) -> Detections:
    crops = (detections.crops_mhwc.astype(int) + gray).clip(0, 255).astype(np.uint8)
    found = (detections.boxes_m4 + np.float32([x, 0, 0, 0]), detections.scores_m - np.float32(score), crops)
    return Detections(*(own[: len(detections) - left_out][::-1] for own in found))


@pytest.mark.parametrize(
    ("change", "conforms", "reason"),
    [
        ({}, True, ""),
        ({"x": 0.5, "score": 0.04}, True, ""),
        ({"x": 1.5}, False, "a box is off by 1.5 pixels"),
        ({"gray": 3}, False, "a crop is off by 3"),
        ({"score": 0.06}, False, ""),
        ({"left_out": 1}, False, "detections instead of"),
    ],
    ids=["the same in another order", "a little off", "box", "crop", "score", "one less"],
)
def test_finds_are_held_to_number_place_score_and_crop(
    script: ModuleType, change: dict[str, float], conforms: bool, reason: str
) -> None:
    detector = load_detector("digit-finder")
    expected = detector.detect(detector.card.golden.images_nhwc[0])
    assert len(expected) > 1
    cell = script.compare_detections(moved(expected, **change), expected, 0.05)
    assert cell.conforms == conforms
    assert reason in cell.reason


@pytest.mark.parametrize(
    ("found", "conforms", "text"),
    [([[0.6, 0.4]], True, "0"), ([[0.7, 0.3]], False, "**1.0e-01**"), ([[0.4, 0.6]], False, "**2.0e-01 (a)**")],
)
def test_a_difference_over_the_cards_or_another_label_is_bold(
    script: ModuleType, found: list[list[float]], conforms: bool, text: str
) -> None:
    expected = Golden(np.zeros((1, 2, 2, 1), np.uint8), {"probabilities": np.array([[0.6, 0.4]])}, 0.05)
    cell = script.compare(np.array(found), expected)
    assert cell.conforms == conforms
    assert script._text(cell, {"other labels": "(a)"}) == text


def test_a_card_of_logarithms_is_held_to_them(script: ModuleType) -> None:
    expected = Golden(np.zeros((1, 2, 2, 1), np.uint8), {"probabilities": np.array([[0.999, 0.001]])}, 0.05, 0.2, 0.05)
    assert script.compare(np.array([[0.9991, 0.0009]]), expected).conforms is False
    cell = script.compare(np.array([[0.998, 0.002]]), expected)
    assert (script._text(cell, {}), cell.reason) == ("**6.9e-01**", "")


def test_another_process_answers_as_this_one(script: ModuleType) -> None:
    run = partial(script.on_device, place=script.Here(()), settings=script.PLAIN)
    cell = script.measure(script.Runtime("there", "onnxruntime", run, "1"), zoo.find("mnist-compact"))
    script.connection(script.Here(())).close()
    assert (cell.gap, cell.conforms) == (0, True)


def test_files_of_a_former_release_are_named_where_other_processors_answer_otherwise(script: ModuleType) -> None:
    told = script.caught(script.processors.read(script.processors.RESULTS))
    assert "| cifar10-fast | `fb4bfdbf64b5` | 60.80% | 93.55% | 62.55% of 2,000 |" in told
    assert "mnist-compact" not in told, "a quarter of a point is not half of one"
    assert told in (ROOT / "docs" / "results" / "conformance.md").read_text(encoding="utf-8")


def test_the_last_cells_of_a_row_have_what_all_images_say(script: ModuleType) -> None:
    cells = [script.Cell(0.0, True), script.Cell(0.25, True), script.Cell(0.0, True)]
    assert script._row(cells, ["", "100.00% of 9"], {}) == "0 | 2.5e-01 | 0; 100.00% of 9"
