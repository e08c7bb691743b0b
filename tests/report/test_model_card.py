"""The pages say what is in the files, and a file that is not what it should be is named."""

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import data
from edgecnn.card import ModelCard, Overflow
from edgecnn.data import npz
from edgecnn.errors import CardError
from edgecnn.registry import DATASETS
from edgecnn.report import model_card, pareto, style
from edgecnn.zoo import models_in

COMPACT = Path(__file__).resolve().parents[2] / "exported" / "mnist-compact"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(COMPACT, tmp_path / "m")
    return tmp_path


def summary(root: Path) -> model_card.Summary:
    (model,) = models_in(root)
    return model_card.summary(model)


def test_figures_are_those_of_the_evidence(root: Path) -> None:
    verify = json.loads((COMPACT / "verify.json").read_text())
    bench = json.loads((COMPACT / "bench.json").read_text())
    found = summary(root)
    preferred, parent = found.forms
    assert (preferred.name, preferred.form, parent.form) == ("preferred", "int8-static", "fp32")
    assert (preferred.score.value, parent.score.value) == (
        verify["candidate"]["accuracy"],
        verify["reference"]["accuracy"],
    )
    assert (parent.p50_ms, preferred.p50_ms) == tuple(timing["p50_ms"] for timing in bench["contenders"][:2])
    assert found.images == verify["images"] == 10_000
    assert bench["environment"]["processor"] in str(found.machine)


def test_the_page_has_the_proof_and_every_family(root: Path) -> None:
    file = root / "m" / "preferred.card.json"
    card = ModelCard.read_beside(file.with_name("preferred.onnx"))
    known = card.quantization
    elsewhere = [replace(known.measured, family="an older family", preferred=False, latency_ratio=1.25)]
    for overflow, words in (
        (Overflow(safe=True, largest_pair_sum=127), "Safe on any processor: two weights sum to 127 of 128 at most."),
        (Overflow(safe=False, largest_pair_sum=254), "For processors that do not saturate: its int8 sums may"),
    ):
        changed = replace(known, overflow=overflow, measured_elsewhere=elsewhere)
        file.write_text(replace(card, quantization=changed).to_json(), encoding="utf-8")
        page = model_card.pages(root)[root / "m" / "README.md"]
        assert words in page
        assert "other processors: an older family latency x 1.25, not preferred." in page


def test_a_page_names_the_recipe_that_has_the_settings_and_the_saved_one_where_none_has(root: Path) -> None:
    file = root / "m" / "fp32.card.json"
    card = ModelCard.read_beside(file.with_name("fp32.onnx"))
    for change, told in (
        ({"name": "digits-compact"}, "mnist-compact"),
        ({"epochs": 3}, "./mnist-compact.toml"),
        ({"epoch": 3}, "./mnist-compact.toml"),  # of another edgecnn
    ):
        file.write_text(replace(card, recipe=card.recipe | change).to_json(), encoding="utf-8")
        assert f"$ edgecnn train {told}\n" in model_card.pages(root)[root / "m" / "README.md"]


def test_without_evidence_the_cards_are_what_there_is(root: Path) -> None:
    for name in ("verify.json", "bench.json", "fp32.card.json"):  # a card beside is a copy of the one inside
        (root / "m" / name).unlink()
    found = summary(root)
    assert (found.forms[0].score, found.forms[1].score.value) == (None, 0.9969)
    assert (found.forms[0].p50_ms, found.machine) == (None, None)
    assert "99.69%" in model_card.pages(root)[root / "README.md"]
    assert "| - |" in model_card.pages(root)[root / "m" / "README.md"]


def test_the_table_tells_machines_apart(root: Path) -> None:
    shutil.copytree(COMPACT, root / "other")
    evidence = json.loads((COMPACT / "bench.json").read_text())
    evidence["environment"] |= {"processor": "Another", "family": "x86-64 AVX2", "threads_available": 1}
    (root / "other" / "bench.json").write_text(json.dumps(evidence))
    index = model_card.pages(root)[root / "README.md"]
    own = next(timing["p50_ms"] for timing in evidence["contenders"] if timing["model"] == "preferred.onnx")
    for part in (
        f"{own * 1000:.0f} µs (a) |",
        f"{own * 1000:.0f} µs (b) |",
        "- (a) AMD EPYC (x86-64 AVX-512 VNNI), 2 threads",
        "- (b) Another (x86-64 AVX2), 1 thread,",
    ):
        assert part in index


def test_the_machine_names_the_runtime_that_it_had(root: Path) -> None:
    evidence = json.loads((COMPACT / "bench.json").read_text())
    versions = evidence["environment"]["versions"]
    versions["onnxruntime-gpu"] = versions.pop("onnxruntime")
    (root / "m" / "bench.json").write_text(json.dumps(evidence))
    assert ", onnxruntime-gpu 1." in str(summary(root).machine)


@pytest.mark.parametrize("name", ["verify.json", "bench.json"])
@pytest.mark.parametrize("content", ["no", "{}", "[]", '{"reference": 1, "contenders": [{}]}'])
def test_broken_evidence_is_named(root: Path, name: str, content: str) -> None:
    (root / "m" / name).write_text(content)
    with pytest.raises(CardError, match=rf"{name}: not what edgecnn {name.partition('.')[0]} --json prints"):
        summary(root)


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_named_data_set_has_a_license(name: str) -> None:
    assert not data.license_of(name).startswith("not recorded"), f"edgecnn/data/named/{name}.py: LICENSE"


def test_a_data_set_of_ones_own_has_none_recorded() -> None:
    assert data.license_of("folder:flowers") == "not recorded; ask whoever made it"
    assert "LICENSE" in str(npz.NamedSet.__doc__)


def evidence(root: Path, **changes: object) -> str:
    """Return the page of a model whose verification is changed like this."""
    path = root / "m" / "verify.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return model_card.pages(root)[root / "m" / "README.md"]


def test_page_says_which_reference_and_which_verdict(root: Path) -> None:
    found = json.loads((COMPACT / "verify.json").read_text())
    said = {"drop_pp": 0.1, "drop_pp_ci95": [-0.2, 0.4], "max_drop_pp": 0.5, "verdict": "within", "agreement": 0.9}
    page = evidence(root, reference=found["reference"] | {"model": "mnist-compact-seed0"}, **said)
    drop = "accuracy drops by 0.10 points (95 %: -0.20..0.40, within at the allowed 0.5), with the same label on 90.00%"
    assert f"Against the PyTorch model (mnist-compact-seed0) its {drop}" in page
    page = evidence(root, reference=found["reference"] | {"model": "fp32.onnx"}, **said)
    assert f"Against the float32 file (fp32.onnx) its {drop}" in page


def test_page_of_a_file_that_was_compared_with_itself_has_no_drop(root: Path) -> None:
    found = json.loads((COMPACT / "verify.json").read_text())
    page = evidence(root, reference=found["candidate"])
    assert "Top-1 on the 10,000 images" in page
    assert "drops by" not in page.split("## Data")[0]


def test_a_page_says_which_run_its_file_is_of(root: Path) -> None:
    page = model_card.pages(root)[root / "m" / model_card.PAGE]
    assert (
        "The file is of one run, with seed 0, accuracy 99.46% on its 5,000 validation images, trained with torch "
        in page
    )
    path = root / "m" / "fp32.card.json"
    card = json.loads(path.read_text())
    trained = {"processor": "A CPU", "threads": 1, "device": "cpu", "precision": "fp32", "commit": "abc"}
    path.write_text(json.dumps(card | {"trained": trained}))
    page = model_card.pages(root)[root / "m" / model_card.PAGE]
    assert " on A CPU, 1 thread, cpu, fp32, at commit abc. Other runs of the recipe have others" in page


def test_the_table_over_all_ranks_every_form_with_those_of_its_data_set(root: Path) -> None:
    shutil.copytree(COMPACT.with_name("mnist-small"), root / "small")
    shutil.copytree(COMPACT.with_name("cifar10-fast"), root / "fast")
    found = model_card.boards([model_card.summary(model) for model in models_in(root)])
    names = {dataset: [row.model for row in board.rows] for dataset, board in found.items()}
    assert names == {"mnist": ["m", "m/fp32", "small"], "cifar10": ["fast/fp32", "fast"]}
    own = json.loads((COMPACT / "verify.json").read_text())["candidate"]["accuracy"]
    first = found["mnist"].rows[0]
    assert (first.score, first.interval[0] < own < first.interval[1]) == (own, True)
    index = model_card.pages(root)[root / "README.md"]
    assert index.count("\n## ") == 2
    assert "(front-mnist.png)" in index
    assert "front-cifar10" not in index, "one model has no one to be compared with"


def test_a_page_shows_the_pictures_beside_it(root: Path) -> None:
    assert (root / "m" / "samples.png").exists()
    assert "(samples.png)" in model_card.pages(root)[root / "m" / "README.md"]
    (root / "m" / "samples.png").unlink()
    assert "(samples.png)" not in model_card.pages(root)[root / "m" / "README.md"]


@pytest.mark.parametrize("page", sorted(COMPACT.parent.rglob("README.md")), ids=lambda page: page.parent.name)
def test_every_picture_of_the_zoo_is_there_and_on_a_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    there = {path.name for path in page.parent.iterdir() if path.suffix in (".png", ".svg")}
    assert there == {name for name in there if f"]({name})" in text}
    assert all((page.parent / name).exists() for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text))


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_the_picture_of_a_board_is_of_the_evidence_that_is_kept(dataset: str) -> None:
    zoo = COMPACT.parent
    board = model_card.boards([model_card.summary(model) for model in models_in(zoo)])[dataset]
    with style.style():
        drawn = gray(io.BytesIO(style.png(style.laid_out(pareto.draw(board)))))
    kept = gray(zoo / model_card.picture_of(dataset))
    assert kept.shape == drawn.shape, "draw it again: tools/docs/zoo_pictures.py"
    assert np.abs(kept - drawn).mean() < 0.5, "draw it again: tools/docs/zoo_pictures.py"


def gray(picture: Path | io.BytesIO) -> np.ndarray:
    with Image.open(picture) as found:
        return np.asarray(found.convert("L"), np.float32)
