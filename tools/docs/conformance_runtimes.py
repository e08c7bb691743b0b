"""The runtimes of the conformance page, and how the answers of one are held to those of ONNX Runtime in Python.

The two of JavaScript run what ``edgecnn embed`` writes of a classifier; ONNX Runtime's provider for OpenVINO is another
build of the same package, so a process of its own imports it. Other processors are those of ``--on emulated:…``: ARM64
under qemu, those of x86 by ``tools/processor.py``, which runs the same kernels at full speed. A detector is given its
golden page, and the page beside itself at another size.
"""

import functools
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import processor as kernels

from edgecnn.card import Golden
from edgecnn.devices.connection import Connection
from edgecnn.devices.place import Place, Python, place_of
from edgecnn.devices.session import DeviceSession, Settings
from edgecnn.embed import embed
from edgecnn.errors import DeviceError
from edgecnn.runtime import providers
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.detector import OUTPUTS, Detections, Detector
from edgecnn.runtime.load import load_model
from edgecnn.runtime.selftest import judged

ELSEWHERE = {"avx2": "x86-avx2", "sse": "x86-sse4", "arm64": "arm64"}  # of processors.py, and of --on emulated:…
OPENVINO_AS_IT_COMES = "OpenVINO as it comes"
FATAL_ONLY, ERRORS_ONLY = 4, 3
JAVASCRIPT = """
import { readFile } from "node:fs/promises";
import { load } from "./classifier.js";
import { goldenImages } from "./golden.js";
const { card, probabilities } = await load(async (name) => new Uint8Array(await readFile(name)));
const answers = [];
for (const { pixels } of goldenImages(card.golden)) answers.push(Array.from(await probabilities(pixels)));
console.log(JSON.stringify(answers));
"""

DETECTOR_JAVASCRIPT = """
import { readFile } from "node:fs/promises";
import * as ort from "PACKAGE";
const session = await ort.InferenceSession.create(new Uint8Array(await readFile("model.onnx")));
const answers = [];
for (const [shape, pixels] of JSON.parse(await readFile("frames.json", "utf-8"))) {
  const found = await session.run({ frame: new ort.Tensor("uint8", Uint8Array.from(pixels), shape) });
  answers.push(["boxes", "scores", "crops"].map((name) => [found[name].dims, Array.from(found[name].data)]));
}
process.stdout.write(JSON.stringify(answers), () => process.exit());
"""

Answer = NDArray[np.float32]
Images = list[NDArray[np.uint8]]  # (1, H, W, C) each
Tensors = list[NDArray[Any]]


@dataclass(frozen=True)
class Task:
    """The names of a file's input and of the outputs that are compared."""

    input: str
    outputs: tuple[str, ...]


CLASSIFY, DETECT = Task("image", ("probabilities",)), Task("frame", OUTPUTS)
Run = Callable[[Path, Images, Task], list[Tensors]]  # what comes out for each image, in the order of the task's outputs


@dataclass(frozen=True)
class Runtime:
    """``package`` is what has to be installed, for its version."""

    title: str
    package: str
    run: Run
    version: str | None


@dataclass(frozen=True)
class Cell:
    """The largest gap of a log-probability or score to ONNX Runtime in Python, or the reason why there is none."""

    gap: float | None
    conforms: bool
    reason: str = ""


def runtimes(modules: Path | None, provider: Path | None) -> list[Runtime]:
    """Return the runtimes, each with its version, or None where it is not installed."""
    version = _of_provider(provider)
    own = Runtime("ONNX Runtime with OpenVINO", "onnxruntime-openvino", partial(of_provider, folder=provider), version)
    python = [
        ("OpenVINO, float32", "openvino", partial(openvino, precision="f32")),
        (OPENVINO_AS_IT_COMES, "openvino", partial(openvino, precision=None)),
        ("OpenCV dnn", "opencv-python-headless", opencv),
        ("tract", "tract", tract),
        ("ONNX reference evaluator", "onnx", reference_evaluator),
    ]
    javascript = [
        ("ONNX Runtime in Node.js", "onnxruntime-node", partial(node, target="node", modules=modules)),
        ("ONNX Runtime Web", "onnxruntime-web", partial(node, target="browser", modules=modules)),
    ]
    return [
        *(Runtime(title, package, run, _installed(package)) for title, package, run in python[:2]),
        own,
        *(Runtime(title, package, run, _installed(package)) for title, package, run in python[2:]),
        *(Runtime(title, package, run, _npm_installed(package, modules)) for title, package, run in javascript),
    ]


def processors_elsewhere() -> list[Runtime]:
    """Return ONNX Runtime on the processors that are emulated, with its version there, or None where none is."""
    return [_emulated(level, name) for level, name in ELSEWHERE.items()]


def _emulated(level: str, name: str) -> Runtime:
    place: Place = place_of(f"emulated:{name}")
    if level in kernels.HIDDEN:
        place = Here(tuple(kernels.environment(level).items()))
    try:
        version = connection(place).hello.onnxruntime
    except DeviceError as error:
        print(error, file=sys.stderr)
        version = None
    return Runtime(name, "qemu-user-static", partial(on_device, place=place, settings=PLAIN), version)


def measure(runtime: Runtime, path: Path) -> Cell:
    """Compare one file in one runtime with ONNX Runtime in Python, one image at a time."""
    if runtime.version is None:
        return Cell(None, False, f"{runtime.package} is not installed")
    model = load_model(path)
    golden = model.card.golden
    task, images = (
        (DETECT, frames(golden)) if isinstance(model, Detector) else (CLASSIFY, list(golden.images_nhwc[:, None]))
    )
    try:
        found = runtime.run(path, images, task)
    except Exception as error:  # whatever a runtime raises is its reason
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Cell(None, False, f"{runtime.title}: {reason[:200]}")
    if isinstance(model, Detector):
        cells = [
            compare_detections(Detections(*own), model.detect(image[0]), golden.tolerance)
            for own, image in zip(found, images, strict=True)
        ]
        return min(cells, key=lambda cell: (cell.conforms, -(cell.gap or 0)))
    here = replace(golden, answers={"probabilities": _one_by_one(model, images)})
    return compare(np.concatenate([own[0] for own in found]), here)


def frames(golden: Golden) -> Images:
    """Return the golden page, and two of it side by side, cut where neither side is a multiple of 16."""
    page = golden.images_nhwc
    return [page, np.ascontiguousarray(np.concatenate([page, page], axis=2)[:, :-9, :-30])]


def compare(found_nk: Answer, golden: Golden) -> Cell:
    """Hold an answer to the golden one: the same labels, and within what the card allows."""
    verdict = judged(golden, golden.probabilities_nk, found_nk)
    gap = verdict.max_abs_probability_gap if golden.log_tolerance is None else verdict.max_abs_log_gap
    return Cell(gap, verdict.passed, "" if verdict.same_labels else "other labels")


def compare_detections(found: Detections, expected: Detections, tolerance: float) -> Cell:
    """Hold detections to the expected ones: as many, each where it should be, as confident, and cut out alike."""
    if len(found) != len(expected):
        return Cell(1.0, False, f"{len(found)} detections instead of {len(expected)}")
    nearest = np.abs(expected.boxes_m4[:, None] - found.boxes_m4).sum(2).argmin(1)
    gap = float(np.abs(found.scores_m[nearest] - expected.scores_m).max(initial=0))
    off = float(np.abs(found.boxes_m4[nearest] - expected.boxes_m4).max(initial=0))
    crops = np.abs(found.crops_mhwc[nearest].astype(float) - expected.crops_mhwc).mean((1, 2, 3)).max(initial=0)
    reason = f"a box is off by {off:.2g} pixels" if off > 1 else f"a crop is off by {crops:.2g}" if crops > 1 else ""
    return Cell(gap, gap <= tolerance and not reason, reason)


PLAIN = Settings("CPUExecutionProvider", {}, 1, ERRORS_ONLY)


@dataclass(frozen=True)
class Here:
    """This Python, with other variables."""

    variables: tuple[tuple[str, str], ...]
    name: str = "here"
    keeps_time: bool = True

    def command(self, code: str) -> list[str]:
        """Start it."""
        return ["env", *map("=".join, self.variables), sys.executable, "-c", code]

    def recorded(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was found."""
        return dict(facts)

    def install(self, packages: Sequence[str], python: Python) -> str:
        """Say what installs packages."""
        return "make conformance installs them."

    def unreached(self, code: int, said: Sequence[str]) -> DeviceError:
        """Say that it ended."""
        return DeviceError(f"Python ended with exit code {code}: {' '.join(said)}")


@functools.cache
def connection(place: Place) -> Connection:
    """Start a runner once for all files; it ends with this process."""
    return Connection(place)


def on_device(path: Path, images: Images, task: Task, *, place: Place, settings: Settings) -> list[Tensors]:
    """ONNX Runtime in another process, under an emulator or with another build of it."""
    session = DeviceSession(connection(place), path.read_bytes(), settings, {})
    return [session.run(task.outputs, {task.input: image}) for image in images]


def of_provider(path: Path, images: Images, task: Task, *, folder: Path) -> list[Tensors]:
    """ONNX Runtime with OpenVINO, as ``--provider openvino`` opens it: in float32, nothing left to the processor."""
    wanted = providers.get("openvino")
    before = os.pathsep.join([str(folder.resolve()), *sys.path])
    strict = [("session.disable_cpu_ep_fallback", "1")]
    settings = Settings(wanted.ORT_NAME, wanted.options(1), 1, FATAL_ONLY, strict)
    return on_device(path, images, task, place=Here((("PYTHONPATH", before),)), settings=settings)


def openvino(path: Path, images: Images, task: Task, *, precision: str | None) -> list[Tensors]:
    """OpenVINO on the processor; as it comes it takes bfloat16 where the processor has it."""
    import openvino

    options = {"INFERENCE_PRECISION_HINT": precision} if precision else {}
    model = openvino.Core().compile_model(path, "CPU", options)
    found = (model({task.input: image}) for image in images)
    return [[own[name].copy() for name in task.outputs] for own in found]


def opencv(path: Path, images: Images, task: Task) -> list[Tensors]:
    """OpenCV's dnn, with the engine it chooses."""
    import cv2

    network = cv2.dnn.readNetFromONNX(str(path))
    answers = []
    for image in images:
        network.setInput(image, task.input)
        answers.append([network.forward(name) for name in task.outputs])
    return answers


def tract(path: Path, images: Images, task: Task) -> list[Tensors]:
    """Sonos' tract; it knows outputs by their place."""
    import onnx
    import tract

    names = [output.name for output in onnx.load(path).graph.output]
    model = tract.onnx().load(path).into_model().into_runnable()
    return [[model.run([image])[names.index(name)].to_numpy() for name in task.outputs] for image in images]


def reference_evaluator(path: Path, images: Images, task: Task) -> list[Tensors]:
    """What the ONNX standard says, in NumPy."""
    from onnx.reference import ReferenceEvaluator

    model = ReferenceEvaluator(str(path))
    return [list(model.run(list(task.outputs), {task.input: image})) for image in images]


def node(path: Path, images: Images, task: Task, *, target: str, modules: Path) -> list[Tensors]:
    """The project for Node.js, or the page's files under Node.js; for a detector, the package itself."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app"
        if task is DETECT:
            return _detections_of_node(path, images, app, target, modules)
        embed(path, target, app)
        (app / "node_modules").symlink_to(modules.resolve())
        if target == "browser":
            subprocess.run(["node", "runtime.js"], cwd=app, check=True)
        return [[np.array([own], np.float32)] for own in _told_by_node(app, JAVASCRIPT)]


def _detections_of_node(path: Path, images: Images, app: Path, target: str, modules: Path) -> list[Tensors]:
    app.mkdir()
    (app / "node_modules").symlink_to(modules.resolve())
    shutil.copy(path, app / "model.onnx")
    told = [(image.shape, image.ravel().tolist()) for image in images]
    (app / "frames.json").write_text(json.dumps(told), encoding="utf-8")
    package = "onnxruntime-node" if target == "node" else "onnxruntime-web"
    types = (np.float32, np.float32, np.uint8)
    return [
        [np.array(data, dtype).reshape(shape) for (shape, data), dtype in zip(own, types, strict=True)]
        for own in _told_by_node(app, DETECTOR_JAVASCRIPT.replace("PACKAGE", package))
    ]


def _told_by_node(app: Path, script: str) -> list[Any]:
    command = ["node", "--input-type=module", "--eval", script]
    told = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
    if told.returncode:
        raise RuntimeError(next(line for line in told.stderr.splitlines() if "Error" in line))
    answers: list[Any] = json.loads(told.stdout)
    return answers


def _one_by_one(classifier: Classifier, images: Images) -> Answer:
    return np.concatenate([classifier.probabilities(image) for image in images])


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _of_provider(folder: Path | None) -> str | None:
    if folder is None:
        return None
    return next((found.version for found in importlib.metadata.distributions(path=[str(folder)])), None)


def _npm_installed(package: str, modules: Path | None) -> str | None:
    manifest = None if modules is None else modules / package / "package.json"
    if manifest is None or not manifest.is_file() or shutil.which("node") is None:
        return None
    return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
