"""What tests share: a data root, and one small real model trained, exported and quantized once a test run."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # tests import ONNX Runtime themselves

import numpy as np
import pytest
from brief import measure_briefly
from exporting import make_table_once
from filelock import FileLock
from hypothesis import settings
from PIL import Image
from s3 import S3, named

from edgecnn import data
from edgecnn.recipes.read import read

settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")
measure_briefly()

SMALL = {
    "epochs": 8,
    "batch_size": 32,
    "network.parameters": {"filters": [8, 16]},
    "data.subset": 800,
    "data.validation": 100,
    "precision": "fp32",
}


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker a core of its own: torch and ONNX Runtime take as many threads as affinity allows."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker) % len(cores)]})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "EDGECNN_REAL_DATA" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("realdata"):
            item.add_marker(pytest.mark.skip(reason="set EDGECNN_REAL_DATA to a data root that has the real data sets"))


def pytest_collection_finish() -> None:
    if "torch" in sys.modules:
        make_table_once()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of one test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def once(shared: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a file or folder of the shared folder once, whichever worker comes first."""

    def make(name: str, build: Callable[[Path], object]) -> Path:
        target, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                build(target)
                done.touch()
        return target

    return make


@pytest.fixture(scope="session")
def data_root(once) -> Path:
    """A data root with the embedded digits in it."""
    return once("data", lambda path: data.read_split("digits", "train", root=path))


@pytest.fixture(scope="session")
def real_data_root() -> Path:
    """The data root with the real data sets; tests that use it are marked realdata."""
    return Path(os.environ["EDGECNN_REAL_DATA"])


@pytest.fixture(scope="session")
def run(once, data_root: Path) -> Path:
    """A finished run: a small batch-norm network on 800 digits, three quarters right."""
    from edgecnn.train import train

    return once("run", lambda path: train(read("digits-compact", SMALL), path, root=data_root))


@pytest.fixture(scope="session")
def model(once, run: Path, data_root: Path) -> Path:
    """The run exported, a float32 model file."""
    from edgecnn.export import export

    return once("model.onnx", lambda path: export(run, path, root=data_root))


@pytest.fixture(scope="session")
def static_model(once, model: Path, data_root: Path) -> Path:
    """The model in its int8-static form."""
    from edgecnn.quantize import quantize

    return once("static.onnx", lambda path: quantize(model, path, method="static", root=data_root, seconds=0.1))


@pytest.fixture(scope="session")
def full_model(once, model: Path, data_root: Path) -> Path:
    """The model in its static form with weights of eight bits, which may saturate."""
    from edgecnn.quantize import quantize

    return once("full.onnx", lambda path: quantize(model, path, method="static-full", root=data_root, seconds=0.1))


@pytest.fixture(scope="session")
def broken_avif() -> bytes:
    """An AVIF whose decoder raises RuntimeError: the header is right, the coded picture is not."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)).save(buffer, "AVIF")
    content = bytearray(buffer.getvalue())
    start = content.index(b"mdat") + 4
    content[start : start + 16] = b"\xff" * 16
    with Image.open(io.BytesIO(content)) as picture, pytest.raises(RuntimeError):
        picture.load()  # not one of the exceptions that Pillow documents
    return bytes(content)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A server that speaks S3's protocol."""
    found = S3(tmp_path_factory.mktemp("s3"))
    yield found
    found.kill()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The server, and an environment that names it."""
    with named(s3_server, monkeypatch):
        yield s3_server
