"""Each planted fault is found, and nothing else; a good file has no finding; what ran is what ONNX Runtime says."""

import json
import platform
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import planted
import pytest

from edgecnn import documents
from edgecnn.audit import Audit, Finding, answer, audit
from edgecnn.audit.kinds import Kind
from edgecnn.audit.ran import BLOCKED, REORDERS
from edgecnn.errors import DataError, ModelError, ProviderError
from edgecnn.machine.cpu import X86

BRIEF = {"threads": 1, "seconds": 0.01}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("planted")

    def make(name: str) -> Path:
        path = folder / f"{name}.onnx"
        if not path.exists():
            planted.MADE[name](path)
        return path

    return make


@pytest.fixture(scope="module")
def audited(made) -> Callable[..., Audit]:
    known: dict[tuple[str, str | None], Audit] = {}

    def look(name: str, reference: str | None = None) -> Audit:
        if (name, reference) not in known:
            other = None if reference is None else made(reference)
            known[name, reference] = audit(made(name), other, **BRIEF)
        return known[name, reference]

    return look


@pytest.fixture(scope="module")
def blocks(audited) -> None:
    """Skip where float convolutions take no blocks of channels, as on some processors."""
    if not any(kernel.domain == BLOCKED for kernel in audited("good-float").kernels):
        pytest.skip("no kernel of this processor takes channels in blocks")


def found(audit: Audit) -> dict[str, list[str]]:
    return {finding.name: finding.nodes for finding in audit.findings}


@pytest.mark.parametrize(("name", "reference"), [("good-float", None), ("good-int8", "good-float")])
def test_a_good_file_has_no_finding_and_every_check_says_what_it_saw(audited, name: str, reference: str | None) -> None:
    told = audited(name, reference)
    assert (found(told), told.unseen) == ({}, [])
    assert len(told.fine) == 14
    assert "; nothing was found to change" in told.answer


@pytest.mark.parametrize(
    ("name", "check", "nodes"),
    [
        ("island", "float-layers", ["conv1", "conv2"]),
        ("gelu", "float-activations", ["act1"]),
        ("abs", "float-others", ["act1"]),
        ("unfused", "unfused-layers", ["conv1"]),
        ("dynamic", "dynamic", ["conv0_quant", "conv1_quant", "conv2_quant", "conv3_quant"]),
        ("wide", "unfused-layers", [f"conv{place}" for place in range(4)]),
        ("old", "opset", []),
    ],
)
def test_a_planted_fault_is_found_and_only_that(audited, name: str, check: str, nodes: list[str]) -> None:
    assert found(audited(name)) == {check: nodes}


@pytest.mark.skipif(platform.machine().lower() not in X86, reason="unsigned weights cost nothing elsewhere")
def test_unsigned_weights_are_found_and_what_signed_ones_bring_is_tried(audited) -> None:
    (finding,) = audited("unsigned").findings
    assert (finding.name, finding.nodes) == ("unsigned-weights", [f"conv{place}" for place in range(4)])
    assert re.search(r"a convolution of the size of conv\d takes \d\.\d\d of the time with int8 weights", finding.how)


def test_integers_that_no_kernel_takes_are_held_against_the_float32_file(audited) -> None:
    """Of 16 bits ONNX Runtime has no convolution, and there is none of 8 bits in the file to estimate by."""
    assert audited("wide").findings[0].brings is None
    (finding,) = audited("wide", "good-float").findings
    assert 0 <= finding.brings < 1
    assert "the layers of the float32 file take" in finding.how


@pytest.mark.usefixtures("blocks")
def test_channels_that_fill_no_blocks_are_found_and_only_these(audited) -> None:
    """30 is no multiple of four, so the convolution behind goes without blocks; 20 are computed as 24 or 32."""
    odd, filled = audited("odd"), audited("padded")
    assert found(odd) == found(filled) == {"channels": ["conv1", "conv2"]}
    assert "conv2: 30 channels to 32 go through FusedConv, not through blocks" in odd.findings[0].seen
    assert "conv1: 20 channels out are computed as" in filled.findings[0].seen
    assert any(kernel.operator in REORDERS for kernel in odd.kernels)


@pytest.mark.usefixtures("blocks")
def test_an_operator_that_leaves_the_layout_of_the_convolutions_is_named(audited) -> None:
    told = audited("layout")
    assert list(found(told)) == ["layout"]
    assert "(ReorderOutput, ReorderInput), for Abs" in told.findings[0].seen


def test_sums_that_may_overflow_are_found(audited) -> None:
    told = audited("full-range")
    assert list(found(told)) == ["saturation"]
    assert (told.findings[0].brings, "and 128 fit" in told.findings[0].seen) == (None, True)


def test_a_range_that_is_too_narrow_is_found_against_the_parent(audited) -> None:
    told = audited("narrow", "good-float")
    assert set(found(told)) <= {"ranges", "errors"}
    assert found(told)["ranges"][0] == "r1"
    assert [entry.name for entry in audited("narrow").unseen] == ["ranges", "errors"]


def test_what_is_found_brings_a_share_of_the_time_and_says_how_that_was_estimated(audited) -> None:
    for name in ("gelu", "unfused", "abs"):
        (finding,) = audited(name).findings
        assert 0 < finding.brings < 1
        assert finding.how
        assert f"change first: {finding.name}, which would bring up to" in audited(name).answer


def test_an_island_has_the_time_of_its_kernels_and_of_the_quantizers_around_them(audited) -> None:
    told = audited("gelu")
    around = [kernel for kernel in told.kernels if kernel.name in ("act1", "c1_DequantizeLinear", "r1_QuantizeLinear")]
    assert len(around) == 3
    assert told.findings[0].brings == pytest.approx(sum(kernel.share for kernel in around))


def test_kernels_are_those_of_the_runtime(audited, made) -> None:
    told = audited("good-int8", "good-float")
    assert sum(kernel.share for kernel in told.kernels) == pytest.approx(1)
    assert [kernel.index for kernel in told.kernels] == list(range(len(told.kernels)))
    assert all(set(kernel.before) <= set(range(kernel.index)) for kernel in told.kernels)
    convolutions = [kernel for kernel in told.kernels if kernel.operator == "QLinearConv"]
    assert [kernel.node for kernel in convolutions] == [f"conv{place}" for place in range(4)]
    assert {kernel.precision for kernel in convolutions} == {"int8"}
    assert all(kernel.snr_db is not None and kernel.snr_db > 20 for kernel in convolutions)
    (dense,) = [kernel for kernel in told.kernels if kernel.operator == "Gemm"]
    assert (dense.precision, dense.gives_output, dense.output_shape) == ("float32", True, [1, planted.CLASSES])
    assert {node.name for node in onnx.load(made("good-int8")).graph.node} >= {
        kernel.name for kernel in told.kernels if not kernel.inserted
    }


def test_kinds_are_side_by_side_and_add_up(audited) -> None:
    told = audited("good-int8", "good-float")
    kinds = {kind.kind: kind for kind in told.kinds}
    assert (kinds["int8 convolutions"].kernels, kinds["int8 convolutions"].reference_kernels) == (4, 0)
    assert (kinds["float32 convolutions"].kernels, kinds["float32 convolutions"].reference_kernels) == (0, 4)
    assert sum(kind.kernels for kind in told.kinds) == len(told.kernels)
    assert sum(kind.share for kind in told.kinds) == pytest.approx(1)
    assert told.ratio == pytest.approx(told.call_us / told.reference_call_us)
    assert told.ratio_range[0] <= told.ratio_range[1]


def test_what_is_told_is_a_document(audited) -> None:
    told = audited("gelu")
    again = documents.from_json(Audit, documents.to_json(told), "audit")
    assert again == told
    assert json.loads(documents.to_json(told))["schema"] == 1


def test_a_sentence_says_why_int8_is_slower_and_whether_the_machine_was_busy() -> None:
    kinds = [Kind("int8 convolutions", 4, 60.0, 0.5, 0, 0.0), Kind("float32 convolutions", 0, 0.0, 0.0, 4, 80.0),
             Kind("quantizing and back", 8, 50.0, 0.4, 0, 0.0), Kind("pooling", 1, 10.0, 0.1, 1, 20.0)]  # fmt: skip
    findings = [Finding("float-activations", ["a"], "", "", 0.25, ""), Finding("opset", [], "", "", None, "")]
    said = answer.sentence("m", "parent", kinds, findings, 1.2, (1.1, 1.3), busy=False)
    assert said == (
        "m is slower than parent (1.20 of its time, 1.10 to 1.30 round by round): of its kernels' time it saves on "
        "convolutions (20 %) and pooling (10 %), and it pays for quantizing and back (50 %); change first: "
        "float-activations, which would bring up to 25 % of the time."
    )
    assert "is neither faster nor slower" in answer.sentence("m", "p", kinds, [], 1.0, (0.9, 1.1), busy=False)
    alone = answer.sentence("m", None, kinds, findings[1:], None, None, busy=True)
    assert alone.endswith("nothing found would make it faster; see opset; the machine was busy, so measure again.")


def test_files_of_two_sizes_are_no_pair(made) -> None:
    with pytest.raises(ModelError, match=r"mnist-c1 takes images of 28x28x1, .* of 16x16x3; expected two files of one"):
        audit(made("gelu"), "mnist-c1", **BRIEF)


@pytest.mark.skipif("OpenVINOExecutionProvider" in onnxruntime.get_available_providers(), reason="it is there")
def test_a_provider_that_is_not_there_is_refused_by_the_name_of_the_file(made) -> None:
    with pytest.raises(ProviderError, match=r"gelu\.onnx: asked for provider openvino, but this onnxruntime offers"):
        audit(made("gelu"), provider="openvino", **BRIEF)


def test_images_of_a_data_set_need_a_card(made) -> None:
    with pytest.raises(DataError, match=r"has no card, so nothing says how images of digits go into it.*edgecnn adopt"):
        audit(made("gelu"), dataset="digits", **BRIEF)


def test_one_thread_as_quick_as_all_is_found_from_the_rounds(audited) -> None:
    from edgecnn.audit.checks import threads
    from edgecnn.audit.evidence import Evidence
    from edgecnn.audit.measuring import Measured
    from edgecnn.audit.ran import Ran

    def look(alone: list[float]) -> object:
        ran = Ran([], {}, linked=True, provider="cpu", threads=4, exact_int8=False)
        measured = Measured(ran, [100.0, 100.0], alone)
        return threads.look(Evidence(None, measured, None, {}, None, None, False, 21))

    assert look([90.0, 104.0]).how == "3 free cores, and a call that takes 1.04 of the time"
    assert look([90.0, 120.0]).seen == "one thread takes 0.90 to 1.20 of the time of 4"


def test_where_the_graph_that_ran_is_not_known_checks_say_so(made, tmp_path: Path) -> None:
    """As with providers that compile parts of it, which no file can hold."""
    from edgecnn.audit import checks
    from edgecnn.audit.evidence import Evidence
    from edgecnn.audit.found import Unseen
    from edgecnn.audit.measuring import Measured
    from edgecnn.audit.ran import ran
    from edgecnn.insight import graph, times
    from edgecnn.saturation import prove

    network = graph.read(made("gelu"))
    image = np.zeros(network.input.image_shape, np.uint8)
    profile = times.profiled(network, image, tmp_path, threads=1, runs=2, warm_up=1)
    found = ran(network, profile, tmp_path / "none.onnx")
    assert (found.linked, {tuple(kernel.before) for kernel in found.kernels}) == (False, {()})
    evidence = Evidence(network, Measured(found, [1.0], None), None, {}, None, prove(network.path), False, 21)
    unseen = {one.name: one.why for one in checks.look(evidence) if isinstance(one, Unseen)}
    assert set(unseen) >= {"unfused-layers", "float-layers", "float-activations", "channels", "layout"}
    assert unseen["layout"] == "what provider cpu makes of the graph is not known"


def test_the_zoos_file_finds_its_parent_and_what_keeps_it_in_float() -> None:
    told = audit("cifar10-fast", **BRIEF)
    assert (told.reference, told.reference_form, told.form) == ("cifar10-fast/fp32", "fp32", "int8-static")
    assert set(found(told)) == {"views", "float-activations"}
    assert found(told)["views"] == ["node_cat"]
    assert found(told)["float-activations"] == ["node_gelu", *(f"node_gelu_{place}" for place in range(1, 6))]
    assert (told.images, told.images_source) == (7, "golden images")
    assert "cifar10-fast/fp32" in told.answer


def test_float_files_of_the_zoo_are_audited_alone() -> None:
    assert audit("mnist-c1", **BRIEF).reference is None
    told = audit("cifar10-fast/fp32", **BRIEF)
    assert "views" in found(told)
    assert {kernel.snr_db for kernel in told.kernels} == {None}


@pytest.mark.slow
def test_a_detector_is_audited() -> None:
    told = audit("digit-finder", **BRIEF)
    assert told.reference == "digit-finder/fp32"
    assert {"unfused-layers", "float-layers", "float-activations"} <= {one.name for one in told.fine}
    assert sum(kernel.snr_db is not None for kernel in told.kernels) > 50


def test_errors_are_measured_on_training_images_of_a_data_set(model: Path, static_model: Path, data_root: Path) -> None:
    told = audit(static_model, model, dataset="digits", root=data_root, **BRIEF)
    assert (told.images, told.images_source) == (64, "training images of digits")
    assert np.isfinite([kernel.snr_db for kernel in told.kernels if kernel.operator == "QLinearConv"]).all()
