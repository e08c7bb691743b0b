"""A search from a model file to a tuned one, with real sessions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn import tune
from edgecnn.bench.figures import Ratio
from edgecnn.card import ModelCard
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.machine import family, threads
from edgecnn.report.tuned import draw
from edgecnn.runtime.classifier import load
from edgecnn.runtime.selftest import selftest
from edgecnn.runtime.session import open_model
from edgecnn.runtime.settings import Settings
from edgecnn.tune import timing
from edgecnn.tune.timing import settings_to_try


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of earlier searches, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edgecnn" / "tune"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SCREEN_SECONDS", 0.01)


@pytest.fixture
def int8_wins(monkeypatch: pytest.MonkeyPatch, hurried: None) -> None:
    """Have the clock say what the test wants of it: one thread of int8 is twice as fast, all else is not."""
    timed = timing._timed

    def ratio(found: Ratio) -> Ratio:
        is_fast = Path(found.model).name == "int8-static-1.onnx"
        return replace(found, ratio=0.5, ratio_ci95=(0.4, 0.6), verdict="faster") if is_fast else replace(
            found, ratio=1.2, ratio_ci95=(1.1, 1.3), verdict="slower"
        )  # fmt: skip

    def doctored(*arguments: object) -> object:
        report = timed(*arguments)
        return replace(report, comparisons=[ratio(found) for found in report.comparisons])

    monkeypatch.setattr(timing, "_timed", doctored)


def test_threads_are_tried_in_powers_of_two_and_all() -> None:
    assert [one.threads for one in settings_to_try(6)] == [6, 6, 4, 4, 2, 2, 1]
    assert [one.spinning for one in settings_to_try(1)] == [True]


def test_what_is_faster_is_written_with_its_settings(
    model: Path, data_root: Path, tmp_path: Path, cache: Path, int8_wins: None
) -> None:
    found = tune(model, tmp_path / "tuned.onnx", root=data_root, seconds=0.02, max_drop_pp=20)
    assert (found.preferred.form, found.preferred.threads, found.preferred.verdict) == ("int8-static", 1, "faster")
    assert found.output == tmp_path / "tuned.onnx"
    opened = open_model(found.output)
    assert (opened.settings.threads, opened.settings.spinning) == (1, True)
    card = load(found.output).card
    assert [(one.family, one.threads, one.latency_ratio) for one in card.tuned or []] == [(family(), 1, 0.5)]
    assert card.quantization is not None
    assert card.quantization.measured is not None
    assert card.quantization.measured.latency_ratio == 1.2 or threads.available() == 1
    assert ModelCard.read_beside(found.output).to_json() == card.to_json()
    assert selftest(load(found.output)).passed
    assert found.tested is not None
    assert found.tested.images == 359
    assert found.tested.score == pytest.approx(found.tested.parent_score - found.tested.drop_pp / 100)
    assert draw(found).get_axes()[0].get_xlabel() == "latency over the parent's"


def test_where_nothing_is_faster_the_parent_stays_and_nothing_is_written(
    model: Path, data_root: Path, tmp_path: Path, cache: Path, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = timing._timed
    slower = {"ratio": 1.2, "ratio_ci95": (1.1, 1.3), "verdict": "slower"}
    monkeypatch.setattr(
        timing, "_timed", lambda *given: (lambda report: replace(
            report, comparisons=[replace(found, **slower) for found in report.comparisons]
        ))(timed(*given)),
    )  # fmt: skip
    found = tune(model, tmp_path / "tuned.onnx", root=data_root, seconds=0.02)
    assert found.preferred is found.variants[0]
    assert found.output == model
    assert found.tested is None
    assert list(tmp_path.glob("*.onnx")) == []
    assert found.reason.startswith("the parent stays")


def test_forms_are_made_once(
    model: Path, data_root: Path, tmp_path: Path, cache: Path, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask: Callable[[], object] = lambda: tune(model, tmp_path / "t.onnx", root=data_root, seconds=0.02, test=False)  # noqa: E731
    first = ask()
    kept = {path: path.stat().st_mtime_ns for path in sorted(cache.rglob("*.onnx"))}
    assert kept
    second = ask()
    assert {path: path.stat().st_mtime_ns for path in sorted(cache.rglob("*.onnx"))} == kept
    scores = [
        {(one.form, one.validation_score) for one in (*found.variants, *found.dropped)} for found in (first, second)
    ]
    assert scores[0] == scores[1]
    next(iter(kept)).write_bytes(b"broken")
    ask()
    assert next(iter(kept)).read_bytes() != b"broken"


def test_a_quantized_file_has_only_its_settings_tuned(
    static_model: Path, data_root: Path, tmp_path: Path, cache: Path, hurried: None
) -> None:
    found = tune(static_model, tmp_path / "t.onnx", root=data_root, seconds=0.02, test=False)
    assert {one.form for one in found.variants} == {"int8-static"}
    assert len(found.variants) + len(found.screened) == len(settings_to_try(threads.available()))


@pytest.mark.parametrize("settings", settings_to_try(2))
def test_the_same_answers_whatever_the_settings(model: Path, settings: Settings) -> None:
    images = load(model).card.golden.images_nhwc
    (logits,) = open_model(model, settings=settings).run(["logits"], {"image": images})
    assert np.allclose(logits, load(model).logits(images), atol=1e-5)


def test_limits_that_nothing_meets_are_said(
    model: Path, data_root: Path, tmp_path: Path, cache: Path, hurried: None
) -> None:
    with pytest.raises(ParityError, match=r"nothing is within the limits .*1,000 bytes.* The smallest that drops"):
        tune(model, tmp_path / "t.onnx", root=data_root, seconds=0.02, max_size_bytes=1_000)
    assert not (tmp_path / "t.onnx").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objective": "beauty"}, "expected latency, size, memory"),
        ({"seconds": 0}, "a positive time"),
        ({"output": "same"}, "expected another file than the model"),
    ],
)
def test_misuse_is_said(model: Path, data_root: Path, changes: dict[str, object], said: str) -> None:
    named = {"output": "t.onnx", "root": data_root, **changes}
    if named["output"] == "same":
        named["output"] = model
    with pytest.raises(EdgecnnError, match=said):
        tune(model, **named)
