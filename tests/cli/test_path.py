"""The commands on one model, one after the other: export, quantize, verify, bench, predict, inspect, selftest."""

import csv
import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from interrupting import interrupted
from PIL import Image

from edgecnn import data, load, onnx_file
from edgecnn.quantize.forms import static
from edgecnn.runtime import int8


@pytest.fixture
def pictures(tmp_path: Path, data_root: Path) -> Path:
    """A folder with three digits and one file that is no picture."""
    test = data.read_split("digits", "test", root=data_root)
    for digit in (0, 1, 7):
        image = test.images_nhwc[test.labels_n == digit][0, ..., 0]
        Image.fromarray(np.kron(image, np.ones((4, 4), np.uint8))).save(tmp_path / f"{digit}.png")
    (tmp_path / "broken.png").write_bytes(b"no")
    return tmp_path


def test_export_shows_parity(edgecnn, run: Path, tmp_path: Path, data_root: Path) -> None:
    result = edgecnn("export", run, "-o", tmp_path / "m.onnx", "--data-root", data_root)
    assert result.code == 0
    assert "same as PyTorch on 359 images (digits test split)" in result.out
    assert {path.name for path in tmp_path.iterdir()} == {"m.onnx", "m.card.json"}


def test_export_json_has_the_gap(edgecnn, run: Path, tmp_path: Path, data_root: Path) -> None:
    told = json.loads(edgecnn("export", run, "-o", tmp_path / "m.onnx", "--data-root", data_root, "--json").out)
    assert told["max_abs_gap"] <= 1e-4
    assert told["opset"] == 21


def test_quantize_writes_the_file_that_it_names(edgecnn, model: Path, tmp_path: Path, data_root: Path) -> None:
    told = json.loads(
        edgecnn("quantize", model, "-o", tmp_path / "q.onnx", "--data-root", data_root, "--seconds", 0.1, "--json").out
    )
    assert {candidate["form"] for candidate in told["candidates"]} >= {"int8-static", "int8-dense", "fp16"}
    assert told["output_form"] == told["preferred"]
    assert told["output"] == str(model if told["preferred"] == "fp32" else tmp_path / "q.onnx")
    assert (tmp_path / "q.onnx").exists() == (told["preferred"] != "fp32")


def test_quantize_says_in_its_table_what_was_lost(
    edgecnn, model: Path, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **more: object) -> bytes:
        raise ValueError("an operator that it does not know")

    monkeypatch.setattr(static, "build", refuse)
    result = edgecnn("quantize", model, "-o", tmp_path / "q.onnx", "--data-root", data_root, "--seconds", 0.1)
    assert result.code == 0
    assert re.search(r"int8-static +lost at its build\n", result.out)
    assert "lost at its build: ONNX Runtime's quantizer does not take this graph (an operator that it" in result.out


def test_full_range_is_called_so_in_the_table(edgecnn, model: Path, tmp_path: Path, data_root: Path) -> None:
    out = ("-o", tmp_path / "q.onnx", "--data-root", data_root, "--seconds", 0.1)
    result = edgecnn("quantize", model, "--method", "static-full", *out)
    assert re.search(r"int8-static-full .*; only for processors that do not saturate\n", result.out)


def test_inspect_proves_a_safe_file(edgecnn, static_model: Path) -> None:
    told = edgecnn("inspect", static_model).out
    assert "int8: safe on any processor: the two largest weights of one sign sum to 128 (channel" in told
    assert json.loads(edgecnn("inspect", static_model, "--json").out)["saturation"]["worst"]["pair_sum"] == 128


def test_inspect_names_the_worst_channel_of_an_unsafe_file(edgecnn, full_model: Path) -> None:
    told = edgecnn("inspect", full_model).out
    assert re.search(r"int8: NOT SAFE on processors without VNNI.* sum to 2\d\d \(channel \d+ of .*only 128 fit", told)


def test_a_saturating_processor_is_told_of_in_one_line(
    edgecnn, full_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = int8.ENTRIES[0]
    monkeypatch.setattr(int8, "wrong_outputs", lambda entry: frozenset(() if entry == exact else int8.RIGHT))
    result = edgecnn("selftest", full_model)
    assert result.code == 0
    (line,) = result.err.strip().splitlines()
    assert line.startswith("warning: ")
    assert "int8-static-full weights that may saturate on this processor" in line
    assert "int8: this processor adds int8 products in 16 bits, which saturate." in edgecnn("doctor").out


def test_verify_passes_a_good_candidate(edgecnn, run: Path, static_model: Path, data_root: Path) -> None:
    result = edgecnn("verify", run, static_model, "--data-root", data_root, "--max-drop-pp", 9)
    assert result.code == 0
    assert "passed: accuracy drops by" in result.out


def test_verify_fails_with_1(edgecnn, run: Path, static_model: Path, data_root: Path) -> None:
    result = edgecnn("verify", run, static_model, "--data-root", data_root, "--max-drop-pp", -100)
    assert result.code == 1
    assert "FAILED: accuracy drops by" in result.out


def test_verify_that_is_undecided_ends_with_3(edgecnn, run: Path, model: Path, data_root: Path) -> None:
    result = edgecnn("verify", run, model, "--data-root", data_root)
    assert result.code == 3
    assert (
        "UNDECIDED: accuracy drops by 0.00 points (95 %: -1.06..1.06), "
        "undecided at the allowed 0.5 points, needs about 1,600 images"
    ) in result.out


def test_verify_judges_classes_and_slices(edgecnn, run: Path, model: Path, data_root: Path, tmp_path: Path) -> None:
    table = tmp_path / "slices.csv"
    table.write_text("index,slice\n" + "".join(f"{index},{'ab'[index % 2]}\n" for index in range(40)))
    wanted = ("--data-root", data_root, "--max-drop-pp", 3, "--max-class-drop-pp", 12, "--slice", table)
    result = edgecnn("verify", run, model, *wanted)
    assert result.code == 0
    assert "passed: each of 10 classes within the allowed 12 points (error rate at most 2.5 %)" in result.out
    assert "by slice" in result.out
    result = edgecnn("verify", run, model, *wanted, "--max-slice-drop-pp", 12)
    assert result.code == 3
    assert "passed: accuracy drops by 0.00 points" in result.out
    assert "UNDECIDED: 2 of 2 slices (a, b) undecided at the allowed 12 points, needs about " in result.out


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("photo,slice", (), "line 1: has a column 'photo'; expected a first line index,slice or path,slice"),
        ("path,slice", (), "by path, and the test split of digits has no files. Name them by index, from 0."),
        (None, ("--max-slice-drop-pp", 1), "no slices are. Name them: --slice FILE.csv"),
    ],
)
def test_slices_that_do_not_fit_end_with_2(
    edgecnn, run: Path, data_root: Path, tmp_path: Path, header: str | None, options: tuple, said: str
) -> None:
    if header is not None:
        (tmp_path / "slices.csv").write_text(f"{header}\n0,night\n")
        options = ("--slice", tmp_path / "slices.csv")
    result = edgecnn("verify", run, run, "--data-root", data_root, *options)
    assert result.code == 2
    assert said in result.err


def test_verify_json_keeps_its_documented_keys(edgecnn, run: Path, model: Path, data_root: Path) -> None:
    told = json.loads(edgecnn("verify", run, model, "--data-root", data_root, "--json").out)
    assert told["reference"]["accuracy"] == told["candidate"]["accuracy"]
    for key in ("drop_pp", "drop_pp_ci95", "mcnemar_p", "agreement", "flips", "max_abs_logit_gap", "passed", "verdict"):
        assert key in told


@pytest.mark.slow
def test_bench_json_keeps_its_documented_keys(edgecnn, run: Path, model: Path) -> None:
    told = json.loads(edgecnn("bench", run, model, "--batch", 1, "--threads", 1, "--seconds", 0.1, "--json").out)
    assert len(told["contenders"]) == 2
    keys = {"model", "batch", "threads", "provider", "p50_ms", "p90_ms", "p99_ms", "mean_ms", "images_per_second"}
    assert keys <= told["contenders"][0].keys()
    assert told["contenders"][1]["provider"] == "CPUExecutionProvider"


def test_predict_answers_the_others_and_reports_the_broken_one(edgecnn, model: Path, pictures: Path) -> None:
    result = edgecnn("predict", model, pictures, "--json")
    assert result.code == 1
    told = json.loads(result.out)["images"]
    assert [answer["error"] is None for answer in told] == [True, True, True, False]
    assert "broken.png" in result.err


def test_predict_writes_csv_that_reads_back(edgecnn, model: Path, pictures: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(edgecnn("predict", model, pictures / "7.png", "--top-k", 3, "--csv").out)))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["probability"]) >= float(rows[1]["probability"])


def test_predict_takes_patterns_and_shows_a_table(edgecnn, model: Path, pictures: Path) -> None:
    result = edgecnn("predict", model, str(pictures / "[017].png"))
    assert result.code == 0
    assert result.out.count(".png") == 3


def test_inspect_shows_layers_and_card(edgecnn, static_model: Path) -> None:
    result = edgecnn("inspect", static_model)
    assert "Conv" in result.out
    assert "model (compact, int8-static)" in result.out


def test_inspect_json_counts_the_parameters(edgecnn, model: Path) -> None:
    told = json.loads(edgecnn("inspect", model, "--json").out)
    initializers = sum(
        int(np.prod(tensor.dims)) for tensor in onnx.load(model).graph.initializer if tensor.data_type == 1
    )
    assert told["stored_parameters"] == initializers - 2  # a scale and a shift of the pixels
    assert told["parameters"] == told["card"]["parameters"]
    assert sum(told["content"].values()) == told["size_bytes"] == model.stat().st_size


def test_selftest_passes(edgecnn, model: Path) -> None:
    result = edgecnn("selftest", model)
    assert result.code == 0
    assert "passed: 20 golden images" in result.out


def test_selftest_runs_a_whole_split_and_fails_where_too_few_are_right(
    edgecnn, model: Path, data_root: Path, tmp_path: Path
) -> None:
    told = json.loads(edgecnn("selftest", model, "--data", "digits", "--data-root", data_root, "--json").out)
    assert told["whole"]["passed"]
    assert told["whole"]["accuracy"] == told["whole"]["expected"] > 0.5
    low, high = told["whole"]["accuracy_ci95"]
    assert low < told["whole"]["accuracy"] < high

    card = load(model).card
    metrics = [replace(figure, value=0.999) for figure in card.metrics]
    onnx_file.write_with_card(model.read_bytes(), replace(card, metrics=metrics), tmp_path / "praised.onnx")
    result = edgecnn("selftest", tmp_path / "praised.onnx", "--data", "digits", "--data-root", data_root)
    assert result.code == 1
    assert "passed: 20 golden images" in result.out
    assert "FAILED: " in result.out
    assert "99.90% expected from" in result.out


def test_selftest_of_a_detector_on_a_data_set_says_what_to_run(edgecnn) -> None:
    result = edgecnn("selftest", "digit-finder", "--data", "digits")
    assert result.code == 2
    assert "edgecnn evaluate digit-finder" in result.err


def test_doctor_finds_nothing_wrong(edgecnn) -> None:
    assert edgecnn("doctor").code == 0


@pytest.mark.parametrize("kind", ["recipes", "studies", "networks", "datasets", "models", "providers"])
def test_lists(edgecnn, kind: str) -> None:
    told = json.loads(edgecnn("list", kind, "--json").out)
    assert all("name" in row for row in told[kind])


def test_titles_of_tables_are_not_padded(edgecnn, model: Path) -> None:
    assert "card" in edgecnn("inspect", model).out.splitlines()


@pytest.mark.slow
def test_demo_goes_the_whole_path(edgecnn, tmp_path: Path, data_root: Path) -> None:
    result = edgecnn("demo", "-o", tmp_path / "demo", "--data-root", data_root)
    assert result.code == 0, result.out + result.err
    assert "passed: 9" in result.out
    assert (tmp_path / "demo" / "demo.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_a_stopped_demo_leaves_no_folder(tmp_path: Path, data_root: Path) -> None:
    begun = (tmp_path / "demo" / "run" / "recipe.toml").exists
    interrupted("demo", "-o", "demo", "--data-root", str(data_root), cwd=tmp_path, begun=begun)
    assert list(tmp_path.iterdir()) == []


def test_demo_leaves_a_folder_with_files_alone(edgecnn, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    result = edgecnn("demo", "-o", tmp_path)
    assert result.code == 2
    assert "is not empty" in result.err
