"""A card survives its round trip; one that is broken says where."""

import ast
import contextlib
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgecnn.card import (
    CARD_KEY,
    SCHEMA,
    Calibration,
    DatasetRecord,
    FloatLayer,
    Golden,
    ImageInput,
    Measured,
    Mixture,
    ModelCard,
    Parity,
    Quantization,
    Score,
    beside,
)
from edgecnn.errors import CardError

CARD = ModelCard(
    name="small",
    form="int8-static",
    labels=["zero", "one", "it's"],
    input=ImageInput(4, 5, 1),
    network="compact",
    parameters=1234,
    dataset=DatasetRecord("mnist", 900, 100, 0, subset=1000, groups={"round": ["0", "8"], "other": ["1"]}),
    recipe={"epochs": 3, "optimizer": {"name": "adam", "lr": 0.001}, "augment": [1, None, True]},
    metrics=[Score("test", 100, "accuracy", 0.95)],
    parity=Parity(100, "mnist test split", "logits", 1e-4, 1e-5, 1.0),
    quantization=Quantization(
        "static", Calibration(2, 0, [3, 7]), Measured(100, 0.1, 0.5, [0.4, 0.6], "faster", True, "a machine")
    ),
    parent_sha256="ab" * 32,
    versions={"onnx": "1.23"},
    golden=Golden(
        np.arange(40, dtype=np.uint8).reshape(2, 4, 5, 1),
        {"probabilities": np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]], dtype=np.float32)},
        1e-4,
    ),
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def _goldens(draw, shape: tuple[int, int, int], classes: int) -> Golden:
    count = draw(st.integers(1, 3))
    probabilities = hnp.arrays(np.float32, (count, classes), elements=st.floats(0, 1, width=32))
    return Golden(draw(hnp.arrays(np.uint8, (count, *shape))), {"probabilities": draw(probabilities)}, draw(FLOATS))


@st.composite
def _cards(draw) -> ModelCard:
    wanted = ImageInput(draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.sampled_from([1, 3])))
    labels = draw(st.lists(st.text(max_size=8), min_size=1, max_size=5))
    recipe = st.dictionaries(st.text(max_size=5), JSON, max_size=3)
    drawn = st.builds(ModelCard, recipe=recipe, schema=st.just(SCHEMA))
    return replace(draw(drawn), labels=labels, input=wanted, golden=draw(_goldens(wanted.shape, len(labels))))


for _dataclass, _floats in ((Score, ["value"]), (Parity, ["tolerance", "max_abs_gap_below", "agreement"])):
    st.register_type_strategy(_dataclass, st.builds(_dataclass, **dict.fromkeys(_floats, FLOATS)))
st.register_type_strategy(
    Measured, st.builds(Measured, drop_pp=FLOATS, latency_ratio=FLOATS, latency_ratio_ci95=st.lists(FLOATS, max_size=2))
)
st.register_type_strategy(
    FloatLayer,
    st.builds(FloatLayer, snr_db=st.none() | FLOATS, alone_db=st.none() | FLOATS, drop_pp=FLOATS),
)
st.register_type_strategy(Mixture, st.builds(Mixture, static_drop_pp=FLOATS))
st.register_type_strategy(Golden, st.just(CARD.golden))


def _read(document: Any) -> ModelCard:
    return ModelCard.from_json(json.dumps(document), source="m.onnx")


def _document() -> dict[str, Any]:
    return copy.deepcopy(json.loads(CARD.to_json()))


@given(_cards())
def test_a_card_survives_its_round_trip_through_json(card: ModelCard) -> None:
    again = ModelCard.from_json(card.to_json(), source="m.onnx")
    assert replace(again, golden=CARD.golden) == replace(card, golden=CARD.golden)


@given(_cards())
def test_golden_data_survive_to_the_bit(card: ModelCard) -> None:
    again = ModelCard.from_json(card.to_json(), source="m.onnx").golden
    assert (again.images_nhwc.dtype, again.probabilities_nk.dtype) == (np.uint8, np.float32)
    assert again.images_nhwc.tobytes() == card.golden.images_nhwc.tobytes()
    assert again.probabilities_nk.tobytes() == card.golden.probabilities_nk.tobytes()
    assert again.images_nhwc.shape == card.golden.images_nhwc.shape


def test_whole_numbers_take_one_line_and_text_like_them_stays_as_it_is() -> None:
    text = replace(CARD, labels=["[\n 1,\n 2\n]", "b", "c"]).to_json()
    assert '"shape": [ 2, 4, 5, 1 ]' in text
    assert json.loads(text)["labels"][0] == "[\n 1,\n 2\n]"


def test_arrays_that_are_not_contiguous_survive() -> None:
    turned = np.asfortranarray(CARD.golden.images_nhwc)
    card = replace(CARD, golden=replace(CARD.golden, images_nhwc=turned))
    np.testing.assert_array_equal(_read(json.loads(card.to_json())).golden.images_nhwc, turned)


def test_groups_keep_the_order_that_their_labels_have() -> None:
    for groups in ({"b": ["1"], "a": ["0"]}, {"a": ["0"], "b": ["1"]}):
        card = replace(CARD, dataset=replace(CARD.dataset, groups=groups))
        assert list((_read(json.loads(card.to_json())).dataset.groups or {}).items()) == list(groups.items())


def test_labels_are_readable_in_the_text() -> None:
    assert '"Käse"' in replace(CARD, labels=["Käse", "→", "x"]).to_json()


def test_fields_with_a_default_may_be_absent() -> None:
    document = _document()
    del document["task"], document["dataset"]["groups"]
    assert (_read(document).task, _read(document).dataset.groups) == ("classification", None)


def test_a_whole_number_will_do_for_a_fraction() -> None:
    document = _document()
    document["metrics"][0]["value"] = 1
    assert isinstance(_read(document).metrics[0].value, float)


def _at(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets the entry at ``path`` (its parts separated by blanks)."""

    def change(document: Any) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split()]
        for part in parents:
            document = document[part]
        document[last] = value

    return change


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.pop(name)


BROKEN = {
    "missing field": (_without("labels"), "m.onnx: card lacks labels."),
    "unknown field": (
        _at("input depth", 3),
        "m.onnx: card.input has ['depth'], expected only height, width, channels.",
    ),
    "wrong type": (_at("name", 7), "m.onnx: card.name is 7, expected str."),
    "no list": (_at("labels", "zero"), "m.onnx: card.labels is 'zero', expected list"),
    "wrong entry": (_at("labels 1", 3), "m.onnx: card.labels[1] is 3, expected str."),
    "text for a number": (_at("input height", "4"), "m.onnx: card.input.height is '4', expected int."),
    "truth for a number": (_at("parameters", True), "m.onnx: card.parameters is True, expected int."),
    "fraction for a count": (_at("parameters", 1.5), "m.onnx: card.parameters is 1.5, expected int."),
    "text for a fraction": (
        _at("metrics 0 value", "high"),
        "m.onnx: card.metrics[0].value is 'high', expected float.",
    ),
    "deep inside": (
        _at("quantization calibration indices 1", 0.5),
        "m.onnx: card.quantization.calibration.indices[1] is 0.5, expected int.",
    ),
    "inside a mapping": (_at("versions onnx", 2), "m.onnx: card.versions.onnx is 2, expected str."),
    "null where it must not be": (_at("network", None), "m.onnx: card.network is None, expected str."),
    "no document": (_at("dataset", [1]), "m.onnx: card.dataset has [1], expected only name, train"),
    "no array": (_at("golden images_nhwc", [1, 2]), "m.onnx: card.golden.images_nhwc is not an array"),
    "broken base64": (
        _at("golden images_nhwc base64", json.loads(CARD.to_json())["golden"]["images_nhwc"]["base64"] + "?"),
        "m.onnx: card.golden.images_nhwc is not an array",
    ),
    "wrong dtype": (
        _at("golden images_nhwc dtype", "float32"),
        "card.golden.images_nhwc is not an array (dtype 'float32' in",
    ),
    "wrong size": (_at("golden images_nhwc shape", [9, 4, 5, 1]), "m.onnx: card.golden.images_nhwc is not an array"),
    "impossible size": (_at("golden images_nhwc shape", [2**70]), "m.onnx: card.golden.images_nhwc is not an array"),
    "other input": (
        _at("input width", 6),
        "m.onnx: golden images (2, 4, 5, 1) with probabilities (2, 3) do not fit input 4x6",
    ),
    "other labels": (_at("labels", ["zero", "one"]), "do not fit input 4x5 gray and 2 labels."),
    "golden images without count": (
        _at("golden images_nhwc", {"dtype": "uint8", "shape": [], "base64": "AA=="}),
        "m.onnx: golden images () with probabilities (2, 3) do not fit",
    ),
    "no golden images": (
        _at(
            "golden",
            {
                "images_nhwc": {"dtype": "uint8", "shape": [0, 4, 5, 1], "base64": ""},
                "answers": {"probabilities": {"dtype": "float32", "shape": [0, 3], "base64": ""}},
                "tolerance": 1e-4,
            },
        ),
        "m.onnx: golden images (0, 4, 5, 1) with probabilities (0, 3) do not fit",
    ),
    "other schema": (_at("schema", 3), "m.onnx: the card has schema 3, this edgecnn reads schema 1 and 2."),
    "truth for a schema": (_at("schema", True), "m.onnx: the card has schema True"),
    "no answers": (_at("golden answers", {}), "m.onnx: golden images (2, 4, 5, 1) with no answers do not fit"),
    "no schema": (_without("schema"), "m.onnx: the card has schema None"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_card_says_where(kind: str) -> None:
    change, expected = BROKEN[kind]
    document = _document()
    change(document)
    with pytest.raises(CardError) as caught:
        _read(document)
    assert expected in str(caught.value)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_card_says_what_to_do(kind: str) -> None:
    document = _document()
    BROKEN[kind][0](document)
    with pytest.raises(CardError, match="xport the model again"):
        _read(document)


@pytest.mark.parametrize("text", ["", "{", "card", '{"schema": 1,}'])
def test_a_card_that_is_no_json_says_so(text: str) -> None:
    with pytest.raises(CardError, match=r"m\.onnx: the card is not JSON"):
        ModelCard.from_json(text, source="m.onnx")


def test_json_that_is_no_object_says_what_it_is() -> None:
    with pytest.raises(CardError, match="schema 'list'"):
        _read([CARD.to_json()])


def _paths(node: Any, path: str = "") -> list[str]:
    """Return the path of every entry of a document, outermost first."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path.strip(), *(found for key, item in entries for found in _paths(item, f"{path} {key}"))]


@settings(max_examples=300)
@given(st.sampled_from(_paths(_document())[1:]), JSON)
def test_any_value_anywhere_gives_a_card_or_a_card_error(path: str, value: Any) -> None:
    document = _document()
    _at(path, value)(document)
    with contextlib.suppress(CardError):
        _read(document)


def test_the_names_key_is_the_dictionary_that_other_tools_parse() -> None:
    assert ast.literal_eval(CARD.metadata()["names"]) == {0: "zero", 1: "one", 2: "it's"}


@pytest.mark.parametrize(("channels", "expected"), [(1, "Gray8"), (3, "Rgb8")])
def test_the_pixel_format_key_is_that_of_onnx(channels: int, expected: str) -> None:
    card = replace(CARD, input=ImageInput(4, 5, channels))
    assert card.metadata()["Image.BitmapPixelFormat"] == expected


def test_the_other_image_keys_are_those_of_onnx() -> None:
    found = CARD.metadata()
    assert found["Image.ColorSpaceGamma"] == "SRGB"
    assert found["Image.NominalPixelRange"] == "NominalRange_0_255"


def test_the_metadata_hold_the_card_itself() -> None:
    assert ModelCard.from_metadata(CARD.metadata(), source="m.onnx").to_json() == CARD.to_json()


def test_a_file_without_a_card_says_what_it_has_and_what_makes_one() -> None:
    with pytest.raises(CardError) as caught:
        ModelCard.from_metadata({"names": "{}", "author": "x"}, source="m.onnx")
    assert str(caught.value) == (
        f"m.onnx: no edgecnn card in its metadata (found author, names; expected {CARD_KEY}). "
        "Make a file of a run with edgecnn export, of a file of others with: edgecnn adopt FILE"
    )


def test_the_card_lies_beside_its_model() -> None:
    assert beside(Path("exported/mnist-c1/int8.onnx")) == Path("exported/mnist-c1/int8.card.json")


@pytest.mark.parametrize(("channels", "expected"), [(1, "28x32 gray"), (3, "28x32 RGB")])
def test_an_input_reads_as_height_width_and_color(channels: int, expected: str) -> None:
    assert str(ImageInput(28, 32, channels)) == expected


def _in_schema_1(document: dict[str, Any], kind: str) -> dict[str, Any]:
    """Write a card as 0.1.0 did."""
    golden = document["golden"]
    answers = golden.pop("answers")
    golden["probabilities_nk"] = answers["probabilities" if kind == "classifier" else "scores"]
    if kind == "finder":
        golden["probabilities_nk"]["shape"].insert(0, 1)
        golden["boxes_m4"] = answers["boxes"]
    document["metrics"] = [
        {"split": score["split"], "images": score["images"], "accuracy": score["value"]}
        for score in document["metrics"]
    ]
    parity = document["parity"]
    parity["max_abs_logit_gap_below"] = parity.pop("max_abs_gap_below")
    del parity["output"], document["task"]
    return document | {"kind": kind, "schema": 1}


def test_a_card_of_schema_1_is_read_as_what_it_says() -> None:
    assert _read(_in_schema_1(_document(), "classifier")).to_json() == CARD.to_json()


def test_a_detectors_card_of_schema_1_gets_the_names_of_its_figures() -> None:
    answers = {"boxes": np.ones((3, 4), np.float32), "scores": np.float32([0.9, 0.8, 0.7])}
    golden = replace(CARD.golden, images_nhwc=CARD.golden.images_nhwc[:1], answers=answers)
    score, parity = replace(CARD.metrics[0], metric="f1"), replace(CARD.parity, output="maps", agreement=None)
    card = replace(CARD, task="detection", labels=["digit"], golden=golden, metrics=[score], parity=parity)
    assert _read(_in_schema_1(json.loads(card.to_json()), "finder")).to_json() == card.to_json()


@pytest.mark.parametrize("part", ["metrics", "parity", "golden", "kind"])
def test_a_broken_card_of_schema_1_is_an_error_too(part: str) -> None:
    for value in (7, [7], {"shape": 7}, None):
        document = _in_schema_1(_document(), "classifier")
        with contextlib.suppress(CardError):
            _read(document | {part: value})
