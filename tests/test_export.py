"""From a checkpoint to a file that is still the same classifier, and says nothing of who made it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import edgecnn
from edgecnn import card as cards
from edgecnn import checkpoint, data, export, networks
from edgecnn.card import CLASSIFICATION, DatasetRecord, ImageInput
from edgecnn.checkpoint import Checkpoint, PixelClassifier
from edgecnn.contender import open_contender
from edgecnn.errors import CheckpointError, DataError, EdgecnnError, ParityError
from edgecnn.export.model_file import _called
from edgecnn.export.proven import run_of
from edgecnn.recipes.read import read
from edgecnn.runtime.classifier import load
from edgecnn.runtime.session import open_model
from edgecnn.tasks._classification.export import check_parity
from edgecnn.train import train

REPOSITORY = Path(edgecnn.__file__).resolve().parents[1]
EXPORT = """
import sys
from pathlib import Path
from edgecnn.export import export

checkpoint, target, root = map(Path, sys.argv[1:])
export(checkpoint, target, root=root)
"""


def untrained(network: str, parameters: dict | None = None, shape: ImageInput = ImageInput(28, 28, 1)) -> Checkpoint:
    """A checkpoint with fresh weights; its data set is nowhere."""
    settings = {"network": {"name": network, "parameters": parameters or {}}, "data.name": "folder:/not/here"}
    recipe = read("digits-compact", settings)
    torch.manual_seed(0)
    classifier = checkpoint.build_classifier(recipe, shape, 10)
    return Checkpoint(
        recipe=recipe,
        labels=tuple("0123456789"),
        input=shape,
        dataset=DatasetRecord("folder:/not/here", 10, 10, 0),
        epoch=1,
        figures={"accuracy": 0.5},
        versions={},
        weights=classifier.state_dict(),
        golden_images_nhwc=torch.randint(0, 256, (3, *shape.shape), dtype=torch.uint8),
    )


@pytest.fixture(scope="module")
def graph(model: Path) -> onnx.ModelProto:
    return onnx.load(model)


@pytest.fixture
def pictures(tmp_path: Path, data_root: Path) -> Iterator[Path]:
    """A folder of digits as pictures, below a folder with blanks in its name."""
    home = tmp_path / "holiday secrets of 2024" / "my pictures"
    split = data.read_split("digits", "train", root=data_root)
    for label in (0, 1):
        (home / f"digit {label}").mkdir(parents=True)
        for index in np.flatnonzero(split.labels_n == label)[:20]:
            Image.fromarray(split.images_nhwc[index, ..., 0]).save(home / f"digit {label}" / f"{index}.png")
    return home


@pytest.fixture
def run_on_pictures(pictures: Path, tmp_path: Path) -> Path:
    changes = {"data.name": f"folder:{pictures}", "data.validation": 8, "network.parameters": {"filters": [4]}}
    train(read("digits-compact", {**changes, "epochs": 1, "precision": "fp32"}), tmp_path / "run")
    return tmp_path / "run"


# The file


def test_opset_and_ir_version(graph: onnx.ModelProto) -> None:
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 21)]
    assert graph.ir_version == 10


def test_takes_pixels_and_answers_logits_and_probabilities(graph: onnx.ModelProto) -> None:
    def contract(value: onnx.ValueInfoProto) -> tuple:
        tensor = value.type.tensor_type
        return value.name, tensor.elem_type, [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]

    assert [contract(value) for value in graph.graph.input] == [("image", onnx.TensorProto.UINT8, ["N", 28, 28, 1])]
    assert [contract(value) for value in graph.graph.output] == [
        ("logits", onnx.TensorProto.FLOAT, ["N", 10]),
        ("probabilities", onnx.TensorProto.FLOAT, ["N", 10]),
    ]


@pytest.mark.parametrize("batch", [1, 2, 3, 300])
def test_takes_any_batch(model: Path, batch: int) -> None:
    images = np.random.default_rng(batch).integers(0, 256, (batch, 28, 28, 1), np.uint8)
    classifier = load(model)
    one_by_one = np.concatenate([classifier.logits(image[None]) for image in images])
    np.testing.assert_allclose(classifier.logits(images), one_by_one, atol=1e-4)


def test_has_only_standard_operators(graph: onnx.ModelProto) -> None:
    assert {node.domain for node in graph.graph.node} == {""}
    assert not graph.functions


def test_batch_norm_is_folded_into_the_convolutions(graph: onnx.ModelProto) -> None:
    operators = [node.op_type for node in graph.graph.node]
    assert "BatchNormalization" not in operators
    assert operators.count("Conv") == 4


def test_weights_are_inside(graph: onnx.ModelProto) -> None:
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in graph.graph.initializer)


def test_card_is_the_only_metadata(model: Path, graph: onnx.ModelProto) -> None:
    assert {entry.key: entry.value for entry in graph.metadata_props} == load(model).card.metadata()
    values = [*graph.graph.input, *graph.graph.output, *graph.graph.value_info]
    parts = [graph.graph, *graph.graph.node, *graph.graph.initializer, *values]
    assert {part.doc_string for part in (graph, *parts)} == {""}
    assert [entry for part in parts for entry in part.metadata_props] == []


def test_card_beside_is_the_card_inside(model: Path) -> None:
    assert cards.beside(model).read_text(encoding="utf-8") == load(model).card.to_json()


def test_card_says_where_the_model_comes_from(model: Path, run: Path) -> None:
    trained, card = checkpoint.read(run), load(model).card
    assert (card.form, card.network, card.labels) == ("fp32", "compact", list("0123456789"))
    assert card.dataset == trained.dataset
    assert card.recipe == trained.recipe.model_dump(exclude_none=True)
    assert {"edgecnn", "torch", "numpy", "onnx", "onnxruntime"} <= card.versions.keys()


def test_card_counts_what_was_trained(model: Path, run: Path) -> None:
    network = checkpoint.read(run).build().network
    assert load(model).card.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_card_has_the_accuracies(model: Path, run: Path, data_root: Path) -> None:
    test = data.read_split("digits", "test", root=data_root)
    right = float((load(model).logits(test.images_nhwc).argmax(1) == test.labels_n).mean())
    found = [(entry.split, entry.images, entry.value) for entry in load(model).card.metrics]
    assert found == [("validation", 100, checkpoint.read(run).figures["accuracy"]), ("test", 359, pytest.approx(right))]


def test_card_says_what_parity_was_held_on(model: Path) -> None:
    parity = load(model).card.parity
    assert parity is not None
    assert (parity.images, parity.source, parity.tolerance) == (359, "digits test split", 1e-4)
    assert parity.max_abs_gap_below <= 1e-4
    assert parity.agreement == 1


def test_outcome_describes_the_file(run: Path, model: Path, data_root: Path, tmp_path: Path) -> None:
    done = export.export(run, tmp_path / "again.onnx", root=data_root)
    assert (done.path, done.card_path) == (tmp_path / "again.onnx", tmp_path / "again.card.json")
    assert (done.opset, done.ir_version, done.size_bytes) == (21, 10, done.path.stat().st_size)
    assert (done.parity_images, done.parity_source, done.agreement) == (359, "digits test split", 1.0)
    assert done.test_score == load(model).card.metrics[1]


# The same bytes, and nobody's paths


def test_same_checkpoint_is_the_same_bytes_in_another_folder(run: Path, model: Path, data_root: Path, tmp_path: Path):
    export.export(run, tmp_path / "deeper" / "model.onnx", root=data_root)
    assert (tmp_path / "deeper" / "model.onnx").read_bytes() == model.read_bytes()


def test_the_card_has_the_users_name_for_the_model(run: Path, data_root: Path, tmp_path: Path) -> None:
    export.export(run, tmp_path / "roses" / "fp32.onnx", root=data_root)
    assert load(tmp_path / "roses" / "fp32.onnx").card.name == "roses"


def test_the_card_says_where_its_run_was_trained(run: Path, model: Path, tmp_path: Path) -> None:
    outcome = json.loads((run / "outcome.json").read_text(encoding="utf-8"))
    trained = load(model).card.trained
    assert trained is not None
    assert vars(trained) == {key: outcome[key] for key in ("processor", "threads", "device", "precision", "commit")}
    shutil.copy(run / "best.safetensors", tmp_path)
    assert run_of(run / "best.safetensors") == trained
    assert run_of(tmp_path / "best.safetensors") is None


@pytest.mark.parametrize(
    ("target", "called"), [("flowers.onnx", "flowers"), ("fp32.onnx", "my-run"), ("deep/er.onnx", "er")]
)
def test_a_file_that_is_named_after_its_form_is_called_after_its_run(target: str, called: str) -> None:
    assert _called(Path(target), Path("runs/my-run")) == called


def test_same_checkpoint_is_the_same_bytes_in_another_process(run: Path, model: Path, data_root: Path, tmp_path: Path):
    command = [
        sys.executable,
        "-c",
        EXPORT,
        str(run / "best.safetensors"),
        str(tmp_path / "model.onnx"),
        str(data_root),
    ]
    subprocess.run(command, check=True, cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert (tmp_path / "model.onnx").read_bytes() == model.read_bytes()


def test_no_path_of_the_builder_is_in_the_file(model: Path, shared: Path) -> None:
    for path in (REPOSITORY, Path.home(), shared, Path(sys.prefix)):
        assert os.fsencode(path) not in model.read_bytes(), path


def test_folder_of_pictures_is_named_without_its_path(run_on_pictures: Path, tmp_path: Path) -> None:
    done = export.export(run_on_pictures, tmp_path / "m.onnx")
    card = load(done.path).card
    assert (card.dataset.name, card.recipe["data"]["name"]) == ("folder:my pictures", "folder:my pictures")
    assert card.parity is not None
    assert card.parity.source == "folder:my pictures test split"
    for content in (done.path.read_bytes(), done.card_path.read_bytes()):
        assert b"secrets" not in content
        assert os.fsencode(tmp_path) not in content


def test_data_that_is_gone_leaves_the_golden_images(run_on_pictures: Path, pictures: Path, tmp_path: Path) -> None:
    shutil.move(pictures, tmp_path / "elsewhere")
    done = export.export(run_on_pictures, tmp_path / "m.onnx")
    card = load(done.path).card
    assert card.parity is not None
    assert (card.parity.source, card.parity.images) == ("golden images, the data set is not at hand", 2)
    assert [entry.split for entry in card.metrics] == ["validation"]
    assert done.test_score is None
    assert b"secrets" not in done.path.read_bytes()
    assert str(pictures) in done.parity_source


def test_moved_data_is_found_where_the_caller_says(run_on_pictures: Path, pictures: Path, tmp_path: Path) -> None:
    shutil.move(pictures, tmp_path / "elsewhere")
    done = export.export(run_on_pictures, tmp_path / "m.onnx", dataset=f"folder:{tmp_path / 'elsewhere'}")
    assert (done.parity_source, done.parity_images) == ("folder:elsewhere test split", 8)


def test_named_data_that_is_missing_is_an_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        export.export(run, tmp_path / "m.onnx", dataset="folder:/not/here")
    assert list(tmp_path.iterdir()) == []


def test_data_with_other_labels_is_an_error(run: Path, tmp_path: Path) -> None:
    images = np.zeros((40, 28, 28, 1), np.uint8)
    np.savez(tmp_path / "other.npz", images=images, labels=np.arange(40) % 2, label_names=["cat", "dog"])
    with pytest.raises(DataError, match=r"other\.npz: has classes that the model lacks: cat, dog\. It knows 0, 1, 2"):
        export.export(run, tmp_path / "m.onnx", dataset=str(tmp_path / "other.npz"))
    assert [path.name for path in tmp_path.iterdir()] == ["other.npz"]


# Parity


LOGITS = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def test_equal_answers_have_no_gap() -> None:
    assert check_parity(LOGITS, LOGITS.copy()) == (0, 1)


def test_gap_below_the_tolerance_is_let_through() -> None:
    gap, agreement = check_parity(LOGITS, LOGITS + np.float32(5e-5))
    assert 4e-5 < gap < 6e-5
    assert agreement == 1


@given(image=st.integers(0, 5), label=st.integers(0, 3), gap=st.floats(2e-4, 10) | st.floats(-10, -2e-4))
def test_one_altered_logit_is_found(image: int, label: int, gap: float) -> None:
    altered = LOGITS.copy()
    altered[image, label] += np.float32(gap)
    with pytest.raises(ParityError, match=f"on 1 of 6 images; the worst is image {image} with a logit gap of"):
        check_parity(LOGITS, altered)


def test_parity_error_shows_both_rows_of_the_worst_image() -> None:
    altered = LOGITS.copy()
    altered[1] += 1
    altered[4] = [1, 2, 3, 44]
    with pytest.raises(ParityError) as error:
        check_parity(LOGITS, altered)
    lines = str(error.value).splitlines()
    assert "on 2 of 6 images; the worst is image 4" in lines[0]
    assert lines[1].split() == ["PyTorch:", *(f"{value:.5g}" for value in LOGITS[4])]
    assert lines[2].split() == ["ONNX", "Runtime:", "1", "2", "3", "44"]
    assert "exported wrongly; please report it" in lines[3]


def test_logits_too_large_for_float32_are_not_blamed_on_the_export() -> None:
    large = LOGITS * np.float32(1e5)
    with pytest.raises(ParityError, match=r"the training diverged, or has hardly begun\. Train for longer"):
        check_parity(large, large * np.float32(1 + 1e-6))


def test_near_tie_is_let_through() -> None:
    original = np.array([[1.0, 1.00001, 0], [5, 0, 0]], np.float32)
    exported = np.array([[1.00001, 1.0, 0], [5, 0, 0]], np.float32)
    _, agreement = check_parity(original, exported)
    assert agreement == 0.5


@pytest.mark.parametrize("side", [0, 1])
def test_not_a_number_is_no_parity(side: int) -> None:
    answers = [LOGITS.copy(), LOGITS.copy()]
    answers[side][2, 1] = np.nan
    with pytest.raises(ParityError, match="the worst is image 2 with a logit gap of nan"):
        check_parity(*answers)


@pytest.mark.parametrize("network", networks.names(CLASSIFICATION))
def test_every_network_answers_as_in_pytorch(network: str, tmp_path: Path) -> None:
    path = tmp_path / "untrained.safetensors"
    checkpoint.write(path, untrained(network))
    export.export(path, tmp_path / "m.onnx")
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1), np.uint8)
    gaps = np.abs(open_contender(path).logits(images) - load(tmp_path / "m.onnx").logits(images))
    assert gaps.max() < 1e-4


def test_color_and_standard_preprocessing_are_inside(tmp_path: Path) -> None:
    source = untrained("compact", {"filters": [4]}, ImageInput(12, 10, 3))
    source.weights["scale"].copy_(torch.tensor([0.01, 0.02, 0.03]).reshape(1, 3, 1, 1))
    source.weights["shift"].copy_(torch.tensor([-1.0, 0.5, 2.0]).reshape(1, 3, 1, 1))
    checkpoint.write(tmp_path / "own.safetensors", source)
    export.export(tmp_path / "own.safetensors", tmp_path / "m.onnx")
    images = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), np.uint8)
    with torch.inference_mode():
        expected = source.build().network(
            torch.from_numpy(images).permute(0, 3, 1, 2) * source.weights["scale"] + source.weights["shift"]
        )
    np.testing.assert_allclose(load(tmp_path / "m.onnx").logits(images), expected.numpy(), atol=1e-4)


def test_probabilities_are_the_softmax_of_the_logits(model: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 28, 28, 1), np.uint8)
    logits, probabilities = open_model(model).session.run(["logits", "probabilities"], {"image": images})
    np.testing.assert_allclose(probabilities, torch.softmax(torch.from_numpy(logits), 1).numpy(), atol=1e-6)


def test_one_golden_image_is_enough(tmp_path: Path) -> None:
    source = untrained("lenet")
    checkpoint.write(
        tmp_path / "own.safetensors",
        Checkpoint(**{**vars(source), "golden_images_nhwc": source.golden_images_nhwc[:1]}),
    )
    export.export(tmp_path / "own.safetensors", tmp_path / "m.onnx")
    assert load(tmp_path / "m.onnx").logits(np.zeros((5, 28, 28, 1), np.uint8)).shape == (5, 10)


# What does not work leaves nothing


def test_network_that_answers_no_numbers_is_not_exported(tmp_path: Path) -> None:
    source = untrained("compact", {"filters": [4]})
    source.weights["network.0.weight"].fill_(torch.nan)
    checkpoint.write(tmp_path / "diverged.safetensors", source)
    with pytest.raises(CheckpointError, match=r"the weights are not finite: network\.0\.weight"):
        export.export(tmp_path / "diverged.safetensors", tmp_path / "m.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["diverged.safetensors"]


def test_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    source = untrained("compact", {"filters": [4]})
    source.weights["network.0.weight"].fill_(torch.nan)
    checkpoint.write(tmp_path / "diverged.safetensors", source)
    (tmp_path / "m.onnx").write_bytes(b"the old one")
    with pytest.raises(CheckpointError):
        export.export(tmp_path / "diverged.safetensors", tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"the old one"


def test_wrong_suffix_is_a_message(run: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"model\.bin: a model file ends in \.onnx, as in -o model\.onnx"):
        export.export(run, tmp_path / "model.bin", root=data_root)
    assert list(tmp_path.iterdir()) == []


def test_no_run_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no best.safetensors in it".replace(".", r"\.")):
        export.export(tmp_path, tmp_path / "m.onnx")


def test_model_file_is_no_checkpoint(model: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="is a model file already"):
        export.export(model, tmp_path / "m.onnx")


@pytest.mark.parametrize("named", ["runs/mnist-v0.5", "runs/mnist-v0.5/best.safetensors", "mnist-v0.5.safetensors"])
def test_file_is_named_after_its_run(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / named
    target = path if path.suffix == ".safetensors" else path / "best.safetensors"
    checkpoint.write(target, untrained("compact", {"filters": [4]}))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export.export(path)
    assert sorted(file.name for file in Path().iterdir()) == ["mnist-v0.5.card.json", "mnist-v0.5.onnx"]


def test_what_the_exporter_cannot_export_is_told(run: Path, tmp_path: Path, data_root: Path, monkeypatch) -> None:
    def forward(self: PixelClassifier, images_nhwc: torch.Tensor) -> torch.Tensor:
        pixels_nchw = images_nhwc.permute(0, 3, 1, 2).float()
        return self.network(pixels_nchw if images_nhwc.sum() > 7 else -pixels_nchw)

    monkeypatch.setattr(PixelClassifier, "forward", forward)
    with pytest.raises(ParityError, match="PyTorch's exporter failed on network compact"):
        export.export(run, tmp_path / "model.onnx", root=data_root)
    assert list(tmp_path.iterdir()) == []
