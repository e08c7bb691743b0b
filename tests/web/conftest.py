"""The page, built once a test run by npm, browsers to open it in, and small real models for it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgecnn import golden as goldens
from edgecnn import zoo
from edgecnn.card import CARD_KEY, Golden, ImageInput
from edgecnn.digits.looks import FAR
from edgecnn.runtime.classifier import load
from edgecnn.web import open_server, site, url

SOURCE = Path(__file__).resolve().parents[2] / "web"
SIDE = 140
SLOTS = ((10, 90), (170, 90), (330, 90))  # the upper left corners of the places where the detector looks


MODEL = "mnist-compact"
REQUIRED = "EDGECNN_REQUIRE_BROWSERS"  # set where a test of the page must not be skipped, as in .ci/run
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP insecure.test 127.0.0.1",
)  # fmt: skip
# Firefox's own protocol has no themes, and Debian's not the words for them that Playwright 1.65 and later use.
UNSET = dict.fromkeys(("color_scheme", "reduced_motion", "forced_colors"), "null")
THEMES = {"dark": 0, "light": 1}  # what its preference of the theme means


def without(what: str) -> Any:
    """Skip, or fail where the tests of the page are required."""
    (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(what)


def tool(name: str) -> str:
    """Return the path of a tool, or do without."""
    return shutil.which(name) or without(f"needs {name}, which is not installed")


@pytest.fixture(scope="session")
def node() -> str:
    return tool("node")


@pytest.fixture(scope="session")
def built(once, node: str) -> Path:
    """The built page, as ``make web`` makes it; the registry may be out of reach."""
    npm = tool("npm")

    def build(folder: Path) -> None:
        source = folder.with_name("page-source")
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("node_modules"))
        options = ("--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0")
        subprocess.run([npm, "ci", *options], cwd=source, capture_output=True, timeout=240, check=False)
        if (source / "node_modules" / "onnxruntime-web" / "package.json").is_file():
            subprocess.run([node, "build.js", folder], cwd=source, capture_output=True, timeout=120, check=True)

    folder = once("page", build)
    if not folder.is_dir():
        without("npm could not install what the page is built with: no registry?")
    return folder


@pytest.fixture(scope="module")
def driver(built: Path) -> Iterator[Any]:
    """What drives the browsers, asked for after the page, without which there is nothing to open.

    It keeps an event loop running in this thread, which other modules may want for themselves.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(driver: Any) -> Callable[..., Any]:
    """Start Chromium, with further flags where a test needs them."""
    executable = tool("chromium")
    return lambda *flags: driver.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])


@pytest.fixture(scope="module")
def firefox(driver: Any) -> Callable[..., Any]:
    """Start Firefox as it is, not Playwright's own: it speaks WebDriver BiDi. A theme holds for all its pages."""
    executable = shutil.which("firefox-esr") or tool("firefox")

    def start(theme: str = "light") -> Any:
        preferences = {"layout.css.prefers-color-scheme.content-override": THEMES[theme]}
        options = {"executable_path": executable, "firefox_user_prefs": preferences}
        return driver.firefox.launch(channel="moz-firefox", **options)

    return start


@pytest.fixture(scope="module")
def browser(chromium: Callable[..., Any]) -> Iterator[Any]:
    """Chromium, started once for a module."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def fox(firefox: Callable[..., Any]) -> Iterator[Any]:
    """Firefox, started once for a module."""
    with firefox() as started:
        try:
            started.new_context(**UNSET).close()
        except Exception as error:  # Playwright's class of it is not imported where there is none
            without(f"this Playwright and this Firefox do not understand each other: {error}")
        yield started


class Visits:
    """The page, opened on models in a browser. Afterwards: every request went to its server, and it had nothing to
    complain about."""

    def __init__(self, built: Path, browser: Callable[[], Any]) -> None:
        self._built, self._browser = built, browser
        self.heard: list[str] = []
        self._contexts: list[Any] = []
        self._serving: list[Callable[[], object]] = []

    def __call__(self, model: str | Path = MODEL, *, by: Any = None, prepare: Any = None, **options: Any) -> Any:
        """Return the page, ready to be used; ``prepare`` gets it before it is opened, and nothing is waited for."""
        parts = {name: options.pop(name, None) for name in ("detector", "other")}
        address = self._serve(site(model, built=self._built, **parts), options)
        by = by or self._browser()
        unset = UNSET if by.browser_type.name == "firefox" else {}
        context = by.new_context(**{"service_workers": "block"} | unset | options)
        self._contexts.append(context)
        page = context.new_page()
        own, heard = (f"blob:{address}", address), self.heard
        page.on("request", lambda asked: heard.append(asked.url) if not asked.url.startswith(own) else None)
        page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(address)
        if not prepare:
            page.locator("main:not([aria-busy])").wait_for(timeout=120_000)
        return page

    def _serve(self, served: Any, options: dict[str, Any]) -> str:
        server = open_server(served, host=options.pop("host", "127.0.0.1"), port=0)
        if not options.pop("keep_alive", True):  # else a connection outlives a server that is closed
            server.RequestHandlerClass.protocol_version = "HTTP/1.0"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self._serving.extend([thread.join, server.server_close, server.shutdown])
        return options.pop("address", url(server)).replace("PORT", str(server.server_address[1]))

    def stop(self) -> None:
        """Stop the servers."""
        while self._serving:
            self._serving.pop()()

    def close(self) -> None:
        """End it all, and look at what was heard."""
        for context in self._contexts:
            context.close()
        self.stop()
        assert self.heard == []


@pytest.fixture
def visit(built: Path, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """Open the page for one test, in Chromium where no other browser is named."""
    visits = Visits(built, lambda: request.getfixturevalue("browser"))
    yield visits
    visits.close()


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector without weights: of four places, those with contrast are found, so that there may be none.

    The last place is the first again, with a score that is too low to count. From afar there is nothing.
    """
    places = (*SLOTS, SLOTS[0])
    corners = np.array([(x, y, x + SIDE, y + SIDE) for x, y in places], np.float32)
    boxes = np.array([(x, y, SIDE, SIDE) for x, y in places], np.float32)
    constants = {
        "corners": corners, "all_boxes": boxes,
        "all_scores": np.array([0.9, 0.8, 0.7, 0.1], np.float32), "batch": np.zeros(len(places), np.int64),
        "half": np.array(0.5, np.float32), "black": np.array(0, np.float32), "white": np.array(255, np.float32),
        "axes": np.array([1, 2, 3], np.int64), "contrast": np.array(64, np.float32),
        "first": np.array([0], np.int64), "second": np.array([2], np.int64), "far": np.array([FAR], np.int64),
    }  # fmt: skip
    node = helper.make_node
    nodes = [
        node("Cast", ["frame"], ["values_nhwc"], to=TensorProto.FLOAT),
        node("Transpose", ["values_nhwc"], ["values"], perm=[0, 3, 1, 2]),
        node("RoiAlign", ["values", "corners", "batch"], ["aligned"], coordinate_transformation_mode="half_pixel",
             output_height=28, output_width=28, sampling_ratio=0),
        node("Add", ["aligned", "half"], ["raised"]),
        node("Floor", ["raised"], ["rounded"]),
        node("Clip", ["rounded", "black", "white"], ["clipped"]),
        node("ReduceMax", ["clipped", "axes"], ["lightest"], keepdims=0),
        node("ReduceMin", ["clipped", "axes"], ["darkest"], keepdims=0),
        node("Sub", ["lightest", "darkest"], ["range"]),
        node("Greater", ["range", "contrast"], ["there"]),
        node("Shape", ["frame"], ["sides"]),
        node("Gather", ["sides", "second"], ["wide"], axis=0),
        node("Greater", ["wide", "far"], ["near"]),
        node("And", ["there", "near"], ["seen"]),
        node("NonZero", ["seen"], ["places"]),
        node("Squeeze", ["places", "first"], ["kept"]),
        node("Gather", ["all_boxes", "kept"], ["boxes"], axis=0),
        node("Gather", ["all_scores", "kept"], ["scores"], axis=0),
        node("Transpose", ["clipped"], ["all_crops"], perm=[0, 2, 3, 1]),
        node("Gather", ["all_crops", "kept"], ["float_crops"], axis=0),
        node("Cast", ["float_crops"], ["crops"], to=TensorProto.UINT8),
    ]  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "detector",
        [value("frame", TensorProto.UINT8, [1, "H", "W", 1])],
        [
            value("boxes", TensorProto.FLOAT, ["M", 4]),
            value("scores", TensorProto.FLOAT, ["M"]),
            value("crops", TensorProto.UINT8, ["M", 28, 28, 1]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    path = tmp_path_factory.mktemp("detector") / "detector.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def color(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 16x16 RGB pictures that names the strongest color."""
    node, value = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        node("ReduceMean", ["values", "axes"], ["means"], keepdims=0),
        node("Mul", ["means", "scale"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        numpy_helper.from_array(np.array(0.02, np.float32), "scale"),
    ]
    outputs = [value(name, TensorProto.FLOAT, ["N", 3]) for name in ("logits", "probabilities")]
    image = value("image", TensorProto.UINT8, ["N", 16, 16, 3])
    graph = helper.make_graph(nodes, "color", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    images_nhwc = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    golden = Golden(images_nhwc, {"probabilities": goldens.answers_alone(model.SerializeToString(), images_nhwc)}, 1e-4)
    card = replace(
        load("mnist-c1").card,
        name="color",
        labels=["red", "green", "blue"],
        input=ImageInput(16, 16, 3),
        golden=golden,
    )
    helper.set_model_props(model, card.metadata())
    path = tmp_path_factory.mktemp("color") / "color.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def rejecting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes every eight for nothing that it knows."""
    card = load("mnist-compact").card
    model = onnx.load(zoo.find("mnist-compact"))
    labels = ["none" if label == "8" else label for label in card.labels]
    for entry in model.metadata_props:
        if entry.key == CARD_KEY:
            entry.value = replace(card, labels=labels).to_json()
    path = tmp_path_factory.mktemp("rejecting") / "rejecting.onnx"
    onnx.save(model, path)
    return path
