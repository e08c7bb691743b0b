"""Each generated project, built with its own tools and run: its self-test passes, and fails where it has to."""

import http.server
import importlib.util
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest

from edgecnn import golden, onnx_file, zoo
from edgecnn.card import Golden, ImageInput
from edgecnn.embed import embed
from edgecnn.runtime.classifier import load

HERE = Path(__file__).parent
PASSED = re.compile(r"passed: \d+ golden images, the same labels, largest log-probability gap \S+ \(allowed 0\.3\), ")
FAILED = re.compile(
    r"FAILED: \d+ golden images, the same labels, largest log-probability gap 1\.1e\+0+ \(allowed 0\.3\), "
)

PROGRAMS = ("c", "cpp", *(pytest.param(f"{name}-sanitized", marks=pytest.mark.slow) for name in ("c", "cpp")))

Build = Callable[[Path], object]


@dataclass(frozen=True)
class Kit:
    """How a target is made ready, tested, and shown a picture."""

    build: Build
    selftest: list[str]
    classify: list[str]


def run(*command: object, cwd: Path, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=timeout, check=False
    )


def tool(name: str) -> str:
    """Return the path of a tool, or skip."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}, which is not installed")
    return found


def with_golden(golden_data: Golden, path: Path) -> Path:
    """Write mnist-compact with other golden data in its card."""
    file = zoo.find("mnist-compact")
    onnx_file.write_with_card(file.read_bytes(), replace(load(file).card, golden=golden_data), path)
    return path


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mnist-compact, whose card says of logarithms what is allowed."""
    file = zoo.find("mnist-compact")
    measured = golden.measured(file.read_bytes(), load(file).card.golden.images_nhwc)
    return with_golden(measured, tmp_path_factory.mktemp("whole") / "whole.onnx")


@pytest.fixture(scope="session")
def broken(whole: Path) -> Path:
    """The same with a card that has one small probability three times as large as the model gives."""
    own = load(whole).card.golden
    probabilities_nk = own.probabilities_nk.copy()
    probabilities_nk[3, probabilities_nk[3].argmin()] *= 3
    return with_golden(replace(own, answers={"probabilities": probabilities_nk}), whole.with_name("broken.onnx"))


@pytest.fixture(scope="session")
def node_modules(once) -> Path:
    """Both JavaScript packages, installed once; the registry may be out of reach."""
    npm = tool("npm")

    def install(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}')
        packages = ("onnxruntime-node", "onnxruntime-web")
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0")
        run(npm, "install", *options, *packages, cwd=folder, timeout=240)

    folder = once("npm", install) / "node_modules"
    if not (folder / "onnxruntime-web" / "package.json").is_file():
        pytest.skip("npm could not install onnxruntime-node and onnxruntime-web: no registry?")
    return folder


def openvino() -> Path:
    """Return the folder of OpenVINO's CMake files in its wheel, or skip."""
    spec = importlib.util.find_spec("openvino")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the headers of OpenVINO: pip install openvino")
    return Path(spec.submodule_search_locations[0]) / "cmake"


def onnxruntime(root: Path) -> Path:
    """Lay out ONNX Runtime as its release does: the library of the Python wheel, a stand-in for the header."""
    import onnxruntime

    libraries = sorted((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1*"))
    if not libraries:
        pytest.skip("the Python package of ONNX Runtime has no libonnxruntime.so here")
    (root / "lib").mkdir(parents=True)
    shutil.copytree(HERE / "ort", root / "include")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (root / "lib" / name).symlink_to(libraries[0])
    return root


@cache
def sanitizers(compiler: str) -> str:
    """Return the flags that stop a program at its first mistake in memory or arithmetic, or skip."""
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
    with TemporaryDirectory() as folder:
        source = Path(folder) / "nothing.c"
        source.write_text("int main(void) { return 0; }\n")
        built = run(tool(compiler), *flags.split(), source.name, "-o", "nothing", cwd=source.parent)
        if built.returncode or run(source.with_name("nothing"), cwd=source.parent).returncode:
            pytest.skip(f"{compiler} has no sanitizers here")
    return flags


def cmake(*options: str, flags: str = "") -> Build:
    tool("c++")
    strict = f"-Wall -Wextra -Werror {flags}"
    options = (f"-DCMAKE_C_FLAGS={strict}", f"-DCMAKE_CXX_FLAGS={strict}", *options)

    def build(folder: Path) -> None:
        for step in (("-B", "build", *options), ("--build", "build")):
            result = run(tool("cmake"), *step, cwd=folder)
            assert result.returncode == 0, result.stdout + result.stderr
            assert "warning:" not in result.stdout + result.stderr

    return build


def make_selftest(folder: Path) -> None:
    """Build the project that needs no runtime."""
    pytest.importorskip("emx_onnx_cgen")
    tool("cc")
    result = run(tool("make"), "selftest", "CFLAGS=-O1 -Werror", cwd=folder)
    assert result.returncode == 0, result.stderr


@pytest.fixture(
    params=[
        "python",
        *PROGRAMS,
        "c99",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("cpp-openvino", "node", "browser")),
    ]
)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(variant: str) -> str:
    return variant.partition("-")[0]


@pytest.fixture
def kit(variant: str, target: str, tmp_path: Path, request: pytest.FixtureRequest) -> Kit:
    """The tools of a target, or a skip that says what is missing."""
    if target == "python":
        return Kit(lambda folder: None, [sys.executable, "selftest.py"], [sys.executable, "classify.py"])
    if target == "c99":
        return Kit(make_selftest, ["./selftest"], [])
    if target in ("c", "cpp"):
        options = (f"-DORT_ROOT={onnxruntime(tmp_path / 'ort')}", "-DRUNTIME=onnxruntime")[: 1 + (target == "cpp")]
        if variant == "cpp-openvino":
            options = (f"-DOpenVINO_DIR={openvino()}", "-DRUNTIME=openvino")
        flags = sanitizers("cc") if variant.endswith("-sanitized") else ""
        return Kit(cmake(*options, flags=flags), ["build/selftest"], ["build/classify", "model.onnx"])
    modules = request.getfixturevalue("node_modules")

    def link(folder: Path) -> None:
        if not (folder / "node_modules").exists():
            (folder / "node_modules").symlink_to(modules)

    return Kit(link, [tool("npm"), "test"], [tool("node"), "classify.js"] if target == "node" else [])


def test_a_project_answers_as_its_model_and_notices_when_it_does_not(
    target: str, kit: Kit, whole: Path, broken: Path, tmp_path: Path
) -> None:
    app = embed(whole, target, tmp_path / "app").folder
    kit.build(app)
    result = run(*kit.selftest, cwd=app)
    assert result.returncode == 0, result.stdout + result.stderr
    assert PASSED.search(result.stdout)

    own = load(whole).card.golden
    if kit.classify:
        (app / "three.pgm").write_bytes(b"P5\n28 28\n255\n" + own.images_nhwc[3].tobytes())
        (app / "small.pgm").write_bytes(b"P5\n2 2\n255\nabcd")
        probabilities_k = own.probabilities_nk[3]
        label = load(whole).labels[int(probabilities_k.argmax())]
        assert run(*kit.classify, "three.pgm", cwd=app).stdout.startswith(f"three.pgm: {label}  ")
        refused = run(*kit.classify, "small.pgm", cwd=app)
        assert refused.returncode == 1
        assert "small.pgm: expected a binary PGM of 28x28, 0..255" in refused.stderr

    wrong = embed(broken, target, tmp_path / "wrong").folder
    for name in ("card.json", "golden.h"):
        if (wrong / name).exists():
            shutil.copy(wrong / name, app)
    kit.build(app)
    result = run(*kit.selftest, cwd=app)
    assert result.returncode == 1
    assert FAILED.search(result.stdout), result.stdout


LABELS = ["red " * 40 + "end", 'a "dog"  – ??/', "back\\slash"]


@pytest.fixture(scope="session")
def color(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 2x3 RGB pictures that names the strongest color, with labels that need care in a C header.

    Its card is one of before logarithms were compared.
    """
    helper, path = onnx.helper, tmp_path_factory.mktemp("color") / "color.onnx"
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["float", "axes"], ["sums"], keepdims=0),
        helper.make_node("Mul", ["sums", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        onnx.numpy_helper.from_array(np.array(0.002, np.float32), "scale"),
    ]
    image = helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["N", 2, 3, 3])
    outputs = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 3]) for name in ("logits", "probabilities")
    ]
    graph = helper.make_graph(nodes, "color", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    images_nhwc = np.random.default_rng(0).integers(0, 256, (5, 2, 3, 3), np.uint8)
    images_nhwc[np.arange(5), ..., np.arange(5) % 3] |= 128  # each color is the strongest in one of them at least
    probabilities_nk = golden.answers_alone(model.SerializeToString(), images_nhwc)
    card = replace(
        load("mnist-c1").card,
        labels=LABELS,
        input=ImageInput(2, 3, 3),
        golden=Golden(images_nhwc, {"probabilities": probabilities_nk}, 1e-4),
    )
    helper.set_model_props(model, card.metadata())
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("variant", ["python", *PROGRAMS, "c99", pytest.param("node", marks=pytest.mark.slow)])
def test_a_project_takes_colors_and_labels_of_all_kinds(target: str, kit: Kit, color: Path, tmp_path: Path) -> None:
    app = embed(color, target, tmp_path / "app").folder
    kit.build(app)
    result = run(*kit.selftest, cwd=app)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "passed: 5 golden images, the same labels, largest probability gap" in result.stdout
    classifier = load(color)
    for image in classifier.card.golden.images_nhwc if kit.classify else ():
        (app / "picture.ppm").write_bytes(b"P6 3 2 255\n" + image.tobytes())
        told = run(*kit.classify, "picture.ppm", cwd=app).stdout
        assert told.startswith(f"picture.ppm: {classifier.predict(image).label}  ")


@pytest.mark.parametrize("variant", [*PROGRAMS, pytest.param("cpp-openvino", marks=pytest.mark.slow)])
def test_a_program_refuses_a_model_with_other_classes(target: str, kit: Kit, tmp_path: Path) -> None:
    """It copies as many values as its own model has; another file may have fewer."""
    app = embed("mnist-compact", target, tmp_path / "app").folder
    kit.build(app)
    (app / "other.onnx").write_bytes(_with_four_classes())
    (app / "one.pgm").write_bytes(b"P5\n28 28\n255\n" + bytes(784))
    refused = run(app / "build" / "classify", "other.onnx", "one.pgm", cwd=app)
    assert refused.returncode == 1
    assert "the model has 4 classes, this project 10" in refused.stderr


def _with_four_classes() -> bytes:
    """Return a model that takes what mnist-compact takes, and answers four probabilities."""
    helper = onnx.helper
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        onnx.numpy_helper.from_array(np.ones((1, 4), np.float32), "weights"),
    ]
    image = helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["N", 28, 28, 1])
    answer = helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", 4])
    graph = helper.make_graph(nodes, "four", [image], [answer], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


WATCH = """<script>
  const verdict = document.getElementById("verdict");
  const tell = () => {
    const body = `${verdict.dataset.passed} ${document.querySelectorAll("canvas").length} ${verdict.textContent}`;
    fetch("/verdict", { method: "POST", body });
  };
  new MutationObserver(tell).observe(verdict, { childList: true });
</script></body>"""


def verdict_of(page: Path, profile: Path) -> str:
    """Open a folder's index.html in a real browser and return what its verdict becomes."""
    (page / "index.html").write_text((page / "index.html").read_text().replace("</body>", WATCH))
    told: queue.Queue[str] = queue.Queue()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(page))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
        )
        command = [tool("chromium"), *options, f"http://127.0.0.1:{server.server_address[1]}/"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                return told.get(timeout=60)
            finally:
                browser.terminate()
                server.shutdown()


@pytest.mark.slow
def test_the_page_answers_through_a_canvas_and_notices_when_it_does_not(
    node_modules: Path, whole: Path, broken: Path, tmp_path: Path
) -> None:
    tool("chromium")
    for model, expected in ((whole, "true"), (broken, "false")):
        page = embed(model, "browser", tmp_path / Path(model).stem).folder
        (page / "node_modules").symlink_to(node_modules)
        assert run(tool("node"), "runtime.js", cwd=page).returncode == 0
        passed, canvases, verdict = verdict_of(page, tmp_path / "profile").split(" ", 2)
        assert passed == expected
        assert int(canvases) == len(load(model).card.golden.images_nhwc)
        assert (PASSED if passed == "true" else FAILED).match(verdict)
        (page / "model.onnx").unlink()
    assert verdict_of(page, tmp_path / "profile") == "false 0 FAILED: model.onnx: 404 File not found"


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("c", "-DORT_ROOT=/nowhere", "ONNX Runtime was not found"),
        ("cpp", "-DRUNTIME=onnxruntime", "No runtime was found"),
    ],
)
def test_a_build_without_its_runtime_says_where_to_get_it(
    target: str, options: str, message: str, tmp_path: Path
) -> None:
    app = embed("mnist-c1", target, tmp_path / "app").folder
    result = run(tool("cmake"), "-B", "build", options, cwd=app)
    assert result.returncode == 1
    assert message in result.stderr
    assert "github.com/microsoft/onnxruntime/releases" in result.stderr
