"""What is written is what is read, and what is not as the types say is refused with its place."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

from edgecnn import documents
from edgecnn.bench import BenchReport
from edgecnn.errors import DocumentError
from edgecnn.tasks._detection.comparison import DetectionComparison
from edgecnn.verify import Comparison
from edgecnn.zoo import CHECKOUT, models_in

VERIFIED = sorted(CHECKOUT.glob("*/verify.json"))
MEASURED = sorted(CHECKOUT.glob("*/bench.json"))


@dataclass(frozen=True)
class Part:
    """One of several."""

    name: str
    share: float


@dataclass(frozen=True)
class Document:
    """One with every kind of field."""

    SCHEMA: ClassVar[int] = 2

    path: Path
    parts: tuple[Part, ...]
    pair: tuple[int, str]
    verdict: Literal["yes", "no"]
    either: int | list[str]
    counts: dict[str, int]
    anything: Any
    maybe: float | None = None


WHOLE = Document(Path("a/b"), (Part("x", 0.5),), (1, "one"), "yes", ["a"], {"k": 1}, {"deep": [None]}, 2.5)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
DRAWN = st.builds(
    Document,
    path=st.sampled_from([Path("a"), Path("/a/b c")]),
    parts=st.lists(st.builds(Part, share=FINITE), max_size=3).map(tuple),
    either=st.integers() | st.lists(st.text(max_size=3)),
    anything=st.none() | st.lists(st.text(max_size=3)),
    maybe=st.none() | FINITE,
)


@settings(deadline=None)
@given(DRAWN)
def test_a_document_survives_its_round_trip(document: Document) -> None:
    assert documents.from_json(Document, documents.to_json(document), "it") == document


def test_it_is_json_that_says_its_schema() -> None:
    assert json.loads(documents.to_json(WHOLE)) == {
        "path": "a/b",
        "parts": [{"name": "x", "share": 0.5}],
        "pair": [1, "one"],
        "verdict": "yes",
        "either": ["a"],
        "counts": {"k": 1},
        "anything": {"deep": [None]},
        "maybe": 2.5,
        "schema": 2,
    }


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), np.float64("-inf")])
def test_what_is_not_finite_is_null(figure: float) -> None:
    text = documents.to_json(replace(WHOLE, maybe=figure, anything=np.array([1.0, figure])))
    assert (json.loads(text)["maybe"], json.loads(text)["anything"]) == (None, [1.0, None])


def _drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


def _put(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.update(values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop("pair"), "it lacks pair."),
        (_put(more=1), "it has ['more'], expected only path, parts"),
        (_put(path=1), "it.path is 1, expected Path."),
        (_put(pair=[1]), "it.pair has 1 values, expected 2."),
        (_put(pair=[1, 2]), "it.pair[1] is 2, expected str."),
        (_put(parts=[{"name": "x"}]), "it.parts[0] lacks share."),
        (_put(parts=[{"name": "x", "share": None}]), "it.parts[0].share is None, expected float."),
        (_put(verdict="perhaps"), "it.verdict is 'perhaps', expected yes, no."),
        (_put(verdict=["yes"]), "it.verdict is ['yes'], expected yes, no."),
        (_put(either=1.5), "it.either is 1.5, expected int."),
        (_put(counts={"k": "v"}), "it.counts.k is 'v', expected int."),
        (_put(schema=3), "it has schema 3, this edgecnn reads up to 2. Use the one that wrote it."),
        (_put(schema="1"), "it has schema '1', this edgecnn reads up to 2."),
    ],
)  # fmt: skip
def test_what_is_not_as_the_types_say_is_refused_with_its_place(change: Any, said: str) -> None:
    document = json.loads(documents.to_json(WHOLE))
    change(document)
    with pytest.raises(DocumentError) as caught:
        documents.from_json(Document, json.dumps(document), "it")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("text", ["", "{", '{"maybe": NaN}', "[" * 200 + "]" * 200, '"\\ud800"', "1e999"])
def test_what_is_no_json_that_can_be_used_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match=r"^it is not JSON"):
        documents.from_json(Document, text, "it")


def test_an_array_whose_type_is_an_alias_is_read() -> None:
    """From numpy 2.5 on, on Python 3.12, NDArray is what a type statement makes."""
    scalar = TypeVar("scalar", bound=np.generic)
    array = TypeAliasType("array", np.ndarray[tuple[Any, ...], np.dtype[scalar]], type_params=(scalar,))
    kind = dataclass(type("Aliased", (), {"__annotations__": {"images": array[np.uint8]}}))
    images = np.arange(6, dtype=np.uint8).reshape(2, 3)
    read = documents.decode(kind, documents.encode(kind(images), packed=True), "aliased")
    np.testing.assert_array_equal(read.images, images)
    assert read.images.dtype == np.uint8


def test_a_part_passes_over_other_keys() -> None:
    text = json.dumps({"name": "x", "share": 1, "more": 2, "schema": 9})
    assert documents.from_json(Part, text, "it", whole=False) == Part("x", 1.0)


@pytest.mark.parametrize("path", VERIFIED + MEASURED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_evidence_of_the_zoo_is_read_and_written_again_as_it_is(path: Path) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    kind = BenchReport if path.stem == "bench" else DetectionComparison if "objects" in written else Comparison
    found = json.loads(documents.to_json(documents.read(kind, path)))
    assert _without_later(found, written) == written | {"schema": kind.SCHEMA}


def _without_later(found: Any, written: Any) -> Any:
    """Leave out the keys that came after the document was written; of those that it has, none may be lost."""
    if isinstance(found, dict) and isinstance(written, dict):
        return {key: _without_later(found[key], value) for key, value in written.items()} | {
            key: value for key, value in found.items() if key == documents.SCHEMA
        }
    if isinstance(found, list) and isinstance(written, list):
        return [_without_later(*pair) for pair in zip(found, written, strict=True)]
    return found


def test_every_model_has_evidence() -> None:
    assert len(VERIFIED) == len(MEASURED) == len(models_in(CHECKOUT)) > 5


def test_what_0_1_0_wrote_is_read() -> None:
    """It had no verdict, no family of processors, and no exact way for unsafe files."""
    written = json.loads((CHECKOUT / "mnist-compact" / "verify.json").read_text(encoding="utf-8"))
    verdict = written.pop("verdict"), written.pop("images_needed")
    found = documents.decode(Comparison, written, "it")
    assert (found.verdict, found.images_needed) == verdict == ("within", None)
    written["drop_pp_ci95"] = [-1.0, 9.0]
    assert documents.decode(Comparison, written, "it").verdict == "undecided"
    report = json.loads((CHECKOUT / "mnist-compact" / "bench.json").read_text(encoding="utf-8"))
    family = report["environment"].pop("family")
    for footprint in report["footprints"]:
        del footprint["exact_int8"]
    measured = documents.decode(BenchReport, report, "it")
    assert measured.environment.family == family
    assert {footprint.exact_int8 for footprint in measured.footprints} == {False}
