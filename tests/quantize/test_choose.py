"""Which form is written: the preferred one with a card that says why, or none where the parent is."""

import contextlib
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgecnn import card as cards
from edgecnn import data, files, onnx_file
from edgecnn.bench.figures import Ratio
from edgecnn.contender import ClassifierContender, open_classifier
from edgecnn.data import Split
from edgecnn.errors import CardError, DataError, EdgecnnError, Int8Warning, ParityError, ProviderError
from edgecnn.quantize import Candidate, Quantized, choose, forms, quantize
from edgecnn.quantize.figures import SAFE, preferred_form, reason
from edgecnn.quantize.forms import Parent, dense, fp16, mixed, static
from edgecnn.runtime import providers
from edgecnn.runtime.classifier import load
from edgecnn.runtime.selftest import selftest
from edgecnn.tasks._classification import measuring
from edgecnn.tasks._classification.measuring import ClassificationYardstick
from edgecnn.verify.compare import read_for
from edgecnn.verify.gate import judge

RATIOS = {"faster": 0.5, "same": 1.0, "slower": 2.0, "too noisy": 1.0}
LATENCY = Ratio("model", "against", 1, 1, ratio=1.0, ratio_ci95=(1.0, 1.0), verdict="same")


def measured_as(verdict: str) -> Ratio:
    return replace(LATENCY, ratio=RATIOS[verdict], verdict=verdict)


def made_up(form: str, latency_ratio: float, *, better: bool) -> Candidate:
    drop = 0.0, (-1.0, 1.0), "undecided", 1534
    return Candidate(form, 100, 0.9, *drop, latency_ratio, (latency_ratio,) * 2, "faster", True, better, SAFE)


@pytest.fixture(scope="module")
def validation(model: Path, data_root: Path) -> Split:
    card = load(model).card
    return read_for(card.dataset, card.input.shape, "validation", root=data_root)


@pytest.fixture(scope="module")
def training(model: Path, data_root: Path) -> Split:
    card = load(model).card
    return read_for(card.dataset, card.input.shape, "train", root=data_root)


@pytest.fixture(scope="module")
def preferred(
    model: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Quantized, list[np.ndarray]]:
    """What auto does where int8-static is measured as faster, and the images that the quantizer calibrated with."""
    seen: list[np.ndarray] = []
    build = static.build

    def listening(parent: Parent, images_nhwc: np.ndarray) -> bytes:
        seen.append(images_nhwc)
        return build(parent, images_nhwc)

    def latency(form: Path, parent: Path, **how: object) -> Ratio:
        return measured_as("faster" if form.stem == "int8-static" else "slower")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static, "build", listening)
        patch.setattr(choose, "compare_latency", latency)
        target = tmp_path_factory.mktemp("auto") / "m.onnx"
        return quantize(model, target, root=data_root, max_drop_pp=100), seen


# What is better, and what is preferred


def measure(
    model: Path, validation: Split, tmp_path: Path, patch: pytest.MonkeyPatch, *, verdict: str, size: float, right: bool
) -> Candidate:
    """Measure a made-up form: as slow, as large (a share of the parent) and as right as asked for."""
    patch.setattr(choose, "compare_latency", lambda *paths, **how: measured_as(verdict))
    parent = perfect(open_classifier(model), validation)
    file = tmp_path / "form.onnx"
    file.write_bytes(bytes(round(model.stat().st_size * size)))
    form = replace(parent, form="made-up", file=file)
    patch.setattr(measuring, "open_classifier", lambda path: form if right else worst(form))
    card = load(model).card
    yardstick = ClassificationYardstick(card, parent, validation, validation)
    return choose.measure(file, model, replace(card, form="made-up"), yardstick, 0.5, 0.1, SAFE)


def perfect(opened: ClassifierContender, split: Split) -> ClassifierContender:
    """A contender that knows the labels."""
    answers = {image.tobytes(): label for image, label in zip(split.images_nhwc, split.labels_n, strict=True)}

    def classify(images_nhwc: np.ndarray) -> np.ndarray:
        return np.eye(len(split.names), dtype=np.float32)[[answers[image.tobytes()] for image in images_nhwc]]

    return replace(opened, answer=classify)


def worst(opened: ClassifierContender) -> ClassifierContender:
    return replace(opened, answer=lambda images_nhwc: -opened.answer(images_nhwc))


@pytest.mark.parametrize(
    ("verdict", "size", "right", "better"),
    [
        ("faster", 1.0, True, True),
        ("faster", 2.0, True, True),
        ("faster", 0.1, False, False),
        ("same", 0.70, True, True),
        ("same", 0.80, True, False),
        ("same", 0.1, False, False),
        ("slower", 0.1, True, False),
        ("too noisy", 0.1, True, False),
    ],
)
def test_better_is_accurate_and_faster_or_lighter(
    model: Path,
    validation: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: str,
    size: float,
    right: bool,
    better: bool,
) -> None:
    found = measure(model, validation, tmp_path, monkeypatch, verdict=verdict, size=size, right=right)
    assert (found.better, found.accurate, found.verdict) == (better, right, verdict)


def test_drop_of_a_form_is_measured_on_the_validation_images(
    model: Path, validation: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measure(model, validation, tmp_path, monkeypatch, verdict="faster", size=1, right=False)
    assert (found.validation_score, found.drop_pp) == (0, 100)


def test_the_parent_classifies_each_validation_image_once(model: Path, validation: Split) -> None:
    opened, seen = open_classifier(model), []

    def answer(images_nhwc: np.ndarray) -> np.ndarray:
        seen.append(len(images_nhwc))
        return opened.answer(images_nhwc)

    measured = ClassificationYardstick(load(model).card, replace(opened, answer=answer), validation, validation)
    scores = {measured.compare(model, 0.5).reference_score for _ in range(2)}
    assert scores == {measured.parent_score()}
    assert sum(seen) == len(validation)


def test_fastest_of_the_better_is_preferred() -> None:
    candidates = [made_up("a", 0.9, better=True), made_up("b", 0.6, better=True), made_up("c", 0.7, better=True)]
    assert preferred_form(candidates, "fp32") == "b"


def test_faster_that_is_not_better_is_not_preferred() -> None:
    candidates = [made_up("a", 0.1, better=False), made_up("b", 0.9, better=True)]
    assert preferred_form(candidates, "fp32") == "b"


def test_parent_is_preferred_where_nothing_is_better() -> None:
    assert preferred_form([made_up("a", 0.1, better=False)], "fp32") == "fp32"


def test_form_that_few_images_leave_undecided_is_called_so() -> None:
    said = reason([made_up("a", 0.5, better=True)], "a", 0.5)
    assert said == (
        "a is preferred: the fastest form that is better than the parent; "
        "its drop is undecided at the allowed 0.5 points, needs about 1,600 images"
    )


def test_form_that_is_shown_to_be_within_is_called_so() -> None:
    shown = replace(made_up("a", 0.5, better=True), drop_verdict="within", images_needed=None)
    assert reason([shown], "a", 0.5).endswith("its drop is within the allowed 0.5 points (error rate at most 2.5 %)")


def test_equal_answers_on_the_validation_images_are_undecided(
    model: Path, validation: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 images show a drop of at most 3.7 points."""
    found = measure(model, validation, tmp_path, monkeypatch, verdict="faster", size=1, right=True)
    assert (found.drop_pp, found.drop_verdict, found.images_needed) == (0, "undecided", 3439)
    assert (found.accurate, found.better) == (True, True)
    assert found.drop_pp_ci95 == pytest.approx((-3.7, 3.7), abs=0.01)


# What auto writes


def test_auto_writes_the_preferred_form(preferred: tuple[Quantized, list]) -> None:
    result, _ = preferred
    assert (result.preferred, result.output_form) == ("int8-static", "int8-static")
    assert load(result.output).card.form == "int8-static"
    assert "int8-static is preferred" in result.reason


def test_auto_tries_every_form_but_the_one_to_be_looked_for(preferred: tuple[Quantized, list]) -> None:
    result, _ = preferred
    assert [(candidate.form, candidate.better) for candidate in result.candidates] == [
        ("int8-static", True),
        ("int8-dense", False),
        ("fp16", False),
    ]


def test_auto_leaves_nothing_but_the_file_and_its_card(preferred: tuple[Quantized, list]) -> None:
    result, _ = preferred
    assert sorted(path.name for path in result.output.parent.iterdir()) == ["m.card.json", "m.onnx"]
    assert cards.beside(result.output).read_text(encoding="utf-8") == load(result.output).card.to_json()


def test_auto_writes_nothing_where_nothing_is_better(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: measured_as("slower"))
    result = quantize(model, tmp_path / "m.onnx", root=data_root)
    assert (result.preferred, result.output_form) == ("fp32", "fp32")
    assert result.output == model
    assert list(tmp_path.iterdir()) == []
    assert result.reason.startswith("the parent stays preferred")
    assert "too noisy" not in result.reason


def test_auto_says_of_what_it_could_not_be_told(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: measured_as("too noisy"))
    result = quantize(model, tmp_path / "m.onnx", root=data_root)
    assert result.output == model
    assert "too noisy to tell of int8-static, int8-dense, fp16, which more --seconds" in result.reason


def test_size_of_a_candidate_is_that_of_its_file(preferred: tuple[Quantized, list]) -> None:
    result, _ = preferred
    assert result.candidates[0].size_bytes == result.output.stat().st_size


def test_default_name_is_beside_the_parent(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: measured_as("slower"))
    own = tmp_path / "mine-v0.5.onnx"
    own.write_bytes(model.read_bytes())
    assert quantize(own, method="dense", root=data_root).output == tmp_path / "mine-v0.5-dense.onnx"


# What the card says


def test_asked_for_form_is_written_whatever_it_is_worth(static_model: Path) -> None:
    assert load(static_model).card.form == "int8-static"


def test_card_names_the_parents_bytes(model: Path, static_model: Path) -> None:
    assert load(static_model).card.parent_sha256 == files.sha256(model)


def test_card_keeps_what_the_parent_says(model: Path, static_model: Path) -> None:
    parent, card = load(model).card, load(static_model).card
    for field in ("name", "labels", "input", "network", "parameters", "dataset", "recipe"):
        assert getattr(card, field) == getattr(parent, field), field
    assert card.parity is None


def test_card_has_the_measured_verdict(static_model: Path) -> None:
    card = load(static_model).card
    assert card.quantization is not None
    found = card.quantization.measured
    assert found is not None
    assert found.verdict in RATIOS
    assert found.latency_ratio_ci95[0] <= found.latency_ratio <= found.latency_ratio_ci95[1]
    assert found.preferred == (found.verdict == "faster" and found.drop_pp <= 0.5)
    assert found.machine
    assert found.drop_pp_ci95 is not None
    assert found.drop_pp_ci95[0] < found.drop_pp < found.drop_pp_ci95[1]
    assert (found.max_drop_pp, found.drop_verdict) == (0.5, judge(tuple(found.drop_pp_ci95), 0.5))


def test_card_has_the_measured_accuracy(static_model: Path, validation: Split) -> None:
    right = float((load(static_model).logits(validation.images_nhwc).argmax(1) == validation.labels_n).mean())
    (entry,) = load(static_model).card.metrics
    assert (entry.split, entry.images, entry.value) == ("validation", 100, pytest.approx(right))


def test_file_repeats_its_golden_images(static_model: Path) -> None:
    assert selftest(load(static_model)).passed


def test_file_keeps_opset_and_ir_version(static_model: Path) -> None:
    assert onnx_file.versions_of(static_model) == (21, 10)


# What it was calibrated with


def test_card_says_what_was_calibrated_with(preferred: tuple[Quantized, list[np.ndarray]], training: Split) -> None:
    result, (used,) = preferred
    card = load(result.output).card
    assert card.quantization is not None
    calibration = card.quantization.calibration
    assert calibration is not None
    assert (calibration.images, calibration.seed, len(set(calibration.indices))) == (512, 0, 512)
    assert np.array_equal(used, training.images_nhwc[calibration.indices])


@pytest.mark.parametrize("split", ["validation", "test"])
def test_calibration_never_uses_held_out_images(
    preferred: tuple[Quantized, list[np.ndarray]], model: Path, data_root: Path, split: str
) -> None:
    _, (used,) = preferred
    card = load(model).card
    held_out = read_for(card.dataset, card.input.shape, split, root=data_root)
    assert {image.tobytes() for image in used} & {image.tobytes() for image in held_out.images_nhwc} == set()


def yardstick(training: Split) -> ClassificationYardstick:
    return ClassificationYardstick(None, None, training, training)  # type: ignore[arg-type] - calibration needs no more


def test_calibration_shows_every_class_in_its_share(training: Split) -> None:
    drawn = training.labels_n[yardstick(training).calibration()[1].indices]
    shares = np.bincount(training.labels_n) * 512 / len(training)
    assert np.abs(np.bincount(drawn) - shares).max() <= 1


def test_few_images_leave_one_uncalibrated(training: Split) -> None:
    assert yardstick(training.take(np.arange(20))).calibration()[1].images == 19


# What is refused


def test_quantized_parent_is_an_error(static_model: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"static\.onnx: is int8-static already\. Quantize its float32 parent"):
        quantize(static_model, tmp_path / "m.onnx", root=data_root)


@pytest.mark.parametrize("output", ["own.onnx", "../{folder}/own.onnx", "m.bin"])
def test_output_that_is_the_parent_or_no_model_is_an_error(
    model: Path, data_root: Path, tmp_path: Path, output: str
) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(model.read_bytes())
    with pytest.raises(EdgecnnError, match=r"expected another file than the parent, ending in \.onnx, for -o"):
        quantize(own, tmp_path / output.format(folder=tmp_path.name), root=data_root)
    assert own.read_bytes() == model.read_bytes()


def test_data_that_is_missing_is_an_error(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        quantize(model, tmp_path / "m.onnx", dataset="folder:/not/here")
    assert list(tmp_path.iterdir()) == []


def test_data_with_other_labels_is_an_error(model: Path, tmp_path: Path) -> None:
    labels = np.arange(2000) % 2
    np.savez(tmp_path / "o.npz", images=np.zeros((2000, 28, 28), np.uint8), labels=labels, label_names=["cat", "dog"])
    with pytest.raises(DataError, match=r"answers 10 labels .* has 2"):
        quantize(model, tmp_path / "m.onnx", dataset=str(tmp_path / "o.npz"), method="dense")
    assert not (tmp_path / "m.onnx").exists()


def test_model_without_a_dense_layer_has_no_dense_form(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "unfit", lambda parent: "has no dense layer to quantize")
    parent = forms.parent_of(model)
    with pytest.raises(EdgecnnError, match=r"has no dense layer to quantize\. Use --method static"):
        choose._forms("dense", model, parent)
    assert choose._forms("auto", model, parent) == [static, fp16, mixed]


def test_images_of_the_split_are_those_of_the_training(training: Split, validation: Split, data_root: Path) -> None:
    whole = data.read_split("digits", "train", root=data_root)
    drawn = data.subset(whole, 800, 0)
    both = np.concatenate([training.images_nhwc, validation.images_nhwc])
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in drawn.images_nhwc)


# A form that does not hold


@pytest.fixture
def broken_static(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the static form fail its golden images, and every other form be slower."""
    check = onnx_file.check

    def failing(path: Path, **options: object) -> None:
        check(path, **options)
        if load(path).card.form.startswith("int8-static"):
            raise ParityError("opened again, the file does not repeat its golden images (gap 0.0506).")

    monkeypatch.setattr(onnx_file, "check", failing)
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: measured_as("slower"))


@pytest.mark.usefixtures("broken_static")
def test_a_form_that_fails_its_golden_images_is_a_candidate_that_lost(
    model: Path, data_root: Path, tmp_path: Path
) -> None:
    result = quantize(model, tmp_path / "m.onnx", root=data_root)
    assert [candidate.form for candidate in result.candidates] == ["int8-dense", "fp16"]
    assert [(lost.form, lost.stage) for lost in result.lost] == [("int8-static", "check")]
    assert "does not repeat its golden images (gap 0.0506)" in result.lost[0].reason
    assert (result.preferred, result.output) == ("fp32", model)


@pytest.mark.usefixtures("broken_static")
def test_a_form_that_was_asked_for_and_lost_is_an_error(model: Path, data_root: Path, tmp_path: Path) -> None:
    wanted = (
        r"quantize .*model\.onnx: int8-static was lost at its check: .*gap 0\.0506.*No file was written\. "
        "edgecnn quantize without --method tries every form"
    )
    with pytest.raises(ParityError, match=wanted):
        quantize(model, tmp_path / "m.onnx", method="static", root=data_root)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raised", "stage", "words"),
    [
        (ValueError("no schema for operator X"), "build", "quantizer does not take this graph (no schema for operator"),
        (None, "proof", "its int8 sums could saturate (25"),
    ],
)
def test_a_form_that_cannot_be_made_safe_is_lost(
    model: Path,
    data_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception | None,
    stage: str,
    words: str,
) -> None:
    """A quantizer that raises, and one that does not reduce the range."""

    def other(parent: Parent, images_nhwc: np.ndarray) -> bytes:
        if raised:
            raise raised
        return forms.get("static-full").build(parent, images_nhwc)

    monkeypatch.setattr(static, "build", other)
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: measured_as("slower"))
    (lost,) = quantize(model, tmp_path / "m.onnx", root=data_root).lost
    assert (lost.form, lost.stage) == ("int8-static", stage)
    assert words in lost.reason


def test_a_full_disk_is_not_the_forms_fault(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **more: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(static, "build", full)
    with pytest.raises(OSError, match="No space left"):
        quantize(model, tmp_path / "m.onnx", root=data_root)


# On another provider


def test_a_provider_that_is_not_there_is_said_before_anything_is_built(model: Path, tmp_path: Path) -> None:
    if providers.get("cuda").ORT_NAME in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has cuda")
    with pytest.raises(ProviderError, match="asked for provider cuda"):
        quantize(model, tmp_path / "m.onnx", root=tmp_path, provider="cuda")  # where no data are


def test_a_form_that_a_provider_answers_otherwise_is_lost(
    model: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = replace(selftest(load(model)), passed=False)
    monkeypatch.setattr(choose, "opened_on", lambda on, path, **how: contextlib.nullcontext(load(path)))
    monkeypatch.setattr(choose, "selftest", lambda opened: failed)
    found = quantize(model, tmp_path / "m.onnx", root=data_root, provider="cuda")
    assert {(lost.form, lost.stage) for lost in found.lost} == {
        ("int8-static", "self-test on cuda"), ("int8-dense", "self-test on cuda"), ("fp16", "self-test on cuda")
    }  # fmt: skip
    assert (found.preferred, found.output) == ("fp32", model)


# Safe on any processor


def test_full_range_is_made_only_when_it_is_asked_for(model: Path) -> None:
    parent = forms.parent_of(model)
    assert choose._forms("auto", model, parent) == [static, dense, fp16, mixed]
    assert choose._forms("static-full", model, parent) == [forms.get("static-full")]


def test_card_of_the_full_range_says_that_it_may_saturate(full_model: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Int8Warning)  # where this processor saturates
        card = load(full_model).card
    assert (card.form, card.quantization.overflow.safe) == ("int8-static-full", False)
    assert card.quantization.overflow.largest_pair_sum > card.quantization.overflow.bound


def test_card_of_every_other_form_has_the_proof(static_model: Path, preferred: tuple[Quantized, list]) -> None:
    for candidate in preferred[0].candidates:
        assert candidate.overflow.safe, candidate.form
    overflow = load(static_model).card.quantization.overflow
    assert (overflow.safe, overflow.bound) == (True, 128)
