"""Modules that users bring: trained elsewhere, exported, held to themselves; what is read of transforms."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import models, transforms
from torchvision.transforms import v2

import edgecnn
from edgecnn import data, own
from edgecnn.errors import EdgecnnError, ModelError, ParityError, RecipeError
from edgecnn.own.transforms import read

NET = '''
"""A small residual network that edgecnn has never seen, and the program that trains it."""

import sys

import numpy as np
import torch
from torch import nn
from torchvision.transforms import v2

transform = v2.Compose([
    v2.Resize((28, 28)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.2], [0.3])
])


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.norm(self.first(x)))))


class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(Block(8), nn.Dropout(0.1), Block(8))
        self.head = nn.Linear(8, classes)

    def forward(self, x):
        return self.head(self.blocks(torch.relu(self.stem(x))).amax((2, 3)))


def five():
    return Net(classes=5)


if __name__ == "__main__":
    torch.manual_seed(0)
    found = np.load(sys.argv[1])
    pixels = (torch.from_numpy(found["images"]).permute(0, 3, 1, 2).float() / 255 - 0.2) / 0.3
    labels = torch.from_numpy(found["labels"]).long()
    net = Net().train()
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
    for epoch in range(3):
        for part in torch.randperm(len(pixels)).split(32):
            loss = nn.functional.cross_entropy(net(pixels[part]), labels[part])
            optimizer.zero_grad(), loss.backward(), optimizer.step()
    torch.save({"state_dict": net.state_dict(), "epoch": 3}, "net.pth")
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Path:
    """A folder with a module of somebody's, trained by a program of theirs."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "net.py").write_text(NET)
    train = data.read_split("digits", "train", root=data_root)
    np.savez(folder / "train.npz", images=train.images_nhwc[:800], labels=train.labels_n[:800])
    subprocess.run([sys.executable, "net.py", "train.npz"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def exported(place: Path, data_root: Path) -> Any:
    transform = own.named(f"{place / 'net.py'}:transform")
    return edgecnn.export(
        f"{place / 'net.py'}:Net", place / "net.onnx", weights=place / "net.pth", labels=list("0123456789"),
        input=(28, 28, 1), preprocess=transform, dataset="digits", root=data_root,
    )  # fmt: skip


def test_it_answers_as_the_module_does_with_its_own_transform(exported: Any, place: Path, data_root: Path) -> None:
    test = data.read_split("digits", "test", root=data_root)
    net = own.opened(f"{place / 'net.py'}:Net", place / "net.pth").module
    transform = own.named(f"{place / 'net.py'}:transform")
    pixels = torch.stack([transform(Image.fromarray(image_hwc[..., 0])) for image_hwc in test.images_nhwc])
    with torch.inference_mode():
        expected_nk = net(pixels).numpy()
    found = edgecnn.load(exported.path)
    assert np.abs(found.logits(test.images_nhwc) - expected_nk).max() < 1e-4
    assert exported.test_score.value == pytest.approx((expected_nk.argmax(1) == test.labels_n).mean())
    assert exported.test_score.value > 0.3, "it has learned something"
    assert (exported.parity_images, exported.parity_source) == (len(test), "digits test split")


def test_its_card_says_what_it_is_and_names_no_folder(exported: Any, place: Path) -> None:
    text = exported.card_path.read_text()
    card = edgecnn.read_card(exported.path)
    assert (card.network, card.parameters) == ("net.py:Net", exported.parameters)
    assert card.dataset.name == "digits"
    assert str(place) not in text
    assert "torch" in card.versions


def test_what_is_in_the_file_and_what_is_not_is_said(exported: Any) -> None:
    said = " ".join(exported.remarks)
    assert "took state_dict out of the file" in said
    assert "in the file: ToImage(), ToDtype(scale=True), Normalize(mean=[0.2], std=[0.3]" in said
    assert "not in the file: Resize(size=[28, 28]" in said


def test_what_it_says_to_type_next_works_without_images(place: Path, edgecnn: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(place)
    named = ("--weights", "net.pth", "--labels", "0..9", "--input", "28x28x1", "--scale", "1/255")
    told = edgecnn("export", "net.py:Net", *named, "-o", "alone.onnx").out
    assert told.splitlines()[-1] == "next: edgecnn selftest alone.onnx"


@pytest.mark.slow
def test_it_goes_all_the_way_by_commands(place: Path, tmp_path: Path, data_root: Path, edgecnn: Any) -> None:
    root = ("--data-root", data_root)
    net, model, small = f"{place / 'net.py'}:Net", tmp_path / "own.onnx", tmp_path / "int8.onnx"
    named = ("--weights", place / "net.pth", "--labels", "0..9", "--input", "28x28x1")
    told = edgecnn("export", net, *named, "--mean", 0.2, "--std", 0.3, "--data", "digits", *root, "-o", model, "--json")
    assert json.loads(told.out)["max_abs_gap"] < 1e-4
    edgecnn("quantize", model, "-o", small, "--method", "static", "--seconds", 0.05, *root)
    verified = json.loads(edgecnn("verify", model, small, "--max-drop-pp", 20, *root, "--json").out)
    assert verified["passed"]
    assert edgecnn("selftest", small).code == 0
    assert edgecnn("bench", model, small, "--batch", 1, "--threads", 1, "--seconds", 0.05).code == 0
    edgecnn("embed", small, "--to", "python", "-o", tmp_path / "app")
    done = subprocess.run([sys.executable, "selftest.py"], cwd=tmp_path / "app", capture_output=True, text=True)
    assert done.stdout.startswith("passed: "), done.stderr


def test_a_module_in_hand_is_exported_as_it_answers_in_inference_and_stays_as_it_is(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(4 * 36, 3)
    ).double()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = edgecnn.export(
        net, tmp_path / "m.onnx", labels=["a", "b", "c"], input=(8, 8, 3), preprocess={"scale": 1, "std": [2, 3, 4]}
    )
    assert (net.training, next(net.parameters()).dtype) == (True, torch.float64)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert "it was in training mode; the file answers as in inference mode (eval)." in found.remarks
    assert found.parity_source == "noise and edge cases"
    images_nhwc = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    scaled = torch.from_numpy(images_nhwc).permute(0, 3, 1, 2) / torch.tensor([2.0, 3, 4]).reshape(3, 1, 1)
    with torch.inference_mode():
        expected_nk = net.float().eval()(scaled).numpy()
    np.testing.assert_allclose(edgecnn.load(found.path).logits(images_nhwc), expected_nk, atol=1e-4)


def test_an_archive_of_torch_export_is_exported(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    program = torch.export.export(net, (torch.zeros(2, 1, 8, 8),), dynamic_shapes=({0: torch.export.Dim("N")},))
    torch.export.save(program, tmp_path / "net.pt2")
    found = edgecnn.export(
        tmp_path / "net.pt2", tmp_path / "m.onnx", labels=["a", "b"], input=(8, 8, 1), preprocess={"mean": 0.5}
    )
    assert found.max_abs_gap < 1e-4
    images_nhwc = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    with torch.inference_mode():
        expected_nk = net(torch.from_numpy(images_nhwc).permute(0, 3, 1, 2) / 255 - 0.5).numpy()
    np.testing.assert_allclose(edgecnn.load(found.path).logits(images_nhwc), expected_nk, atol=1e-4)


def test_an_archive_that_loading_would_run_is_refused(tmp_path: Path) -> None:
    import pickle

    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), tmp_path / "good.pt2")
    with zipfile.ZipFile(tmp_path / "good.pt2") as good, zipfile.ZipFile(tmp_path / "bad.pt2", "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, pickle.dumps(Path) if "sample_inputs" in name else content)
    with pytest.raises(ModelError, match=r"sample_inputs.*more than tensors and a graph, and which loading may run"):
        own.opened(tmp_path / "bad.pt2", None)
    for name, content in (
        ("m/data/weights/x_weights_config.json", b'{"config": {"a": {"path_name": "weight_0", "use_pickle": true}}}'),
        ("m/data/constants/x_constants_config.json", b'{"config": {"a": {"path_name": "opaque_obj_0"}}}'),
        ("m/data/constants/opaque_obj_0", b""),
        ("m/data/constants/custom_obj_0", b""),
        ("m/data/aotinductor/model/x.so", b""),
        ("serialized_state_dict.pt", b""),  # of the format before, whose weights are pickled
    ):
        with zipfile.ZipFile(tmp_path / "bad.pt2", "w") as bad:
            bad.writestr(name, content)
        with pytest.raises(ModelError, match="more than tensors and a graph"):
            own.opened(tmp_path / "bad.pt2", None)
    with zipfile.ZipFile(tmp_path / "bad.pt2", "w") as bad:
        bad.writestr("m/data/weights/x_weights_config.json", b'{"config": [1]}')
    with pytest.raises(ModelError, match=r"no archive of torch\.export\.save"):
        own.opened(tmp_path / "bad.pt2", None)
    (tmp_path / "none.pt2").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"no archive of torch\.export\.save"):
        own.opened(tmp_path / "none.pt2", None)


TINY = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()


class Random(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = TINY

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(nn.functional.dropout(x))


class Boxes(nn.Module):
    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [x]


@pytest.mark.parametrize(
    ("module", "said", "error", "message"),
    [
        (TINY, {"input": None}, EdgecnnError, "say what pictures it takes, height, width and channels: --input"),
        (TINY, {"input": (5, 5, 1)}, ModelError, r"does not run on pictures \(2, 1, 5, 5\)"),
        (TINY, {"preprocess": None}, EdgecnnError, "--scale: what pixels 0..255 are multiplied with"),
        (TINY, {"preprocess": {"scal": 1}}, EdgecnnError, "preprocess has scal; expected scale, mean, std"),
        (TINY, {"labels": None}, EdgecnnError, "--labels: the names of 2 classes"),
        (TINY, {"labels": ["a", "b", "c"]}, EdgecnnError, "answers 2 classes, and there are 3 labels"),
        (Random(), {}, ModelError, "answers the same pictures differently each time"),
        (Boxes(), {}, ModelError, "answers list to 2 pictures; a classifier answers a row for each"),
        (nn.Identity(), {}, EdgecnnError, "answers"),
    ],
)  # fmt: skip
def test_what_is_no_classifier_or_not_said_is_told(
    module: nn.Module, said: dict, error: type[Exception], message: str, tmp_path: Path
) -> None:
    usual: dict[str, Any] = {"labels": ["a", "b"], "input": (4, 4, 1), "preprocess": {"scale": 1 / 255}}
    with pytest.raises(error, match=message):
        edgecnn.export(module, tmp_path / "m.onnx", **{**usual, **said})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("import nothing_of_the_kind", "Net", "cannot be imported .ModuleNotFoundError"),
        ("raise SystemExit(3)", "Net", "cannot be imported .SystemExit: 3"),
        ("class Nets: pass", "Net", "has no 'Net'; it has Nets. Did you mean 'Nets'"),
        ("Net = 3", "Net", "is a int; expected a module, its class, or a function"),
        ("def Net(): return 3", "Net", "returned a int; expected a torch.nn.Module"),
        ("def Net(classes): pass", "Net", r"cannot be called without arguments \(TypeError.*def net\(\)"),
    ],
)
def test_a_file_without_a_module_says_so(tmp_path: Path, text: str, name: str, message: str) -> None:
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(ModelError, match=message):
        own.opened(f"{tmp_path / 'net.py'}:{name}", None)


def test_a_file_imports_its_neighbors_and_leaves_the_path_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "neighbor_of_net.py").write_text("from torch import nn\nmade = nn.Flatten()\n")
    (tmp_path / "net.py").write_text("from neighbor_of_net import made as Net\n")
    before = [*sys.path]
    assert isinstance(own.opened(f"{tmp_path / 'net.py'}:Net", None).module, nn.Flatten)
    assert sys.path == before


def test_weights_of_another_module_are_refused_by_name(place: Path, tmp_path: Path) -> None:
    net = f"{place / 'net.py'}:five"
    with pytest.raises(ModelError, match=r"head\.weight has shape \(10, 8\); expected \(5, 8\)"):
        own.opened(net, place / "net.pth")
    torch.save({"other.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(
        ModelError, match=r"It lacks stem\.weight, .* \(\d+\)\. It has in addition other\.weight \(1\)\."
    ):
        own.opened(net, tmp_path / "other.pth")
    torch.save(TINY, tmp_path / "pickled.pth")
    with pytest.raises(RecipeError, match=r"holds .*which is more than weights"):
        own.opened(net, tmp_path / "pickled.pth")


def test_a_run_says_its_labels_by_itself(run: Path) -> None:
    with pytest.raises(EdgecnnError, match="is no module, and says labels by itself"):
        edgecnn.export(run, labels=["a"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("net.py", r"net\.py: expected a run, or which module of this file: FILE\.py:NAME"),
        ("net.pth", r"net\.pth: expected a run\. Of weights alone say the module as well: .* --weights"),
        ("net.onnx", r"net\.onnx: is a model file already\. .* edgecnn adopt"),
    ],
)
def test_a_file_that_takes_another_command_is_told_so(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(EdgecnnError, match=told):
        edgecnn.export(tmp_path / name, labels=["a", "b"], input=(4, 4, 1))


def test_a_temperature_is_of_runs(tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="a temperature is fitted for runs"):
        edgecnn.export(TINY, tmp_path / "m.onnx", labels=["a", "b"], input=(4, 4, 1), calibrated=True)


def test_a_trace_that_answers_otherwise_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgecnn.export import module

    honest = module._answered
    monkeypatch.setattr(module, "_answered", lambda *given: honest(*given) * 1.01)
    with pytest.raises(ParityError, match="does not answer as the original"):
        edgecnn.export(TINY, tmp_path / "m.onnx", labels=["a", "b"], input=(4, 4, 1), preprocess={"scale": 1})
    assert not list(tmp_path.iterdir())


# Transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def of_timm() -> Any:
    timm = pytest.importorskip("timm")
    return timm.data.create_transform((3, 64, 64), is_training=False, mean=MEAN, std=STD, crop_pct=0.9)


@pytest.mark.parametrize(
    ("make", "size", "outside"),
    [
        (lambda: transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)]), None, 0),
        (lambda: transforms.Compose([
            transforms.Resize(72), transforms.CenterCrop(64), transforms.ToTensor(), transforms.Normalize(MEAN, STD),
        ]), (64, 64), 2),
        (lambda: v2.Compose([
            v2.Resize((64, 64)), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD),
        ]), (64, 64), 1),
        (lambda: models.MobileNet_V2_Weights.IMAGENET1K_V1.transforms(), (224, 224), 2),
        (of_timm, (64, 64), 2),
    ],
    ids=["v1", "v1 resized", "v2", "preset", "timm"],
)  # fmt: skip
def test_transforms_are_read_as_what_they_do(make: Any, size: tuple[int, int] | None, outside: int) -> None:
    found = read(make())
    assert (found.scale, found.size, len(found.outside)) == (1 / 255, size, outside)
    np.testing.assert_allclose((found.mean, found.std), (MEAN, STD))
    pictures_nhwc = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    fed = (pictures_nhwc.transpose(0, 3, 1, 2) / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    found.check(pictures_nhwc, fed.astype(np.float32))
    with pytest.raises(EdgecnnError, match="as they were read"):
        found.check(pictures_nhwc, (fed + 0.001).astype(np.float32))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (transforms.RandomHorizontalFlip(), r"RandomHorizontalFlip\(p=0\.5\), which is for training"),
        (transforms.ColorJitter(), "which is for training"),
        (transforms.Lambda(lambda x: x), "Lambda.*cannot be carried over exactly. Known are Resize"),
        (transforms.Compose([transforms.ToTensor(), transforms.GaussianBlur(3)]), "GaussianBlur"),
        (transforms.Compose([transforms.ToTensor(), transforms.Resize(8)]), "Resize"),
        (lambda picture: picture, "function"),
    ],
)
def test_what_cannot_be_carried_over_is_named(transform: Any, message: str) -> None:
    with pytest.raises(EdgecnnError, match=message):
        read(transform)


def test_the_size_of_a_transform_is_the_input_and_another_one_is_an_error(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    steps = [transforms.Resize(9), transforms.CenterCrop(8), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    said: dict[str, Any] = {"labels": ["a", "b"], "preprocess": transforms.Compose(steps)}
    found = edgecnn.export(net, tmp_path / "m.onnx", **said)
    assert edgecnn.read_card(found.path).input.shape == (8, 8, 3)
    with pytest.raises(EdgecnnError, match="the transform brings pictures to 8x8, and the input is said to be 9x9"):
        edgecnn.export(net, tmp_path / "n.onnx", input=(9, 9, 3), **said)
