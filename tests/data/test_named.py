"""Named data sets: found by their file, read from the data root, fetched whole or not at all."""

import contextlib
import gzip
import hashlib
import http.server
import importlib
import inspect
import io
import pickle
import socket
import struct
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from edgecnn import data
from edgecnn.data import npz
from edgecnn.data.named.cifar100 import COARSE_NAMES, COARSE_OF_FINE
from edgecnn.errors import DataError, MissingPackageError
from edgecnn.registry import DATASETS

SPLITS = ("train", "test")
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
LABELS = np.array([0, 1, 9, 1], dtype=np.uint8)

each = pytest.mark.parametrize("name", DATASETS.names())


def _module(name: str):
    return importlib.import_module(f"edgecnn.data.named.{name.replace('-', '_')}")


def _message(name: str, root: Path, split: str = "train") -> str:
    with pytest.raises(DataError) as caught:
        data.read_split(name, split, root=root)
    return str(caught.value)


def _files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


# --- what is found


def test_finds_every_file() -> None:
    found = ("cifar10", "cifar100", "cifar100-coarse", "digit-crops", "digits", "fashion-mnist", "mnist")
    assert DATASETS.names() == found  # a new data set edits this line, on purpose


@each
def test_has_a_folder_of_its_own(name: str) -> None:
    folder = _module(name).FOLDER
    assert folder == Path(folder).name


@each
def test_names_the_array_with_its_labels(name: str) -> None:
    assert _module(name).LABELS_KEY in ("labels", "coarse_labels")


@each
def test_has_distinct_names_of_its_classes(name: str) -> None:
    names = _module(name).NAMES
    assert len(names) == len(set(names)) >= 10


@each
def test_is_fetched_by_root_and_split(name: str) -> None:
    assert list(inspect.signature(_module(name).fetch).parameters) == ["root", "split"]


@each
def test_describes_itself_in_one_line(name: str) -> None:
    assert data.describe(name).endswith(".") or ":" in data.describe(name)


@each
def test_is_not_here_in_an_empty_root(name: str, tmp_path: Path) -> None:
    assert not data.is_here(name, tmp_path)


def test_an_unknown_name_names_those_there_are(tmp_path: Path) -> None:
    assert _message("mnits", tmp_path) == (
        "no data set 'mnits'; there is cifar10, cifar100, cifar100-coarse, digit-crops, digits, fashion-mnist, mnist, "
        "folder:PATH, csv:FILE, parquet:PATH, tar:PATH, hf:FOLDER or a path ending in .npz. Did you mean 'mnist'?"
    )


def test_a_path_without_its_prefix_is_told_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "labels.csv").touch()
    (tmp_path / "notes.txt").touch()
    assert _message("photos", tmp_path) == "no data set 'photos'; there is such a folder: name it folder:photos"
    assert _message("labels.csv", tmp_path) == "no data set 'labels.csv'; there is such a file: name it csv:labels.csv"
    assert "there is cifar10" in _message("notes.txt", tmp_path)


def test_every_fine_class_has_a_coarse_one_and_every_coarse_one_has_five() -> None:
    assert np.bincount(COARSE_OF_FINE, minlength=len(COARSE_NAMES)).tolist() == [5] * 20


# --- digits, which need no network


@pytest.mark.parametrize(("split", "count"), [("train", 1438), ("test", 359)])
def test_digits_have_the_shape_of_mnist(data_root: Path, split: str, count: int) -> None:
    found = data.read_split("digits", split, root=data_root)
    assert (found.images_nhwc.dtype, found.images_nhwc.shape) == (np.uint8, (count, 28, 28, 1))


def test_digits_are_bright_in_the_middle_and_dark_around(data_root: Path) -> None:
    images = data.read_split("digits", "test", root=data_root).images_nhwc[..., 0]
    assert images[:, 4:24, 4:24].max(axis=(1, 2)).min() > 200
    images[:, 4:24, 4:24] = 0
    assert images.max() == 0


def test_digits_keep_the_share_of_every_class(data_root: Path) -> None:
    train, test = (np.bincount(data.read_split("digits", split, root=data_root).labels_n) for split in SPLITS)
    assert (np.abs(test - (train + test) * 359 / 1797) < 1).all()


def test_digits_are_always_the_same(data_root: Path) -> None:
    labels = [data.read_split("digits", split, root=data_root).labels_n for split in SPLITS]
    assert labels[0][:12].tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9, 0, 1, 3]
    assert labels[1][:12].tolist() == [2, 2, 0, 8, 7, 8, 3, 4, 0, 2, 1, 3]


def test_digits_need_no_network(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("digits asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(data.read_split("digits", "test", root=tmp_path)) == 359


def test_fetching_leaves_both_splits_and_nothing_else(tmp_path: Path) -> None:
    data.read_split("digits", "train", root=tmp_path)
    assert _files(tmp_path) == ["digits/test.npz", "digits/train.npz"]


def test_a_set_that_was_fetched_is_here(data_root: Path) -> None:
    assert data.is_here("digits", data_root)


def test_without_scikit_learn_the_message_has_the_command(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingPackageError, match=r"needs sklearn, .* pip install 'edgecnn\[train\]'"):
        data.read_split("digits", "train", root=tmp_path)


def test_without_torchvision_the_message_has_the_command(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingPackageError, match=r"needs torchvision, .* pip install 'edgecnn\[train\]'"):
        data.read_split("mnist", "train", root=tmp_path)


def test_a_root_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = _message("digits", tmp_path / "file")
    assert f"digits: cannot be put into {tmp_path / 'file'}" in message
    assert "EDGECNN_DATA" in message


# --- .npz files put into the root by hand


def _put(root: Path, name: str, split: str = "train", **arrays: np.ndarray) -> Path:
    path = root / _module(name).FOLDER / f"{split}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def test_a_file_put_into_the_root_is_read(tmp_path: Path) -> None:
    _put(tmp_path, "mnist", images=IMAGES, labels=LABELS)
    found = data.read_split("mnist", "train", root=tmp_path)
    np.testing.assert_array_equal(found.images_nhwc[..., 0], IMAGES)
    assert (found.labels_n.tolist(), found.names) == (LABELS.tolist(), tuple("0123456789"))


def test_coarse_labels_are_read_from_the_file_of_the_fine_ones(tmp_path: Path) -> None:
    images = np.zeros((4, 32, 32, 3), np.uint8)
    _put(tmp_path, "cifar100", images=images, labels=LABELS, coarse_labels=np.array([19, 0, 1, 2]))
    assert data.read_split("cifar100-coarse", "train", root=tmp_path).labels_n.tolist() == [19, 0, 1, 2]


def test_one_split_alone_is_not_the_set(tmp_path: Path) -> None:
    _put(tmp_path, "mnist", images=IMAGES, labels=LABELS)
    assert not data.is_here("mnist", tmp_path)


def _damage(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 8]) + content[middle + 8 :]


@pytest.mark.parametrize(
    "change",
    [lambda content: content[: len(content) // 2], _damage, lambda content: b""],
    ids=["truncated", "damaged", "empty"],
)
def test_a_broken_file_says_what_to_do(tmp_path: Path, change) -> None:
    path = _put(tmp_path, "mnist", images=IMAGES, labels=LABELS)
    path.write_bytes(change(path.read_bytes()))
    message = _message("mnist", tmp_path)
    assert message.startswith(f"{path}: broken or not a .npz file")
    assert message.endswith("delete it to have it made again.")


@pytest.mark.parametrize(
    ("name", "arrays", "expected"),
    [
        ("mnist", {"images": IMAGES}, "has arrays images; expected also labels."),
        ("mnist", {"labels": LABELS, "x": IMAGES}, "has arrays labels, x; expected also images."),
        (
            "cifar100-coarse",
            {"images": IMAGES, "labels": LABELS},
            "has arrays images, labels; expected also coarse_labels.",
        ),
        ("mnist", {"images": IMAGES, "labels": LABELS / 9}, "labels are float64; expected integers 0..classes-1."),
    ],
)
def test_arrays_that_are_missing_or_wrong_are_named(tmp_path: Path, name: str, arrays, expected: str) -> None:
    path = _put(tmp_path, name, **arrays)
    assert _message(name, tmp_path) == f"{path}: {expected}"


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"labels": LABELS + 1}, "mnist (train): 1 labels out of range, the first 10; expected 0..9 for 10 classes."),
        ({"labels": LABELS * 0}, "mnist (train): only one class (0); a classifier needs at least two."),
        ({"labels": LABELS[:3]}, "mnist (train): 4 images but labels of shape (3,); expected one for each image."),
        ({"images": IMAGES / 255}, "mnist (train): images are float64 (4, 28, 28, 1), expected uint8"),
    ],
)
def test_arrays_that_do_not_fit_say_why(tmp_path: Path, arrays, expected: str) -> None:
    _put(tmp_path, "mnist", **{"images": IMAGES, "labels": LABELS, **arrays})
    assert _message("mnist", tmp_path).startswith(expected)


def test_a_refused_file_leaves_the_root_as_it_was(tmp_path: Path) -> None:
    _put(tmp_path, "mnist", images=IMAGES)
    _message("mnist", tmp_path)
    assert _files(tmp_path) == ["mnist/train.npz"]


# --- the originals: tiny ones, made here, in the formats of the real ones


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)  # 8: unsigned bytes
    return gzip.compress(header + array.tobytes(), mtime=0)


IDX = {
    "train-images-idx3-ubyte.gz": _idx(IMAGES),
    "train-labels-idx1-ubyte.gz": _idx(LABELS),
    "t10k-images-idx3-ubyte.gz": _idx(IMAGES[::-1]),
    "t10k-labels-idx1-ubyte.gz": _idx(LABELS[::-1]),
}
IDX_SETS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}


@pytest.fixture(params=IDX_SETS)
def idx_set(request, monkeypatch) -> str:
    """A set of IDX files whose originals are the tiny ones, and which nobody serves."""
    dataset = getattr(datasets, IDX_SETS[request.param])
    monkeypatch.setattr(dataset, "resources", [(archive, _md5(content)) for archive, content in IDX.items()])
    monkeypatch.setattr(dataset, "mirrors", [_nobody()])
    return request.param


def _nobody() -> str:
    """Return an address on this machine where nobody answers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def _put_originals(root: Path, name: str) -> Path:
    raw = root / IDX_SETS[name] / "raw"
    raw.mkdir(parents=True)
    for archive, content in IDX.items():
        (raw / archive).write_bytes(content)
    return raw


@pytest.mark.parametrize(
    ("split", "images", "labels"), [("train", IMAGES, LABELS), ("test", IMAGES[::-1], LABELS[::-1])]
)
def test_idx_originals_in_the_root_are_read_without_a_network(
    tmp_path: Path, idx_set: str, split, images, labels
) -> None:
    _put_originals(tmp_path, idx_set)
    found = data.read_split(idx_set, split, root=tmp_path)
    np.testing.assert_array_equal(found.images_nhwc[..., 0], images)
    assert found.labels_n.tolist() == labels.tolist()


def test_idx_originals_are_read_once(tmp_path: Path, idx_set: str) -> None:
    raw = _put_originals(tmp_path, idx_set)
    data.read_split(idx_set, "train", root=tmp_path)
    for archive in IDX:
        (raw / archive).unlink()
    assert len(data.read_split(idx_set, "test", root=tmp_path)) == len(LABELS)


def test_idx_originals_stay_as_they_are_beside_the_two_splits(tmp_path: Path, idx_set: str) -> None:
    raw = _put_originals(tmp_path, idx_set)
    data.read_split(idx_set, "train", root=tmp_path)
    splits = [f"{idx_set}/{split}.npz" for split in SPLITS]
    assert _files(tmp_path) == sorted(splits + [f"{IDX_SETS[idx_set]}/raw/{archive}" for archive in IDX])
    assert {archive: (raw / archive).read_bytes() for archive in IDX} == IDX


def test_another_checksum_is_refused_with_both(tmp_path: Path, idx_set: str) -> None:
    raw = _put_originals(tmp_path, idx_set)
    archive = "t10k-labels-idx1-ubyte.gz"
    (raw / archive).write_bytes(b"half")
    message = _message(idx_set, tmp_path)
    assert f"{raw / archive} has checksum (MD5) {_md5(b'half')}, expected {_md5(IDX[archive])}" in message
    assert "Delete it to have it downloaded, or put the original there." in message


def test_another_checksum_leaves_nothing_new(tmp_path: Path, idx_set: str) -> None:
    raw = _put_originals(tmp_path, idx_set)
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(b"half")
    before = _files(tmp_path)
    _message(idx_set, tmp_path)
    assert _files(tmp_path) == before


def _cifar_archive(folder: str, batches: dict[str, dict]) -> tuple[bytes, dict[str, str]]:
    """Pack pickles as the originals are packed; return the archive and the MD5 of every pickle."""
    contents = {name: pickle.dumps(batch, protocol=2) for name, batch in batches.items()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue(), {name: _md5(content) for name, content in contents.items()}


class _Python2Array:
    """Pixels that pickle as under Python 2, where the originals were made: the flags of the dtype are numbers."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __reduce__(self):
        dtype = _Call(np.dtype, ("u1", 0, 1), (3, "|", None, None, None, -1, -1, 0))
        state = (1, self.array.shape, dtype, False, self.array.tobytes())
        return np.ndarray.__reduce__(self.array)[0], (np.ndarray, (0,), b"b"), state


class _Call:
    def __init__(self, *parts: object) -> None:
        self.parts = parts

    def __reduce__(self):
        return self.parts


PIXELS = np.random.default_rng(1).integers(0, 256, (12, 3072), dtype=np.uint8)
FINE = [0, 99, 1, 2, 3, 4, 5, 6, 7, 8, 19, 11]


@pytest.fixture
def cifar10(tmp_path: Path, monkeypatch) -> Path:
    """A data root with a tiny original of CIFAR-10: two images in each of five batches, two to test on."""
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    batches = {
        name: {"data": _Python2Array(PIXELS[2 * i : 2 * i + 2]), "labels": [i, (i + 1) % 10]}
        for i, name in enumerate(names)
    }
    content, md5 = _cifar_archive("cifar-10-batches-py", {**batches, "batches.meta": {"label_names": ["airplane"]}})
    return _as_original(tmp_path, monkeypatch, datasets.CIFAR10, content, md5, names[:5], names[5:], "batches.meta")


@pytest.fixture
def cifar100(tmp_path: Path, monkeypatch) -> Path:
    """A data root with a tiny original of CIFAR-100: ten images to train on and two to test on."""
    train = {"data": _Python2Array(PIXELS[:10]), "fine_labels": FINE[:10], "coarse_labels": [0] * 10}
    test = {"data": _Python2Array(PIXELS[10:]), "fine_labels": FINE[10:], "coarse_labels": [0] * 2}
    content, md5 = _cifar_archive(
        "cifar-100-python", {"train": train, "test": test, "meta": {"fine_label_names": ["apple"]}}
    )
    return _as_original(tmp_path, monkeypatch, datasets.CIFAR100, content, md5, ["train"], ["test"], "meta")


def _as_original(root: Path, monkeypatch, dataset, content: bytes, md5, train, test, meta: str) -> Path:
    monkeypatch.setattr(dataset, "tgz_md5", _md5(content))
    monkeypatch.setattr(dataset, "train_list", [[name, md5[name]] for name in train])
    monkeypatch.setattr(dataset, "test_list", [[name, md5[name]] for name in test])
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": md5[meta]})
    monkeypatch.setattr(dataset, "url", _nobody())
    (root / dataset.filename).write_bytes(content)
    return root


def _as_pixels(images_nhwc: np.ndarray) -> np.ndarray:
    """Return images as CIFAR stores them: all red, then all green, then all blue."""
    return images_nhwc.transpose(0, 3, 1, 2).reshape(len(images_nhwc), -1)


def test_the_cifar10_original_is_read_in_its_order(cifar10: Path) -> None:
    train, test = (data.read_split("cifar10", split, root=cifar10) for split in SPLITS)
    np.testing.assert_array_equal(np.concatenate([_as_pixels(train.images_nhwc), _as_pixels(test.images_nhwc)]), PIXELS)
    assert (train.labels_n.tolist(), test.labels_n.tolist()) == ([0, 1, 1, 2, 2, 3, 3, 4, 4, 5], [5, 6])


def test_the_cifar100_original_is_read_with_its_fine_labels(cifar100: Path) -> None:
    train, test = (data.read_split("cifar100", split, root=cifar100) for split in SPLITS)
    np.testing.assert_array_equal(_as_pixels(train.images_nhwc), PIXELS[:10])
    assert [*train.labels_n, *test.labels_n] == FINE


def test_the_cifar100_original_gives_coarse_labels_by_the_table(cifar100: Path) -> None:
    train, test = (data.read_split("cifar100-coarse", split, root=cifar100) for split in SPLITS)
    assert [*train.labels_n, *test.labels_n] == [COARSE_OF_FINE[fine] for fine in FINE]


def test_another_checksum_of_the_cifar_archive_is_refused_with_both(cifar10: Path) -> None:
    archive = cifar10 / datasets.CIFAR10.filename
    archive.write_bytes(archive.read_bytes()[:100])
    message = _message("cifar10", cifar10)
    assert f"(MD5) {_md5(archive.read_bytes())}, expected {datasets.CIFAR10.tgz_md5}" in message


# --- the network


def test_without_a_network_the_message_says_what_to_bring(tmp_path: Path, idx_set: str) -> None:
    message = _message(idx_set, tmp_path)
    assert message.startswith(f"{idx_set}: could not be downloaded (")
    assert f"put {idx_set}/train.npz and {idx_set}/test.npz (images, labels) or the original archives" in message
    assert f"{IDX_SETS[idx_set]}/raw/train-images-idx3-ubyte.gz" in message
    assert f"into {tmp_path}, or use the data set digits, which needs no network." in message


def test_without_a_network_the_message_has_the_reason(tmp_path: Path, idx_set: str) -> None:
    assert "Connection refused" in _message(idx_set, tmp_path)


def test_without_a_network_no_file_is_left(tmp_path: Path, idx_set: str) -> None:
    _message(idx_set, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_cifar_says_what_to_bring(cifar10: Path) -> None:
    (cifar10 / datasets.CIFAR10.filename).unlink()
    message = _message("cifar10", cifar10)
    assert "could not be downloaded" in message
    assert "cifar-10-python.tar.gz" in message
    assert list(cifar10.iterdir()) == []


@contextlib.contextmanager
def _serving(answer: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on this machine and yield the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


class _Mirror(http.server.BaseHTTPRequestHandler):
    """Serves the tiny originals."""

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(self.content(IDX[self.path.strip("/")]))

    def content(self, original: bytes) -> bytes:
        return original

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _CutMirror(_Mirror):
    """Serves the first half of each file."""

    def content(self, original: bytes) -> bytes:
        return original[: len(original) // 2]


class _NoHttp(_Mirror):
    """Answers in a language that is not HTTP, as some gateways do."""

    def answer(self, content: bytes) -> None:
        self.wfile.write(b"please log in\r\n\r\n")


def _download(root: Path, monkeypatch, mirror: type[_Mirror]) -> data.Split:
    with _serving(mirror) as address:
        monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
        return data.read_split("mnist", "train", root=root)


@pytest.fixture
def tiny_mnist(monkeypatch) -> None:
    """MNIST whose originals are the tiny ones."""
    monkeypatch.setattr(datasets.MNIST, "resources", [(archive, _md5(content)) for archive, content in IDX.items()])


def test_what_is_not_here_is_downloaded(tmp_path: Path, monkeypatch, tiny_mnist) -> None:
    found = _download(tmp_path, monkeypatch, _Mirror)
    np.testing.assert_array_equal(found.images_nhwc[..., 0], IMAGES)


def test_a_download_leaves_the_two_splits_alone(tmp_path: Path, monkeypatch, tiny_mnist) -> None:
    _download(tmp_path, monkeypatch, _Mirror)
    assert _files(tmp_path) == ["mnist/test.npz", "mnist/train.npz"]


@pytest.mark.parametrize("mirror", [_CutMirror, _NoHttp])
def test_a_download_that_breaks_off_says_what_to_bring(tmp_path: Path, monkeypatch, tiny_mnist, mirror) -> None:
    with pytest.raises(DataError, match=r"mnist: could not be downloaded .* Without a network, put"):
        _download(tmp_path, monkeypatch, mirror)


@pytest.mark.parametrize("mirror", [_CutMirror, _NoHttp])
def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch, tiny_mnist, mirror) -> None:
    with pytest.raises(DataError):
        _download(tmp_path, monkeypatch, mirror)
    assert list(tmp_path.iterdir()) == []


# --- cut off in the middle


def test_an_interruption_while_fetching_leaves_nothing(tmp_path: Path, monkeypatch, idx_set: str) -> None:
    _put_originals(tmp_path, idx_set)
    before = _files(tmp_path)
    monkeypatch.setattr(np, "array", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        data.read_split(idx_set, "train", root=tmp_path)
    assert _files(tmp_path) == before


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch) -> None:
    def half(path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(npz.np, "savez", half)
    assert f"cannot be put into {tmp_path} (No space left on device)" in _message("digits", tmp_path)
    assert _files(tmp_path) == []


def test_a_process_that_dies_while_writing_leaves_no_split(tmp_path: Path) -> None:
    script = (
        "import os, sys, numpy, pathlib\n"
        "from edgecnn import data\n"
        "def die(path, **arrays):\n"
        "    path.write_bytes(b'half')\n"
        "    os._exit(9)\n"
        "numpy.savez = die\n"
        "data.read_split('digits', 'train', root=pathlib.Path(sys.argv[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    assert not list(tmp_path.rglob("train.npz"))


def test_a_set_whose_fetching_died_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / ".train-0123456789ab.npz").write_bytes(b"half")
    assert len(data.read_split("digits", "train", root=tmp_path)) == 1438


def test_two_processes_may_fetch_the_same_set_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from edgecnn.data import *; read_split('digits', 'test', root=pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert [process.wait() for process in [subprocess.Popen(command) for _ in range(2)]] == [0, 0]
    assert _files(tmp_path) == ["digits/test.npz", "digits/train.npz"]
