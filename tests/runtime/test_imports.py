"""What runs on a device never brings in what trains."""

import subprocess
import sys
from pathlib import Path

HEAVY = {
    "torch",
    "torchvision",
    "onnx",
    "onnxscript",
    "cv2",
    "sklearn",
    "scipy",
    "matplotlib",
    "pydantic",
    "typer",
    "rich",
}
REPORT = "\nimport sys; print(' '.join({name.partition('.')[0] for name in sys.modules}))"


def _modules_after(script: str, *arguments: str) -> set[str]:
    command = [sys.executable, "-c", script + REPORT, *arguments]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_importing_edgecnn_brings_in_nothing_at_all() -> None:
    assert not (HEAVY | {"numpy", "onnxruntime", "PIL"}) & _modules_after("import edgecnn")


def test_loading_and_predicting_bring_in_nothing_that_trains(model: Path) -> None:
    script = (
        "import sys, numpy, edgecnn\n"
        "edgecnn.load(sys.argv[1]).predict(numpy.zeros((50, 40, 3), numpy.uint8)).label.encode()\n"
        "assert 'onnxruntime' in sys.modules"
    )
    assert not HEAVY & _modules_after(script, str(model))


def test_files_and_the_self_test_bring_in_nothing_that_trains(model: Path) -> None:
    script = (
        "import sys, edgecnn\n"
        "from edgecnn.runtime.files import expand, predict_files\n"
        "from edgecnn.runtime.selftest import selftest\n"
        "classifier = edgecnn.load(sys.argv[1])\n"
        "assert selftest(classifier).passed\n"
        "assert [answer.error for answer in predict_files(classifier, expand(['missing.png']))] != [None]"
    )
    assert not HEAVY & _modules_after(script, str(model))
