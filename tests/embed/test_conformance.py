"""tools/docs/conformance_*.py: every form of the zoo is on the page, and a runtime that fails says why."""

from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from programs import program

from edgecnn import files, load_detector, zoo
from edgecnn.card import Golden
from edgecnn.runtime.detector import Detections


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return program("tools/docs/conformance_page.py")


@pytest.fixture(scope="module")
def held() -> ModuleType:
    return program("tools/docs/conformance_runtimes.py")


def test_every_form_of_the_zoo_is_in_the_record_and_on_the_page(script: ModuleType) -> None:
    forms = {(model.name, form): path for model in zoo.models_in(script.ZOO) for form, path in model.forms.items()}
    rows = script.read(script.RECORD)
    told = {(row.model, row.form): row.sha256 for row in rows}
    assert told == {key: files.sha256(path) for key, path in forms.items()}, "run: make conformance"
    page = script.page(rows, script.processors.read(script.processors.RESULTS))
    assert script.PAGE.read_text(encoding="utf-8") == page, "run: make conformance"


@pytest.mark.parametrize("name", ["mnist-c1", "mnist-compact"])
def test_the_reference_evaluator_conforms(held: ModuleType, name: str) -> None:
    runtime = held.Runtime("reference", "onnx", held.reference_evaluator, "1")
    cell = held.measure(runtime, zoo.find(name))
    assert cell.conforms
    assert cell.gap < 1e-4, "log-probabilities down to -47, summed in the order of this machine's BLAS"


def test_what_does_not_run_has_its_reason(held: ModuleType) -> None:
    def refuse(path: Path, images: object, task: object) -> None:
        raise ValueError("no such operator\nand a trace")

    path = zoo.find("mnist-c1")
    assert held.measure(held.Runtime("Other", "other", refuse, "1"), path).reason == "Other: no such operator"
    assert held.measure(held.Runtime("Other", "other", refuse, None), path).reason == "other is not installed"


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
    held: ModuleType, change: dict[str, float], conforms: bool, reason: str
) -> None:
    detector = load_detector("digit-finder")
    expected = detector.detect(detector.card.golden.images_nhwc[0])
    assert len(expected) > 1
    cell = held.compare_detections(moved(expected, **change), expected, 0.05)
    assert cell.conforms == conforms
    assert reason in cell.reason


@pytest.mark.parametrize(
    ("found", "conforms", "text"),
    [([[0.6, 0.4]], True, "0"), ([[0.7, 0.3]], False, "**1.0e-01**"), ([[0.4, 0.6]], False, "**2.0e-01 (a)**")],
)
def test_a_difference_over_the_cards_or_another_label_is_bold(
    script: ModuleType, held: ModuleType, found: list[list[float]], conforms: bool, text: str
) -> None:
    expected = Golden(np.zeros((1, 2, 2, 1), np.uint8), {"probabilities": np.array([[0.6, 0.4]])}, 0.05)
    cell = held.compare(np.array(found), expected)
    assert cell.conforms == conforms
    assert script._text(cell, {"other labels": "(a)"}) == text


def test_a_card_of_logarithms_is_held_to_them(script: ModuleType, held: ModuleType) -> None:
    expected = Golden(np.zeros((1, 2, 2, 1), np.uint8), {"probabilities": np.array([[0.999, 0.001]])}, 0.05, 0.2, 0.05)
    assert held.compare(np.array([[0.9991, 0.0009]]), expected).conforms is False
    cell = held.compare(np.array([[0.998, 0.002]]), expected)
    assert (script._text(cell, {}), cell.reason) == ("**6.9e-01**", "")


def test_another_process_answers_as_this_one(held: ModuleType) -> None:
    run = partial(held.on_device, place=held.Here(()), settings=held.PLAIN)
    cell = held.measure(held.Runtime("there", "onnxruntime", run, "1"), zoo.find("mnist-compact"))
    held.connection(held.Here(())).close()
    assert (cell.gap, cell.conforms) == (0, True)


def test_files_of_a_former_release_are_named_where_other_processors_answer_otherwise(script: ModuleType) -> None:
    told = script.caught(script.processors.read(script.processors.RESULTS))
    assert "| cifar10-fast | `fb4bfdbf64b5` | 60.80% | 93.55% | 62.55% of 2,000 |" in told
    assert "mnist-compact" not in told, "a quarter of a point is not half of one"
    assert told in script.PAGE.read_text(encoding="utf-8")


def test_the_last_cells_of_a_row_have_what_all_images_say(script: ModuleType) -> None:
    cells = {"a": script.Cell(0.0, True), "b": script.Cell(0.25, True), "c": script.Cell(0.0, True)}
    row = script.Row("model", "fp32", "", "", "", cells)
    assert script._row(row, list(cells), {"c": "100.00% of 9"}, {}) == "0 | 2.5e-01 | 0; 100.00% of 9"


def test_rows_of_another_machine_are_named(script: ModuleType) -> None:
    rows = [script.Row(name, "fp32", "", machine, "x 1", {}) for name, machine in zip("abc", "MNM", strict=True)]
    assert script.ran_on(rows) == ["M; x 1.", "b/fp32: N; x 1."]


def test_a_processor_without_bfloat16_is_told(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = script.Runtime(script.OPENVINO_AS_IT_COMES, "openvino", None, "1")
    monkeypatch.setattr(script, "measure", lambda runtime, path: script.Cell(0.0, True))
    for features, reason in (["avx2"], script.NO_BFLOAT16), (["avx2", "avx512_bf16"], ""):
        monkeypatch.setattr(script, "cpu_features", lambda found=features: found)
        row = script.row_of("mnist-c1", "fp32", "", zoo.find("mnist-c1"), [plain])
        assert row.cells[plain.title].reason == reason
