"""A model repository and its client: what is written, and what the client says of a real server of the protocol.

The server is ``tests/v2server.py``, which holds graphs and requests to config.pbtxt as Triton does; Triton itself is in
no registry that tests can reach.
"""

import http.server
import importlib.metadata
import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import triton_config
import v2server
from embed.test_projects import LABELS, color  # noqa: F401 - a fixture
from google.protobuf import text_format

from edgecnn import files, load, load_detector, onnx_file, zoo
from edgecnn.embed import embed
from edgecnn.embed.targets import triton
from edgecnn.errors import EmbedError

MODEL, OTHER = "mnist-c1", "mnist-best"
PASSED = re.compile(r"passed: \d+ golden images, the same labels, largest log-probability gap \S+ \(allowed \S+\), ")


def client(app: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "client.py", *words]
    return subprocess.run(command, cwd=app, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)


def config_of(app: Path) -> Any:
    (path,) = app.glob("repository/*/config.pbtxt")
    return triton_config.read(path.read_text(encoding="utf-8"))


def halved(path: Path) -> None:
    """Put other weights into a model file: the largest tensor, halved."""
    model = onnx.load(path)
    floats = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    largest = max(floats, key=lambda tensor: np.prod(tensor.dims))
    largest.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(largest) * np.float32(0.5), largest.name))
    onnx.save(model, path)


def one_by_one(source: Path, path: Path) -> Path:
    """Write a model whose graph takes one image at a time, as some that are adopted do."""
    model = onnx.load(source)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, path)
    return path


def dependent(path: Path) -> Path:
    """Write a model whose card says that its answers depend on the whole batch."""
    source = zoo.find("mnist-compact")
    card = load(source).card
    found = replace(card.quantization, batch_dependent=True)
    onnx_file.write_with_card(source.read_bytes(), replace(card, quantization=found), path)
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embed(MODEL, "triton", tmp_path_factory.mktemp("triton") / "app").folder


@pytest.fixture
def app(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "app")


@pytest.mark.parametrize(
    ("binary", "versions"), [(True, True), (False, False)], ids=["bytes, versions", "json, no versions"]
)
def test_the_client_asks_as_the_server_announces(app: Path, binary: bool, versions: bool) -> None:
    answering = v2server.Answering(app / "repository", binary=binary, versions=versions)
    with v2server.serving(answering) as url:
        result = client(app, "selftest", "--url", url)
    assert (result.returncode, result.stderr) == (0, "")
    assert PASSED.match(result.stdout)
    assert set(answering.shapes) == {(1, 28, 28, 1)}
    posted = f"POST /v2/models/mnist-c1{'/versions/1' if versions else ''}/infer"
    assert answering.asked.count(posted) == len(load(MODEL).card.golden.images_nhwc)
    assert ("inference-header-content-length" in answering.headers[-1]) == binary


def test_pictures_get_the_labels_of_the_model(app: Path) -> None:
    golden = load(MODEL).card.golden.images_nhwc[:2]
    for index, image in enumerate(golden):
        (app / f"{index}.pgm").write_bytes(b"P5\n28 28\n255\n" + image.tobytes())
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        result = client(app, "predict", "--url", url, "0.pgm", "1.pgm")
    expected = [load(MODEL).predict(image) for image in golden]
    assert result.stdout.splitlines() == [
        f"{index}.pgm: {one.label}  {one.probability:.1%}" for index, one in enumerate(expected)
    ]
    assert result.returncode == 0


@pytest.mark.parametrize("binary", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["bytes", "json"])
def test_a_detector_is_asked_for_frames_of_any_size(tmp_path: Path, binary: bool) -> None:
    app, detector = embed("digit-finder", "triton", tmp_path / "app").folder, load_detector("digit-finder")
    frame_hw = np.ascontiguousarray(np.tile(detector.card.golden.images_nhwc[0, ..., 0], (1, 2))[20:, :250])
    (app / "frame.pgm").write_bytes(b"P5\n250 140\n255\n" + frame_hw.tobytes())
    (app / "white.pgm").write_bytes(b"P5\n40 30\n255\n" + b"\xff" * 1200)
    answering = v2server.Answering(app / "repository", binary=binary)
    with v2server.serving(answering) as url:
        tested = client(app, "selftest", "--url", url)
        told = client(app, "predict", "frame.pgm", "white.pgm", "--url", url)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.match(r"passed: (\d+) detections of \1, the same, largest log-score gap ", tested.stdout)
    found = detector.detect(frame_hw)
    assert len(told.stdout.splitlines()) == len(found) > 3
    (x, y, width, height), score = found.boxes_m4[0], found.scores_m[0]
    first = f"frame.pgm: digit  {score:.1%}  {width:.1f}x{height:.1f} at {x:.1f}, {y:.1f}"
    assert told.stdout.splitlines()[0] == first
    assert answering.shapes[-2:] == [(1, 140, 250, 1), (1, 30, 40, 1)]


def test_colors_and_labels_of_all_kinds(color: Path, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    app, classifier = embed(color, "triton", tmp_path / "app").folder, load(color)
    image = classifier.card.golden.images_nhwc[1]
    (app / "picture.ppm").write_bytes(b"P6 3 2 255\n" + image.tobytes())
    answering = v2server.Answering(app / "repository")
    with v2server.serving(answering) as url:
        tested, told = (client(app, *words, "--url", url) for words in (["selftest"], ["predict", "picture.ppm"]))
    assert tested.stdout.startswith("passed: 5 golden images, the same labels, largest probability gap")
    assert told.stdout.startswith(f"picture.ppm: {classifier.predict(image).label}  ")
    assert answering.models["color"].labels == LABELS


@pytest.mark.parametrize("model", [MODEL, "digit-finder"])
def test_other_weights_under_the_same_card_fail(model: str, tmp_path: Path) -> None:
    app = embed(model, "triton", tmp_path / "app").folder
    halved(app / "repository" / model / "1" / "model.onnx")
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        result = client(app, "selftest", "--url", url)
    assert result.returncode == 1
    assert result.stdout.startswith("FAILED: ")


def test_a_connection_that_stood_idle_is_opened_again(app: Path) -> None:
    answering = v2server.Answering(app / "repository")
    answering.hangs_up = True
    with v2server.serving(answering) as url:
        result = client(app, "selftest", "--url", url)
    assert result.returncode == 0, result.stderr


def test_headers_go_along_with_every_request(app: Path) -> None:
    answering = v2server.Answering(app / "repository")
    with v2server.serving(answering) as url:
        words = ("--header", "Host: mnist.example", "--header", "Authorization:Bearer x")
        assert client(app, "selftest", "--url", url, *words).returncode == 0
    told = {(headers["host"], headers["authorization"]) for headers in answering.headers}
    assert told == {("mnist.example", "Bearer x")}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--url", f"http://127.0.0.1:{free_port()}"], r"no answer \(.*refused.*\)\. Is the server started, and is"),
        (["--url", "localhost:8000"], r"is no URL of a server; expected one such as http://localhost:8000"),
        (["--url", "http://127.0.0.1:port"], r"is no URL of a server"),
        (["--version", "7"], r"mnist-c1: has the card of version 1, and not of 7\. Name one of these with --version"),
    ],
    ids=["nobody there", "no scheme", "no port", "no card"],
)
def test_nobody_to_ask(app: Path, words: list[str], message: str) -> None:
    result = client(app, "selftest", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.match(f"error: .*{message}", result.stderr)


def unready(answering: v2server.Answering) -> None:
    answering.ready = False


def unloaded(answering: v2server.Answering) -> None:
    answering.models.clear()


def only_version_3(answering: v2server.Answering) -> None:
    (model,) = answering.models.values()
    model.sessions["3"] = model.sessions.pop("1")


def of_other_sizes(answering: v2server.Answering) -> None:
    answering.models["mnist-c1"].config.input[0].dims[:] = [32, 32, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (unready, r"mnist-c1 is not ready \(400: no reason given\)\. It is not ready \(400\): models are being loaded"),
        (unloaded, r"has no model mnist-c1 to ask \(404: Request for .* is not found\)\. It is ready, so it has"),
        (only_version_3, r"has version 3 of mnist-c1, and not 1\. Have it loaded"),
        (of_other_sizes, r"version 1: has \['UINT8', 32, 32, 3\] for image, where its card here has \['UINT8', 28,"),
    ],
)
def test_a_server_without_the_model(app: Path, change: Callable[[v2server.Answering], None], message: str) -> None:
    answering = v2server.Answering(app / "repository")
    change(answering)
    with v2server.serving(answering) as url:
        result = client(app, "selftest", "--url", url)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.match(f"error: {url}: .*{message}", result.stderr)


def test_a_server_of_something_else(app: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = client(app, "selftest", "--url", f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    assert result.returncode == 2
    assert "answers /v2 with status 501, and is no server of the v2 protocol" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"P5\n2 2\n255\nabcd", "expected a binary PGM of 28x28, 0..255, without comments"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_what_is_no_picture_for_it(app: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (app / "wrong.pgm").write_bytes(content)
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        result = client(app, "predict", "wrong.pgm", "--url", url)
    assert result.returncode == 2
    assert result.stderr == f"error: wrong.pgm: {message}\n"


@pytest.mark.parametrize("words", [["predict"], ["selftest", "one.pgm"], ["test"], ["selftest", "--header", "Host"]])
def test_misuse_is_told(app: Path, words: list[str]) -> None:
    result = client(app, *words)
    assert result.returncode == 2
    assert "client.py: error: " in result.stderr


def test_a_batch_is_what_the_configuration_allows(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an application: as many images as max_batch_size at once, and the server's own words for one more."""
    monkeypatch.syspath_prepend(str(app))
    for name in ("client", "pictures", "golden"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import client as asking

    images_nhwc = np.random.default_rng(0).integers(0, 256, (33, 28, 28, 1), np.uint8)
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        server = asking.Server(url)
        model = asking.opened(server, *asking.known())
        found = model.infer(images_nhwc[:32])["probabilities"]
        with pytest.raises(asking.ServerError, match=r"refused \(33, 28, 28, 1\) \(400: .* batch-size must be <= 32\)"):
            model.infer(images_nhwc)
        with pytest.raises(TypeError, match="images are float32, expected uint8"):
            model.infer(images_nhwc.astype(np.float32))
        server.close()
    np.testing.assert_allclose(found, load(MODEL).probabilities(images_nhwc[:32]), atol=1e-6)


def test_the_configuration_of_a_classifier(app: Path) -> None:
    config = config_of(app)
    assert (config.name, config.backend, config.max_batch_size) == ("mnist-c1", "onnxruntime", 32)
    assert [(one.name, list(one.dims)) for one in config.input] == [("image", [28, 28, 1])]
    assert [(one.name, list(one.dims), one.label_filename) for one in config.output] == [
        ("logits", [10], "labels.txt"),
        ("probabilities", [10], "labels.txt"),
    ]
    assert config.dynamic_batching.max_queue_delay_microseconds == 100
    assert config.version_policy.latest.num_versions == 2
    assert [(one.count, one.kind) for one in config.instance_group] == [(2, 2)]
    assert [(one.name, one.batch_size) for one in config.model_warmup] == [("one", 1), ("most", 32)]
    parameters = {entry.key: entry.value.string_value for entry in config.parameters}
    assert parameters == {"intra_op_thread_count": "1", "sha256_of_version_1": files.sha256(zoo.find(MODEL))}
    labels = (app / "repository" / MODEL / "labels.txt").read_text(encoding="utf-8")
    assert labels.splitlines() == load(MODEL).labels


def test_the_configuration_of_a_detector(tmp_path: Path) -> None:
    app = embed("digit-finder", "triton", tmp_path / "app").folder
    config = config_of(app)
    assert (config.max_batch_size, config.HasField("dynamic_batching")) == (0, False)
    assert [(one.name, list(one.dims)) for one in config.input] == [("frame", [1, -1, -1, 1])]
    assert [(one.name, list(one.dims), one.label_filename) for one in config.output] == [
        ("boxes", [-1, 4], ""),
        ("scores", [-1], ""),
        ("crops", [-1, 28, 28, 1], ""),
    ]
    assert not (app / "repository" / "digit-finder" / "labels.txt").exists()
    (warmup,) = config.model_warmup
    assert (warmup.batch_size, len(warmup.inputs[0].value.dims), min(warmup.inputs[0].value.dims)) == (1, 4, 1)


@pytest.mark.parametrize(
    ("make", "most", "dims", "why"),
    [
        (lambda path: one_by_one(zoo.find(MODEL), path), 0, [1, 28, 28, 1], "the graph takes one image at a time"),
        (dependent, 1, [28, 28, 1], "the ranges of this form follow from the whole batch"),
    ],
    ids=["a graph of one", "a form that depends on the batch"],
)
def test_what_is_answered_alone_is_told_so(
    make: Callable[[Path], Path], most: int, dims: list[int], why: str, tmp_path: Path
) -> None:
    app = embed(make(tmp_path / "alone.onnx"), "triton", tmp_path / "app").folder
    config = config_of(app)
    assert (config.max_batch_size, list(config.input[0].dims)) == (most, dims)
    assert not config.HasField("dynamic_batching")
    assert why in (app / "repository" / "alone" / "config.pbtxt").read_text(encoding="utf-8")
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        assert client(app, "selftest", "--url", url).returncode == 0


def test_a_configuration_that_triton_would_refuse_is_refused_here(app: Path) -> None:
    """What holds the others: a field that is misspelled, and sizes that are not those of the graph."""
    path = app / "repository" / MODEL / "config.pbtxt"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("max_queue_delay_microseconds", "max_queue_delay"), encoding="utf-8")
    with pytest.raises(text_format.ParseError, match="max_queue_delay"):
        v2server.Answering(app / "repository")
    path.write_text(text.replace("dims: [ 10 ]", "dims: [ 11 ]"), encoding="utf-8")
    with pytest.raises(AssertionError, match="the graph has"):
        v2server.Answering(app / "repository")


def test_a_newer_model_is_the_next_version(app: Path) -> None:
    path = app / "repository" / MODEL / "config.pbtxt"
    edited = path.read_text(encoding="utf-8").replace("count: 2", "count: 4")
    path.write_text(edited, encoding="utf-8")
    added = embed(OTHER, "triton", app)
    home = f"repository/{MODEL}"
    assert added.files == ["cards/mnist-c1/2.json", f"{home}/2/model.onnx", f"{home}/config.pbtxt"]
    digest = files.sha256(zoo.find(OTHER))
    line = f'parameters {{ key: "sha256_of_version_2" value {{ string_value: "{digest}" }} }}\n'
    assert path.read_text(encoding="utf-8") == edited + line
    assert not [path for path in app.rglob(".*") if path.is_file()]

    answering = v2server.Answering(app / "repository")
    with v2server.serving(answering) as url:
        newest, before = (client(app, "selftest", "--url", url, *words) for words in ([], ["--version", "1"]))
    assert (newest.returncode, before.returncode) == (0, 0)
    asked = {path for path in answering.asked if path.startswith("POST")}
    assert asked == {f"POST /v2/models/{MODEL}/versions/{number}/infer" for number in (1, 2)}

    # Each version is held to its own card: the other's answers are not the same to it.
    cards = app / "cards" / MODEL
    (cards / "2.json").write_bytes((cards / "1.json").read_bytes())
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        assert client(app, "selftest", "--url", url).returncode == 1


@pytest.mark.slow
def test_a_third_version_leaves_the_first_to_the_repository_alone(app: Path, tmp_path: Path) -> None:
    embed(OTHER, "triton", app)
    third = tmp_path / "third.onnx"
    third.write_bytes(zoo.find(MODEL).read_bytes())
    halved(third)
    embed(third, "triton", app)
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        result = client(app, "selftest", "--url", url, "--version", "1")
    assert result.returncode == 2
    assert "has version 2, 3 of mnist-c1, and not 1." in result.stderr


def listing(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda path: MODEL, r"version 1 of mnist-c1 is the same file as mnist-c1\. Nothing to add"),
        (lambda path: "fashion-mnist-best", r"labels of its versions: '0', .*; of fashion-mnist-best: '.*name another"),
        (lambda path: "digit-finder", r"labels of its versions: '0', .*; of digit-finder: 'digit'"),
        (
            lambda path: one_by_one(zoo.find(OTHER), path),
            r"inputs and outputs of its versions: image TYPE_UINT8 \[-1, 28.*; of one: image TYPE_UINT8 \[1, 28",
        ),
        (dependent, r"most images a call of its versions: 32; of one: 1\. One configuration is for all versions"),
    ],
    ids=["the same file", "other labels", "another task", "another batch", "another form"],
)
def test_what_does_not_fit_the_versions_before_it_is_refused(
    model: Callable[[Path], str | Path], message: str, app: Path, tmp_path: Path
) -> None:
    before, given = listing(app), model(tmp_path / "one.onnx")
    with pytest.raises(EmbedError, match=message):
        embed(given, "triton", app)
    assert listing(app) == before


def test_a_folder_of_something_else_is_no_project(app: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbedError, match="is a folder that is not empty"):
        embed(OTHER, "python", app)
    (tmp_path / "two" / "repository" / "one" / "1").mkdir(parents=True)
    with pytest.raises(EmbedError, match="is a folder that is not empty"):
        embed(OTHER, "triton", tmp_path / "two")


def test_a_killed_version_is_made_again(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a version comes last and at once, so that a server finds it whole or not at all."""
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if target.name == "2":
            raise OSError(28, "No space left on device", str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        embed(OTHER, "triton", app)
    assert sorted(path.name for path in (app / "repository" / MODEL).iterdir()) == ["1", "config.pbtxt", "labels.txt"]
    monkeypatch.undo()
    embed(OTHER, "triton", app)
    assert (app / "repository" / MODEL / "2" / "model.onnx").read_bytes() == zoo.find(OTHER).read_bytes()
    assert len(config_of(app).parameters) == 3


def test_names_that_a_server_and_a_cluster_take(tmp_path: Path) -> None:
    path = tmp_path / "My model (é).onnx"
    path.write_bytes(zoo.find(MODEL).read_bytes())
    app = embed(path, "triton", tmp_path / "app").folder
    assert [home.name for home in (app / "repository").iterdir()] == ["My-model"]
    assert "\n  name: my-model\n" in (app / "kserve.yaml").read_text(encoding="utf-8")
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        assert client(app, "selftest", "--url", url).returncode == 0


def test_labels_are_one_a_line() -> None:
    card = replace(load(MODEL).card, labels=["a\nb", "c\r\n", "", "é"])
    assert triton.labels(card) == "a b\nc\n\né\n"


def test_the_file_for_kserve_names_the_repository_and_the_protocol(app: Path) -> None:
    yaml = pytest.importorskip("yaml")
    document = yaml.safe_load((app / "kserve.yaml").read_text(encoding="utf-8"))
    assert (document["kind"], document["metadata"]) == ("InferenceService", {"name": "mnist-c1"})
    model = document["spec"]["predictor"]["model"]
    assert (model["runtime"], model["protocolVersion"]) == ("kserve-tritonserver", "v2")
    assert model["storageUri"].endswith("/repository")


def test_the_official_client_asks_the_same_server(app: Path) -> None:
    """So the server of these tests speaks as NVIDIA's client expects Triton to."""
    official = pytest.importorskip("tritonclient.http")
    image_nhwc = load(MODEL).card.golden.images_nhwc[:3]
    given = official.InferInput("image", list(image_nhwc.shape), "UINT8")
    given.set_data_from_numpy(image_nhwc)
    with v2server.serving(v2server.Answering(app / "repository")) as url:
        asking = official.InferenceServerClient(url.removeprefix("http://"))
        assert asking.is_server_ready()
        assert asking.is_model_ready(MODEL, "1")
        assert asking.get_model_metadata(MODEL)["inputs"][0]["shape"] == [-1, 28, 28, 1]
        found = asking.infer(MODEL, [given], outputs=[official.InferRequestedOutput("probabilities")])
        asking.close()
    np.testing.assert_allclose(found.as_numpy("probabilities"), load(MODEL).probabilities(image_nhwc), atol=1e-6)


def test_fields_are_those_of_the_official_client(app: Path) -> None:
    """What reads config.pbtxt here has the names, numbers and types of Triton's own messages."""
    try:
        client_of_theirs = importlib.metadata.distribution("tritonclient")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs tritonclient, which brings Triton's ModelConfig")
    path = client_of_theirs.locate_file("tritonclient/grpc/model_config_pb2.py")
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    ours, wanted = (one.DESCRIPTOR for one in (triton_config.read("").__class__, theirs.ModelConfig))
    assert len(held_to(ours, wanted)) > 30
    (path,) = app.glob("repository/*/config.pbtxt")
    read = text_format.Parse(path.read_text(encoding="utf-8"), theirs.ModelConfig())
    assert read.parameters["sha256_of_version_1"].string_value == files.sha256(zoo.find(MODEL))


def held_to(ours: Any, theirs: Any) -> set[str]:
    """Compare all fields of a message, and of those in it, with another's; return which were compared."""
    compared = set()
    for name, field in ours.fields_by_name.items():
        other = theirs.fields_by_name[name]
        assert (field.number, field.type, field.is_repeated) == (other.number, other.type, other.is_repeated), name
        compared.add(f"{theirs.full_name}.{name}")
        if field.enum_type:
            values = {key: value.number for key, value in field.enum_type.values_by_name.items()}
            assert values.items() <= {key: one.number for key, one in other.enum_type.values_by_name.items()}.items()
        if field.message_type:
            compared |= held_to(field.message_type, other.message_type)
    return compared


def test_the_card_of_a_version_is_that_of_its_file(app: Path) -> None:
    card = json.loads((app / "cards" / MODEL / "1.json").read_text(encoding="utf-8"))
    assert (card["name"], card["labels"]) == (MODEL, load(MODEL).labels)
