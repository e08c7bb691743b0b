"""Ways to spoil bytes, protobuf messages and documents, each drawn from a random generator and so from a seed."""

import copy
import random
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

INTEGERS = (0, 1, -1, 2, 3, 7, 255, 256, 65_535, 2**31 - 1, 2**31, -(2**31), 2**32, 2**63 - 1, -(2**63))
FLOATS = (0.0, -1.0, 1e-45, 1e38, 1e308, float("nan"), float("inf"), float("-inf"))
TEXTS = ("", "\x1b[2J\x07", "x" * 100_000, "‮abc", "a\nb", "../../x", "=1+1", "<script>", "0", "\x00", "é" * 50)
LEAVES: tuple[Any, ...] = (
    *INTEGERS,
    *FLOATS,
    *TEXTS,
    True,
    False,
    None,
    [],
    {},
    [[]],
    {"a": {"b": 1}},
    [0] * 1_000,
    10**400,
)

Draw = random.Random


def spoiled(content: bytes, other: bytes, draw: Draw) -> bytes:
    """Return content with one to three changes; ``other`` is where pieces of foreign bytes come from."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        content = draw.choice(BYTES)(content, other, draw)
    return content


def _flipped(content: bytes, other: bytes, draw: Draw) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _set(content: bytes, other: bytes, draw: Draw) -> bytes:
    at, length = draw.randrange(len(content) + 1), draw.choice((1, 2, 4, 8))
    number = draw.choice(INTEGERS) % 256**length
    return content[:at] + number.to_bytes(length, draw.choice(("little", "big"))) + content[at + length :]


def _cut(content: bytes, other: bytes, draw: Draw) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _removed(content: bytes, other: bytes, draw: Draw) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[at + draw.choice((1, 4, 64, 1_000)) :]


def _doubled(content: bytes, other: bytes, draw: Draw) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[at : at + draw.choice((1, 4, 64, 1_000))] * draw.choice((2, 3, 50)) + content[at:]


def _spliced(content: bytes, other: bytes, draw: Draw) -> bytes:
    return content[: draw.randrange(len(content) + 1)] + other[draw.randrange(len(other) + 1) :]


def _header(content: bytes, other: bytes, draw: Draw) -> bytes:
    """Change one byte or number among the first hundred, where formats say what follows."""
    return _set(content[:100], other, draw) + content[100:]


def _filled(content: bytes, other: bytes, draw: Draw) -> bytes:
    at, length = draw.randrange(len(content) + 1), draw.choice((4, 16, 256, 4_096))
    return content[:at] + bytes([draw.choice((0, 0xFF, 0x41))]) * length + content[at + length :]


BYTES: tuple[Callable[[bytes, bytes, Draw], bytes], ...] = (
    _flipped, _set, _cut, _removed, _doubled, _spliced, _header, _filled
)  # fmt: skip


def spoil_message(message: Message, draw: Draw) -> None:
    """Change one to three fields of a protobuf message, anywhere in it."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        found = message
        while inner := [(field, value) for field, value in found.ListFields() if field.message_type]:
            field, value = draw.choice(inner)
            chosen = value if not field.is_repeated else draw.choice(value) if value else None
            if chosen is None or draw.random() < 0.15:
                break
            found = chosen
        fields = found.DESCRIPTOR.fields
        set_ones = [field for field, _ in found.ListFields()]
        _spoil_field(found, draw.choice(set_ones if set_ones and draw.random() < 0.85 else list(fields)), draw)


def _spoil_field(message: Message, field: Any, draw: Draw) -> None:
    if field.is_repeated:
        _spoil_list(getattr(message, field.name), field, draw)
    elif field.message_type or draw.random() < 0.15:
        message.ClearField(field.name)
    else:
        _assign(lambda value: setattr(message, field.name, value), getattr(message, field.name), field, draw)


def _spoil_list(values: Any, field: Any, draw: Draw) -> None:
    at = draw.randrange(len(values)) if len(values) else None
    if at is None or draw.random() < 0.3:
        if field.message_type:
            values.add() if at is None else values.add().CopyFrom(values[at])
        else:
            _assign(values.append, "" if field.cpp_type == field.CPPTYPE_STRING else 0, field, draw)
    elif draw.random() < 0.4 or field.message_type:
        del values[at]
    else:
        _assign(lambda value: values.__setitem__(at, value), values[at], field, draw)


def _assign(put: Callable[[Any], object], before: Any, field: Any, draw: Draw) -> None:
    if field.type == field.TYPE_BYTES:
        return void(put(spoiled(before or b"", b"\x00\xff" * 8, draw)))
    if field.cpp_type == field.CPPTYPE_STRING:
        return void(put(draw.choice(TEXTS)))
    choices = FLOATS if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE) else (*INTEGERS, before + 1)
    try:
        put(draw.choice(choices))
    except (ValueError, TypeError):  # out of the field's range, or no word of an enumeration
        put(draw.choice((0, 1)))
    return None


def void(_: object) -> None:
    """Return nothing."""


def spoil_document(document: Any, draw: Draw) -> Any:
    """Change one to three values, keys or tables of what JSON or TOML holds, and return the document."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            return copy.deepcopy(draw.choice(LEAVES))
        container, key = draw.choice(places)
        change = draw.randrange(6)
        if change == 0:
            del container[key]
        elif change == 1 and isinstance(container, dict):
            container[draw.choice(TEXTS)] = container.pop(key)
        elif change == 2:
            other, other_key = draw.choice(places)
            if isinstance(other, dict) and other_key in other:
                container[key] = copy.deepcopy(other[other_key])
        elif change == 3:
            container[key] = nested(draw.choice((2, 50, 150)), draw.choice((list, dict)))
        else:
            container[key] = copy.deepcopy(draw.choice(LEAVES))
    return document


def nested(depth: int, kind: type) -> Any:
    """Return lists in lists or tables in tables."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


def _places(value: Any) -> Any:
    """Yield every (container, key) of a document, but for those of something that holds itself."""
    open_ones, seen = [value], set[int]()
    while open_ones and len(seen) < 10_000:
        container = open_ones.pop()
        if id(container) in seen or not isinstance(container, dict | list):
            continue
        seen.add(id(container))
        for key in list(container) if isinstance(container, dict) else range(min(len(container), 50)):
            yield container, key
            open_ones.append(container[key])
