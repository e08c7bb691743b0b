"""What a model file says of itself, read without an engine: the card, whatever the size of the graph.

A file is one protobuf message, ModelProto of onnx.proto: fields one after the other, each with its number and, where it
has content, the length of that. Field 14, ``metadata_props``, is read, and the others, the graph among them, are passed
over by seeking. Lengths are held to the size of the file before anything is read, and what is read is bounded.
"""

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edgecnn import zoo
from edgecnn.card import ModelCard
from edgecnn.documents import LONGEST
from edgecnn.errors import ModelError
from edgecnn.files import stand_in

GRAPH, METADATA = 7, 14  # fields of ModelProto
KEY, VALUE = 1, 2  # of StringStringEntryProto
VARINT, WITH_LENGTH, FIXED = 0, 2, {1: 8, 5: 4}  # wire types; bytes of those of one size
LARGEST_TAG = 2**32 - 1
MOST_FIELDS = 100_000  # in the file and its metadata together
MOST_METADATA = LONGEST + 1_000_000  # bytes


def read_card(model: str | Path | bytes) -> ModelCard:
    """Read the card of a model file (a path, or a name of the zoo), or of its bytes; no engine is needed.

    What the card says is checked, the graph is not looked at: ``edgecnn.load`` opens it. Raises ModelError for what is
    no model file, CardError for one without a card, or with one that does not say what it must.

    Example::

        import edgecnn

        card = edgecnn.read_card("digits-int8.onnx")
        print(card.labels, card.form, card.metrics)

    >>> read_card("mnist-c1").labels[:3]
    ['0', '1', '2']
    """
    source = "model" if isinstance(model, bytes) else str(model)
    return ModelCard.from_metadata(read_metadata(model), source=source)


def read_metadata(model: str | Path | bytes) -> dict[str, str]:
    """Return ``metadata_props`` of a model file (a path, or a name of the zoo), or of its bytes. Raises ModelError."""
    if isinstance(model, bytes):
        return _read(io.BytesIO(model), len(model), "model", "")
    path = zoo.find(model)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise ModelError(f"{model}: is no regular file. Expected a model file (.onnx).")
        with path.open("rb") as file:
            return _read(file, path.stat().st_size, str(model), stand_in(path))
    except OSError as error:
        raise ModelError(f"{model}: cannot be read ({error.strerror}). Expected a model file (.onnx).") from error


def _read(file: BinaryIO, size_bytes: int, name: str, hint: str) -> dict[str, str]:
    try:
        return _metadata(file, size_bytes)
    except UnicodeDecodeError as error:
        raise ModelError(f"{name}: its metadata are not UTF-8 ({error}). Export the model again.") from error
    except ValueError as reason:
        raise ModelError(
            f"{name}: not a model file ({reason}). Expected one (.onnx) as edgecnn export writes it.{hint}"
        ) from None


def _metadata(file: BinaryIO, size_bytes: int) -> dict[str, str]:
    """Return the metadata of a ModelProto; of entries with one key, the last, as ONNX Runtime has it.

    Raises ValueError, which has the reason, for bytes that are none.
    """
    fields_left, bytes_left, has_graph = iter(range(MOST_FIELDS)), MOST_METADATA, False
    found: dict[str, str] = {}
    for number, length in _fields(file, size_bytes, fields_left):
        has_graph |= number == GRAPH
        if number == METADATA:
            bytes_left -= length
            if bytes_left < 0:
                raise ValueError(f"its metadata have more than {MOST_METADATA:,} bytes")
            key, value = _entry(_content(file, length), fields_left)
            found[key] = value
    if not has_graph:
        raise ValueError("it has no graph")
    return found


def _entry(content: bytes, fields_left: Iterator[int]) -> tuple[str, str]:
    file, parts = io.BytesIO(content), {KEY: b"", VALUE: b""}
    for number, length in _fields(file, len(content), fields_left):
        if number in parts:
            parts[number] = _content(file, length)
    return parts[KEY].decode(), parts[VALUE].decode()


def _fields(file: BinaryIO, size_bytes: int, fields_left: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Yield number and length of each field of a message that has content, with the file at the start of that."""
    end = 0
    while end < size_bytes:
        if next(fields_left, None) is None:
            raise ValueError(f"it has more than {MOST_FIELDS:,} fields")
        file.seek(end)
        tag = _varint(file)
        number, wire_type = tag >> 3, tag & 7
        if not number or tag > LARGEST_TAG or wire_type not in (VARINT, WITH_LENGTH, *FIXED):
            raise ValueError(f"at byte {end:,} there is no field")
        value = 0 if wire_type in FIXED else _varint(file)
        length = FIXED.get(wire_type, value if wire_type == WITH_LENGTH else 0)
        start, end = file.tell(), file.tell() + length
        if end > size_bytes:
            raise ValueError(f"field {number} has {length:,} bytes, and {size_bytes - start:,} are left")
        if wire_type == WITH_LENGTH:
            yield number, length


def _varint(file: BinaryIO) -> int:
    """Read a number of up to 64 bits, seven a byte, the lowest first; the last byte has no eighth bit."""
    value = 0
    for shift in range(0, 70, 7):
        (byte,) = _content(file, 1)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError("a number in it does not end")


def _content(file: BinaryIO, length: int) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise ValueError("it ends in the middle of a field")
    return content
