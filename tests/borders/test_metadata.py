"""A card is read without an engine, in a few reads, and whatever the file holds ends in a card or in an error."""

import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgecnn
from edgecnn import metadata, zoo
from edgecnn.card import CARD_KEY
from edgecnn.documents import LONGEST
from edgecnn.errors import CardError, EdgecnnError, ModelError

MUTANTS = 2_000
READS_EVERY_CARD = """
import sys
for module in ("onnx", "onnxruntime", "torch"):
    sys.modules[module] = None  # whoever imports it gets an ImportError
import edgecnn
from edgecnn import zoo
for name, path in zoo.names().items():
    beside = edgecnn.ModelCard.read_beside(path)
    assert edgecnn.read_card(name).to_json() == beside.to_json(), name
print(len(zoo.names()))
"""


def number(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    high = [128 | value >> shift & 127 for shift in range(0, 70, 7) if value >> shift + 7]
    return bytes([*high, value >> 7 * len(high)])


def field(tag: int, content: bytes) -> bytes:
    return number(tag << 3 | 2) + number(len(content)) + content


def entry(key: bytes, value: bytes) -> bytes:
    return field(14, field(1, key) + field(2, value))


GRAPH = field(7, b"")


def test_every_card_of_the_zoo_is_read_where_no_engine_is_installed() -> None:
    read = subprocess.run([sys.executable, "-c", READS_EVERY_CARD], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stdout.strip()) == (0, str(len(zoo.names()))), read.stderr


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


@pytest.mark.parametrize("name", ["mnist-c1", "cifar10-fast/fp32"])
def test_the_graph_is_not_read(name: str) -> None:
    content = zoo.find(name).read_bytes()
    model = onnx.load_model_from_string(content)
    file = Counted(content)
    assert metadata._metadata(file, len(content)) == {prop.key: prop.value for prop in model.metadata_props}
    assert file.count < onnx.ModelProto(metadata_props=model.metadata_props).ByteSize() + 200


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=200), st.text(max_size=200)), max_size=6),
    st.text(max_size=300),
    st.integers(-(2**63), 2**63 - 1),
)
def test_reads_what_onnx_reads(entries: list[tuple[str, str]], doc: str, version: int) -> None:
    model = onnx.ModelProto(
        ir_version=10,
        model_version=version,
        doc_string=doc,
        graph=onnx.GraphProto(name=doc),
        opset_import=[onnx.OperatorSetIdProto(version=21)],
        metadata_props=[onnx.StringStringEntryProto(key=key, value=value) for key, value in entries],
    )
    content = model.SerializeToString()
    read = onnx.load_model_from_string(content)
    assert metadata.read_metadata(content) == {prop.key: prop.value for prop in read.metadata_props}


def test_a_name_a_path_and_bytes_give_the_card_that_a_session_gives(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    cards = [edgecnn.read_card(given) for given in ("mnist-c1", path, str(path), content)]
    assert {card.to_json() for card in cards} == {edgecnn.load(path).card.to_json()}


def mutants(content: bytes, document: bytes) -> Iterator[bytes]:
    """Yield files that are cut, have other lengths and numbers, or another card, each drawn from its number."""
    at = content.index(document)
    small = entry(CARD_KEY.encode(), document) + GRAPH
    for seed in range(MUTANTS):
        draw = random.Random(seed)
        given = bytearray(draw.choice((content, small)))
        change = seed % 5
        if change == 0:
            yield bytes(given[: draw.randrange(len(given))])
        elif change == 1:  # where the numbers of the first field are, or of the card's
            place = draw.choice((0, draw.randrange(64), given.index(CARD_KEY.encode()) - draw.randrange(1, 12)))
            given[max(place, 0) : place + draw.randrange(3)] = draw.randbytes(draw.randrange(1, 12))
            yield bytes(given)
        elif change == 2:  # a length that says anything
            place = given.index(CARD_KEY.encode()) - draw.randrange(1, 12)
            yield bytes(given[: max(place, 0)]) + number(draw.getrandbits(draw.choice((7, 14, 31, 32, 63)))) + given
        elif change == 3:
            for _ in range(draw.choice((1, 2, 8, 64))):
                given[draw.randrange(len(given))] ^= 1 << draw.randrange(8)
            yield bytes(given)
        else:
            changed = bytearray(document)
            for _ in range(draw.choice((1, 1, 2, 8))):
                changed[draw.randrange(len(changed))] = draw.choice(b'{}[],:"0-9eN\\\x00\xff')
            yield content[:at] + changed + content[at + len(document) :]


def in_schema_2(content: bytes) -> bytes:
    """The same file with its card written anew."""
    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, edgecnn.read_card(content).metadata())
    return model.SerializeToString()


@pytest.mark.parametrize("written", [bytes, in_schema_2], ids=["schema 1", "schema 2"])
def test_two_thousand_mutants_give_a_card_or_an_error_that_says_what_to_do(content: bytes, written) -> None:
    content = written(content)
    card = metadata.read_metadata(content)[CARD_KEY].encode()
    cards, errors = 0, []
    for mutant in mutants(content, card):
        try:
            edgecnn.read_card(mutant)
            cards += 1
        except EdgecnnError as error:
            errors.append(error)
    seen = {"card": cards} | {kind.__name__: sum(type(e) is kind for e in errors) for kind in (ModelError, CardError)}
    assert sum(seen.values()) == MUTANTS
    assert min(seen.values()) > 50, seen
    assert [error for error in errors if not str(error).startswith("model: ") or len(str(error)) > 1_000] == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "it has no graph"),
        (entry(b"a", b"b"), "it has no graph"),
        (b"<!doctype html>", "at byte 0 there is no field"),
        (b"\x00" * 100, "at byte 0 there is no field"),
        (number(7 << 3 | 3), "at byte 0 there is no field"),
        (b"\xff" * 20, "a number in it does not end"),
        (number(2**40 << 3 | 2) + b"\x00", "at byte 0 there is no field"),
        (number(7 << 3 | 2) + number(2**63), "field 7 has 9,223,372,036,854,775,808 bytes, and 0 are left"),
        (number(7 << 3 | 2), "it ends in the middle of a field"),
        (number(7 << 3 | 1) + b"1234567", "field 7 has 8 bytes, and 7 are left"),
        (GRAPH + field(14, number(1 << 3 | 2) + number(9) + b"short"), "field 1 has 9 bytes, and 5 are left"),
        (GRAPH + b"\x08\x00" * 200_000, "it has more than 100,000 fields"),
        (GRAPH + field(14, b"\x18\x00" * 200_000), "it has more than 100,000 fields"),
        (GRAPH + 4 * entry(b"key", b"x" * 10_000_000), "its metadata have more than 33,000,000 bytes"),
    ],
    ids=[
        "empty", "no graph", "a web page", "zeros", "a group", "an endless tag", "a tag of 43 bits", "2 ** 63 bytes",
        "no length", "a cut number", "a length inside", "many fields", "many fields inside", "much metadata",
    ],
)  # fmt: skip
def test_what_is_no_model_says_why(file: bytes, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        edgecnn.read_card(file)
    assert str(caught.value).startswith(f"model: not a model file ({said}). Expected one (.onnx) as edgecnn export")


def test_a_model_without_a_card_says_what_makes_one() -> None:
    with pytest.raises(
        CardError, match=r"model: no edgecnn card in its metadata \(found author; .*edgecnn export, of a file"
    ):
        edgecnn.read_card(GRAPH + entry(b"author", b"x"))


def test_a_card_of_more_than_32_mb_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(CardError, match="has 32,000,001 bytes, expected at most 32,000,000"):
        edgecnn.read_card(GRAPH + entry(CARD_KEY.encode(), b" " * (LONGEST + 1)))


def test_metadata_that_are_not_utf8_say_so() -> None:
    with pytest.raises(ModelError, match="model: its metadata are not UTF-8"):
        edgecnn.read_card(GRAPH + entry(CARD_KEY.encode(), b"\xff\xfe"))


def test_of_two_cards_the_last_counts_as_in_a_session(content: bytes) -> None:
    document = json.loads(edgecnn.read_card(content).to_json()) | {"name": "another"}
    both = content + entry(CARD_KEY.encode(), json.dumps(document).encode())
    assert edgecnn.read_card(both).name == edgecnn.load(both).card.name == "another"


def test_what_was_downloaded_in_its_place_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelError, match=r"m\.onnx: not a model file .* It is a pointer of Git LFS"):
        edgecnn.read_card(path)


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder"):
        edgecnn.read_card(tmp_path)
    with pytest.raises(ModelError, match="no file and no model of the zoo"):
        edgecnn.read_card("nothing")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelError, match="pipe: is no regular file"):
            edgecnn.read_card(tmp_path / "pipe")
