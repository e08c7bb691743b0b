"""The same file in every runtime that is installed: real runtimes, what each answers, and which one is recommended."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from brief import measure_briefly, measure_fully
from onnx import numpy_helper

from edgecnn import documents
from edgecnn.bench import BenchReport, Load, bench, runtimes
from edgecnn.bench.everywhere import Answers, recommended, survey
from edgecnn.bench.figures import Ratio
from edgecnn.bench.worker import Worker
from edgecnn.errors import EdgecnnError, ModelError
from edgecnn.runtime.selftest import selftest

OPENCV, PLAIN = f"{runtimes.PREFIX}opencv", f"{runtimes.PREFIX}onnxruntime"
INSTALLED = {one.name for one in runtimes.states() if one.version}
HERE = [
    pytest.param(name, marks=pytest.mark.skipif(name not in INSTALLED, reason=f"{name} is not installed"))
    for name in runtimes.names()
]


@pytest.fixture(scope="module")
def report(model: Path, data_root: Path) -> Iterator[BenchReport]:
    measure_briefly()
    yield bench([model], threads=(1,), seconds=0.05, everywhere=True, dataset="digits", root=data_root)
    measure_fully()


@pytest.fixture(scope="module")
def damaged(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with other weights under the same card."""
    path = tmp_path_factory.mktemp("damaged") / "damaged.onnx"
    found = onnx.load(model)
    last = next(tensor for tensor in found.graph.initializer if len(tensor.dims) == 2)
    last.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(last), last.name))
    onnx.save(found, path)
    return path


# Runtimes


def test_finds_these_runtimes() -> None:
    names = ("ncnn", "node", "onnxruntime", "opencv", "openvino", "openvino-float32", "tract")
    assert runtimes.names() == names
    assert {"onnxruntime", "opencv"} <= INSTALLED  # by what tests are installed with


@pytest.mark.parametrize("name", HERE)
def test_golden_images_get_the_answers_of_the_card_one_by_one_and_as_a_batch(name: str, model: Path) -> None:
    opened, _ = runtimes.load_in(name, model, threads=1)
    assert opened.running_provider == runtimes.titled(name)
    if name == "openvino":  # bfloat16 where the processor has it
        assert np.argmax(opened.answers(opened.card.golden.images_nhwc)["probabilities"], axis=1).shape == (20,)
    else:
        found = selftest(opened)
        assert found.passed, found.gaps


def answered_in(name: str, model: Path) -> None:
    opened, _ = runtimes.load_in(name, model, threads=1)
    opened.answers(opened.card.golden.images_nhwc[:1])


@pytest.mark.parametrize("name", HERE)
def test_what_a_runtime_cannot_open_is_a_message_with_its_reason(name: str, model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    found = onnx.load(model)
    del found.graph.initializer[:]
    onnx.save(found, broken)
    with pytest.raises(ModelError) as raised:
        answered_in(name, broken)
    assert runtimes.get(name).TITLE in str(raised.value) or "pnnx" in str(raised.value)
    assert len(str(raised.value)) < 3000


def test_ncnn_is_not_given_a_quantized_file(static_model: Path) -> None:
    ncnn = runtimes.get("ncnn")
    with pytest.raises(ModelError, match="quantized"):
        ncnn._after_cast(static_model)


def test_a_graph_for_one_shape_answers_as_it_did(model: Path, tmp_path: Path) -> None:
    from edgecnn.bench.runtimes._found import fixed

    path = tmp_path / "fixed.onnx"
    onnx.save(fixed(model, (3, 28, 28, 1)), path)
    onnx.checker.check_model(path, full_check=True)
    first, _ = runtimes.load_in("onnxruntime", model, threads=1)
    images = first.card.golden.images_nhwc[:3]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [3, 28, 28, 1]
    assert np.allclose(session.run(["probabilities"], {"image": images})[0], first.answers(images)["probabilities"])


# A process of its own


def test_a_process_times_another_runtime_and_asks_it(model: Path, tmp_path: Path) -> None:
    with Worker(model, provider=OPENCV, threads=1) as worker:
        assert worker.provider.startswith("OpenCV dnn ")
        block = worker.blocks(1, Load())(5)
        assert len(block.calls_ns) == 5
        assert block.calls_ns.min() > 0
        golden = worker.golden_again()
        assert golden is not None
        assert golden.passed
        images = runtimes.load_in("onnxruntime", model, threads=1)[0].card.golden.images_nhwc
        np.save(tmp_path / "images.npy", images)
        assert worker.classes(tmp_path / "images.npy").shape == (len(images),)


def test_a_checkpoint_has_no_card_to_be_held_to(run: Path) -> None:
    with Worker(run, provider="cpu", threads=1) as worker:
        assert worker.golden_again() is None


# Everywhere


def test_each_installed_runtime_is_measured_beside_the_first(report: BenchReport, model: Path) -> None:
    found = [timing.provider for timing in report.contenders]
    assert found[0] == "CPUExecutionProvider"
    assert {runtimes.titled(name) for name in ("onnxruntime", "opencv")} <= set(found)
    assert len(report.comparisons) == len(found) - 1
    assert {(timing.model, timing.batch) for timing in report.contenders} == {(str(model), 1)}


def test_each_answers_golden_and_test_images(report: BenchReport) -> None:
    assert report.everywhere is not None
    assert report.everywhere.dataset == "digits"
    assert report.everywhere.images > 100
    by_runtime = {one.provider: one for one in report.everywhere.answers}
    for name in ("onnxruntime", "opencv"):
        one = by_runtime[runtimes.titled(name)]
        assert one.right
        assert one.agreement == 1.0
        assert one.accuracy == report.everywhere.answers[0].accuracy
        assert one.accuracy is not None
        assert 0.5 < one.accuracy < 1


def test_what_is_not_installed_is_named_with_what_installs_it(report: BenchReport) -> None:
    assert report.everywhere is not None
    missing = [one for one in runtimes.states() if one.version is None]
    said = {one.runtime: one.reason for one in report.everywhere.unmeasured if one.model is None}
    assert said == {one.title: f"not installed: {one.install}" for one in missing}


def test_one_is_recommended_in_each_setting(report: BenchReport) -> None:
    assert report.everywhere is not None
    (found,) = report.everywhere.recommended
    assert (found.batch, found.threads) == (1, 1)
    assert (found.model, found.provider) in {(one.model, one.provider) for one in report.contenders}


def test_a_saved_report_is_the_same_again(report: BenchReport) -> None:
    assert documents.from_json(BenchReport, documents.to_json(report), "here") == report


def test_a_report_from_before_says_nothing_of_it(report: BenchReport) -> None:
    document = documents.encode(report)
    del document["everywhere"]
    assert documents.decode(BenchReport, document, "here").everywhere is None


def test_other_weights_under_a_card_are_not_right_anywhere(model: Path, damaged: Path) -> None:
    found = survey([("cpu", model), ("cpu", damaged)], 1)
    right = {(one.model, one.provider): one.right for one in found.answers}
    assert right[str(model), runtimes.titled("opencv")]
    assert not any(value for (name, _), value in right.items() if name == str(damaged))


def test_what_a_runtime_does_not_take_is_left_out_with_its_reason(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "negated.onnx"
    found = onnx.load(model)
    node = next(node for node in found.graph.node if "logits" in node.output)
    node.output[0] = "before"
    found.graph.node.insert(
        list(found.graph.node).index(node) + 1, onnx.helper.make_node("Celu", ["before"], ["logits"], alpha=1.0)
    )
    onnx.save(found, path)
    surveyed = survey([("cpu", path)], 1)
    by_runtime = {one.runtime: one.reason for one in surveyed.unmeasured}
    taken = {name for name, _ in surveyed.contenders}
    assert {"cpu", PLAIN} <= taken
    assert (OPENCV in taken) != (runtimes.titled("opencv") in by_runtime)


def ratio(provider: str, value: float, verdict: str) -> Ratio:
    return Ratio("m", "m", 1, 1, value, (value * 0.98, value * 1.02), verdict, provider, "first")


def answers(provider: str, right: bool | None) -> Answers:
    return Answers("m", provider, right, "gaps", None, None, None)


def test_the_fastest_that_answers_right_is_recommended_and_a_faster_wrong_one_is_named() -> None:
    told = [answers("first", True), answers("wrong", False), answers("good", True), answers("slow", True)]
    found = [ratio("wrong", 0.4, "faster"), ratio("good", 0.7, "faster"), ratio("slow", 2.0, "slower")]
    (best,) = recommended(told, found)
    assert best.provider == "good"
    assert "0.70 (0.69..0.71)" in best.reason
    assert "not right: m on wrong" in best.reason


@pytest.mark.parametrize("verdict", ["same", "too noisy", "slower"])
def test_without_one_that_was_shown_to_be_faster_the_first_stays(verdict: str) -> None:
    (best,) = recommended([answers("first", True), answers("other", True)], [ratio("other", 0.97, verdict)])
    assert best.provider == "first"
    assert "nothing that answers right was shown to be faster" in best.reason


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"everywhere": True, "load": Load(fps=30)}, "back to back"),
        ({"everywhere": True, "on": "ssh://nobody@nowhere"}, "Leave out --on"),
        ({"dataset": "digits"}, "--data is for --everywhere"),
    ],
)
def test_what_does_not_go_together_is_refused(model: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(EdgecnnError, match=said):
        bench([model], **given)


def test_a_run_cannot_be_the_first(run: Path) -> None:
    with pytest.raises(EdgecnnError, match="is no model file"):
        bench([run], everywhere=True)


# Node.js


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_a_package_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = runtimes.get("node")
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.delenv("NODE_PATH", raising=False)
    assert node.version() is None
    package = tmp_path / "node_modules" / "onnxruntime-node"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1.2.3"}')
    assert node.version() == "1.2.3"
