"""Recipes, studies, checkpoints and arrays that no user would write end with a message, soon and in little memory."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from edgecnn import checkpoint, data
from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.checkpoint import Checkpoint
from edgecnn.contender import open_contender
from edgecnn.errors import CheckpointError, DataError, EdgecnnError, RecipeError
from edgecnn.export import export
from edgecnn.inspection import inspect
from edgecnn.recipes.read import read
from edgecnn.study.plan import plan
from edgecnn.study.read import read as read_study


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 3_000 + "]" * 3_000, "nested too deep"),
        (".".join(["a"] * 4_000) + " = 1", "nested more than 20 deep"),
        ("[" + ".".join(["network"] * 2_000) + "]\nx = 1", "nested more than 20 deep"),
        ("seed = " + "9" * 5_000, "Exceeds the limit"),
        ("#" * 200_000, "more than 100,000 bytes"),
    ],
    ids=["arrays", "a key", "a table", "5,000 digits", "200 kB"],
)
@pytest.mark.parametrize("reader", [read, read_study])
def test_a_file_that_no_recipe_needs_is_refused(tmp_path: Path, reader: Callable, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(RecipeError, match=rf"mine\.toml: not valid TOML \({said}"):
        reader(str(tmp_path / "mine.toml"))


def test_recipes_that_extend_each_other_thousands_deep_are_refused(tmp_path: Path) -> None:
    for number in range(3_000):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    with pytest.raises(RecipeError, match=r"0\.toml: extends a recipe that extends another, more than 50 times"):
        read(str(tmp_path / "0.toml"))


@pytest.mark.parametrize("extends", ["x" * 100_000, "a\\u0000b", "a\\u0000b.toml", "x" * 5_000 + ".toml"])
def test_a_name_that_no_file_can_have_is_refused_in_short(tmp_path: Path, extends: str) -> None:
    (tmp_path / "mine.toml").write_text(f'extends = "{extends[:90_000]}"\n')
    with pytest.raises(RecipeError) as caught:
        read(str(tmp_path / "mine.toml"))
    assert len(str(caught.value)) < 2_000


def test_a_thousand_wrong_keys_are_told_in_short(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("\n".join(f"key{number} = 1" for number in range(1_000)))
    with pytest.raises(RecipeError, match="; and 980 more"):
        read(str(tmp_path / "mine.toml"))


def test_a_study_that_never_ends_is_refused(tmp_path: Path) -> None:
    lists = "\n".join(f'"augment.{key}" = {[n / 100 for n in range(99)]}' for key in ("noise", "cutout", "scale"))
    (tmp_path / "mine.toml").write_text(f'recipe = "digits-compact"\n[grid]\n{lists}\n')
    with pytest.raises(RecipeError, match="a study of more than 1,000 runs is none that ends"):
        plan(read_study(str(tmp_path / "mine.toml")))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a small network that has learned nothing."""
    recipe, shape = read("digits-compact", {"network.parameters": {"filters": [4, 8]}}), ImageInput(28, 28, 1)
    made = Checkpoint(
        recipe=recipe,
        labels=tuple("0123456789"),
        input=shape,
        dataset=DatasetRecord("digits", 1238, 200, 0),
        epoch=1,
        figures={"accuracy": 0.5, "loss": 1.0},
        versions={"edgecnn": "0"},
        weights=checkpoint.build_classifier(recipe, shape, 10).state_dict(),
        golden_images_nhwc=torch.zeros(2, 28, 28, 1, dtype=torch.uint8),
    )
    path = tmp_path_factory.mktemp("checkpoint") / "small.safetensors"
    checkpoint.write(path, made)
    return path


@pytest.fixture
def rewritten(
    small: Path, tmp_path: Path
) -> Callable[[Callable[[dict[str, Any], dict[str, torch.Tensor]], None]], Path]:
    """Write the checkpoint after a function has changed its document and tensors."""

    def write(change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]) -> Path:
        with safe_open(small, framework="pt") as file:
            document = json.loads(file.metadata()[checkpoint.METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        change(document, tensors)
        path = tmp_path / "changed.safetensors"
        save_file(tensors, path, metadata={checkpoint.METADATA_KEY: json.dumps(document)})
        return path

    return write


@pytest.mark.parametrize(
    "change",
    [
        lambda document, tensors: document["input"].update(channels=True),
        lambda document, tensors: document["input"].update(height=10**9),
        lambda document, tensors: document["input"].update(width="28"),
        lambda document, tensors: document.update(labels="0123456789"),
        lambda document, tensors: document.update(epoch=[1]),
        lambda document, tensors: document.update(dataset=None),
        lambda document, tensors: document.update(extra=1),
        lambda document, tensors: document.pop("figures"),
        lambda document, tensors: tensors.update(golden_images=torch.zeros(0, 28, 28, 1, dtype=torch.uint8)),
        lambda document, tensors: tensors.update(golden_images=torch.zeros(2, 28, 28, 1)),
        lambda document, tensors: tensors.pop("golden_images"),
    ],
)
def test_a_checkpoint_that_says_what_cannot_be_is_refused(rewritten, change) -> None:
    with pytest.raises(CheckpointError, match=r"changed\.safetensors: not a checkpoint of edgecnn"):
        checkpoint.read(rewritten(change))


def test_a_network_that_is_far_larger_than_its_weights_is_never_built(rewritten) -> None:
    def enlarge(document: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        document["recipe"]["network"]["parameters"]["filters"] = [4, 20_000, 20_000]

    with pytest.raises(EdgecnnError, match="far more parameters than there are weights for it"):
        checkpoint.read(rewritten(enlarge)).build()


def _nan(document: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    name = next(name for name, tensor in tensors.items() if name.startswith("weights.network") and tensor.ndim == 4)
    tensors[name][0] = float("nan")


@pytest.mark.parametrize("use", [lambda path: checkpoint.read(path).build(), open_contender, export])
def test_weights_that_are_no_numbers_are_told_as_that(rewritten, tmp_path: Path, monkeypatch, use) -> None:
    path = rewritten(_nan)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EdgecnnError, match=r"the weights are not finite: network\.\S+ of network compact has NaN"):
        use(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["changed.safetensors"]


def _npz(path: Path, members: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


IMAGES = np.zeros((4, 8, 8), np.uint8)


def test_members_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    given = _npz(tmp_path / "mine.npz", {"images": b"abc", "labels": b"def"})
    with pytest.raises(DataError, match=r"mine\.npz: broken or not a \.npz file \(images in it is no array\)"):
        data.read_split(given, "train")


@pytest.mark.parametrize("keys", [("",), ("train_", "test_")])
def test_labels_without_a_dimension_are_refused(tmp_path: Path, keys: tuple[str, ...]) -> None:
    arrays = {f"{key}images.npy": _npy(IMAGES) for key in keys} | {
        f"{key}labels.npy": _npy(np.array(3)) for key in keys
    }
    with pytest.raises(DataError, match="labels are the single number 3; expected one for each image"):
        data.read_split(_npz(tmp_path / "mine.npz", arrays), "train")


def test_images_without_pixels_are_refused(tmp_path: Path) -> None:
    arrays = {"images.npy": _npy(np.zeros((4, 0, 8), np.uint8)), "labels.npy": _npy(np.array([0, 1, 0, 1]))}
    with pytest.raises(DataError, match=r"images are uint8 \(4, 0, 8, 1\), expected"):
        data.read_split(_npz(tmp_path / "mine.npz", arrays), "train", size=(5, 5))


def test_an_archive_of_more_than_the_memory_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("edgecnn.data.npz.memory_bytes", lambda: 100_000)
    given = _npz(tmp_path / "mine.npz", {"images.npy": _npy(np.zeros((4, 200, 200), np.uint8))})
    with pytest.raises(DataError, match=r"0\.0 GB unpacked, this machine has 0\.0 GB of memory"):
        data.read_split(given, "train")


def test_a_graph_whose_names_are_no_text_cannot_be_inspected(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(content.replace(b"node_mul", b"\xff" * 8))
    with pytest.raises(EdgecnnError, match=r"a\.onnx: its graph is not what it says \(a node's name is not UTF-8\)"):
        inspect(tmp_path / "a.onnx")


def test_a_graph_that_lies_about_its_shapes_cannot_be_inspected(altered) -> None:
    def alter(model: Any) -> None:
        model.graph.value_info[0].type.tensor_type.elem_type = 9

    with pytest.raises(EdgecnnError, match=r"altered\.onnx: (its graph is not what it says|not a model)"):
        inspect(altered(alter))
