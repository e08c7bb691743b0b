"""Can it be shipped: each reason on its own, and that none says yes where it should not."""

from types import SimpleNamespace
from typing import Any

import pytest

from edgecnn.bench.figures import Ratio
from edgecnn.card import Score
from edgecnn.errors import DataError
from edgecnn.report import verdict
from edgecnn.report.subject import Quality
from edgecnn.report.verdict import Reason


def a_subject(**known: Any) -> Any:
    """What a reason looks at; the rest is not there."""
    source = SimpleNamespace(reference="fp32.onnx", dataset=known.pop("dataset", None))
    return SimpleNamespace(source=source, **known)


def quality(value: float, *, images: int = 10_000, split: str = "test", wide: float = 0.002) -> Quality:
    return Quality("accuracy", value, (value - wide, value + wide), images, split, "mnist", 0.1135)


def card(*scores: Score, **known: Any) -> Any:
    return SimpleNamespace(metrics=list(scores), **known)


@pytest.mark.parametrize(
    ("found", "stated", "weight", "said"),
    [
        (quality(0.99), 0.99, "for", "Accuracy 99.00% on 10,000 images"),
        (quality(0.99, split="validation"), 0.99, "open", "which it was chosen by"),
        (quality(0.99, wide=0.05), 0.99, "open", "so few images say little"),
        (quality(0.1135), 0.1135, "against", "no better than a guess"),
        (quality(0.95), 0.99, "against", "its card says 99.00%"),
    ],
)
def test_how_good_a_model_is(found: Quality, stated: float, weight: str, said: str) -> None:
    subject = a_subject(quality=found, card=card(Score("test", 10_000, "accuracy", stated)))
    reason = verdict._quality(subject)
    assert (reason.weight, said in reason.text) == (weight, True)


def test_a_card_says_nothing_of_other_images() -> None:
    subject = a_subject(quality=quality(0.8), card=card(Score("test", 10_000, "accuracy", 0.99)), dataset="folder:mine")
    assert verdict._quality(subject).weight == "for"


@pytest.mark.parametrize(("passed", "weight"), [(True, "for"), (False, "against")])
def test_the_selftest(passed: bool, weight: str) -> None:
    assert verdict._selftest(a_subject(selftest=SimpleNamespace(passed=passed, images=20))).weight == weight


@pytest.mark.parametrize(
    ("word", "weight"), [("within", "for"), ("beyond", "against"), ("undecided", "open"), (None, "for")]
)
def test_what_quantizing_cost_where_it_was_done(word: str | None, weight: str) -> None:
    measured = SimpleNamespace(drop_verdict=word, drop_pp=0.1, images=1000)
    quantized = card(parity=None, quantization=SimpleNamespace(measured=measured))
    assert verdict._parity(a_subject(card=quantized)).weight == weight


@pytest.mark.parametrize("quantization", [None, SimpleNamespace(measured=None)])
def test_a_file_that_was_never_compared_is_open(quantization: object) -> None:
    assert verdict._parity(a_subject(card=card(parity=None, quantization=quantization))).weight == "open"


@pytest.mark.parametrize(("word", "weight"), [("within", "for"), ("beyond", "against"), ("undecided", "open")])
def test_the_comparison_with_the_reference(word: str, weight: str) -> None:
    compared = SimpleNamespace(
        verdict=word,
        metric="accuracy",
        images=1000,
        drop_pp=0.3,
        drop_pp_ci95=(0.1, 0.5),
        images_needed=900,
        max_drop_pp=0.5,
    )
    assert verdict._same(a_subject(comparison=compared)).weight == weight


def test_a_negative_drop_is_said_as_a_rise() -> None:
    found = SimpleNamespace(verdict="within", metric="f1", images=2000, drop_pp=-0.14, drop_pp_ci95=(-0.4, 0.12))
    found.images_needed, found.max_drop_pp = None, 0.5
    said = verdict._same(a_subject(comparison=found)).text
    assert "F1 rises by 0.14 points (95 %: -0.12 to 0.40) on 2,000 images, within" in said
    measured = SimpleNamespace(drop_verdict="within", drop_pp=-0.14, images=1000)
    quantized = card(parity=None, quantization=SimpleNamespace(measured=measured))
    assert "it rose by 0.14 points on 1,000 images" in verdict._parity(a_subject(card=quantized)).text


def test_a_reference_that_was_not_compared_is_open() -> None:
    assert verdict._same(a_subject(comparison=None)).weight == "open"


@pytest.mark.parametrize(
    ("word", "own_bytes", "busy", "weight"),
    [
        ("faster", 50, None, "for"),
        ("same", 50, None, "for"),
        ("slower", 200, None, "against"),
        ("slower", 50, None, "open"),  # but smaller
        ("too noisy", 50, None, "open"),
        ("faster", 50, "something else kept 90% of the CPUs busy", "open"),
    ],
)
def test_latency(word: str, own_bytes: int, busy: str | None, weight: str) -> None:
    ratios = [Ratio("int8.onnx", "fp32.onnx", 1, threads, 1.0, (1.0, 1.0), word) for threads in (1, 2)]
    sizes = [
        SimpleNamespace(model="fp32.onnx", size_bytes=100),
        SimpleNamespace(model="int8.onnx", size_bytes=own_bytes),
    ]
    report = SimpleNamespace(comparisons=ratios, footprints=sizes, environment=SimpleNamespace(warning=busy))
    assert verdict._faster(a_subject(timings=report)).weight == weight


@pytest.mark.parametrize(
    ("overflow", "weights"),
    [(SimpleNamespace(safe=True), ["for"]), (SimpleNamespace(safe=False), ["open"]), (None, ["open"])],
)
def test_int8_on_other_processors(overflow: object, weights: list[str]) -> None:
    quantized = card(quantization=SimpleNamespace(overflow=overflow))
    assert [reason.weight for reason in verdict._int8(a_subject(card=quantized))] == weights
    assert list(verdict._int8(a_subject(card=card(quantization=None)))) == []


def test_what_could_not_be_measured_is_open_and_says_why() -> None:
    def look() -> Reason:
        raise DataError("no data set 'mnits'")

    assert verdict._tried("how good it is", look) == Reason("how good it is", "open", "Not shown: no data set 'mnits'")


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (("for", "for", "for"), "Yes: nothing that was checked speaks against it."),
        (("for", "open", "for"), "With care: nothing speaks against it, still open: b."),
        (("against", "open", "for"), "No, because of a."),
        (("against", "against", "against"), "No, because of a, b and c."),
    ],
)
def test_the_answer_names_what_it_hangs_on(weights: tuple[Any, ...], sentence: str) -> None:
    reasons = [Reason(about, weight, "") for about, weight in zip("abc", weights, strict=True)]
    assert verdict._sentence(reasons) == sentence
    assert sentence.lower().startswith(verdict._answer(reasons))
