"""One codec for everything that edgecnn says as JSON: frozen dataclasses to strict JSON, and back, field by field.

The annotations of a dataclass are what its document looks like; no reader goes by string keys. Strict JSON has no NaN
and no infinity: what is not finite is null. A dataclass with ``SCHEMA`` is a document of its own, which says ``schema``
and is read if that is not a later one; documents of 0.1.0 say none. Keys are only ever added: a field that came later
says by ``later`` what stands for it in what was written before, and one with a new name by ``formerly`` the old one.
"""

import base64
import dataclasses
import functools
import json
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import DocumentError
from edgecnn.text import excerpt

LONGEST, DEEPEST, LARGEST_NUMBER = 32_000_000, 100, sys.float_info.max  # bytes, levels
SCHEMA, LATER, FORMERLY = "schema", "later", "formerly"
OPTIONAL = types.MappingProxyType({"optional": True})  # metadata of a field that is left out of a file while it is None

T = TypeVar("T")


def later(value_of: Callable[[Mapping[str, Any]], object]) -> Mapping[str, Any]:
    """Return the metadata of a field that documents may lack: what stands for it is a function of those they have."""
    return {LATER: value_of}


def formerly(name: str) -> Mapping[str, Any]:
    """Return the metadata of a field that documents of an earlier schema have under another name."""
    return {FORMERLY: name}


def to_json(value: object, *, indent: int | None = 1, ascii_only: bool = False) -> str:
    """Write dataclasses, paths, arrays and what is made of them as strict JSON, numbers in full."""
    return json.dumps(encode(value), indent=indent, ensure_ascii=ascii_only, allow_nan=False)


def encode(value: Any, *, packed: bool = False) -> Any:
    """Turn a value into what JSON has; ``packed`` as in a card: arrays as base64, no optional fields that are None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_dataclass(value, packed)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no other word for it
    if isinstance(value, dict):
        return {str(key): encode(item, packed=packed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item, packed=packed) for item in value]
    if isinstance(value, np.ndarray):
        return _packed(value) if packed else encode(value.tolist())
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value) if isinstance(value, Path) else value


def _encode_dataclass(value: Any, packed: bool) -> dict[str, Any]:
    found = [(part, getattr(value, part.name)) for part in dataclasses.fields(value)]
    document = {
        part.name: encode(item, packed=packed)
        for part, item in found
        if not (packed and item is None and "optional" in part.metadata)
    }
    schema = getattr(type(value), "SCHEMA", None)
    return document if schema is None else document | {SCHEMA: schema}


def _packed(array: NDArray[Any]) -> dict[str, Any]:
    content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "base64": content}


def read(kind: type[T], path: Path, *, whole: bool = True) -> T:
    """Read a document from its file. Raises DocumentError for what is not one, OSError where there is none."""
    return from_json(kind, path.read_bytes(), str(path), whole=whole)


def from_json(kind: type[T], text: str | bytes, where: str, *, whole: bool = True) -> T:
    """Read a document; ``where`` names it in the DocumentError that anything amiss raises. See ``decode``."""
    return decode(kind, parse(text, where), where, whole=whole)


def parse(text: str | bytes, where: str) -> Any:
    """Parse JSON that anybody may have written. Raises DocumentError for what is none, before it costs anything."""
    if len(text) > LONGEST:
        raise DocumentError(f"{where} has {len(text):,} bytes, expected at most {LONGEST:,}.")
    try:
        document = json.loads(text.decode() if isinstance(text, bytes) else text, parse_constant=_no_number)
        _check_values(document)
    except (ValueError, RecursionError) as error:  # one of them is UnicodeDecodeError
        raise DocumentError(f"{where} is not JSON ({excerpt(str(error))}).") from error
    return document


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _check_values(document: Any) -> None:
    """Raise ValueError for what JSON can say and nothing that reads a document can use."""
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")
        texts = [key for value in level if isinstance(value, dict) for key in value]
        for text in (*texts, *(value for value in level if isinstance(value, str))):
            text.encode()  # halves of a surrogate pair are no character
        for value in level:
            if isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
                raise ValueError("a number too large for a floating point number")
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]


def decode(kind: type[T], value: Any, where: str, *, whole: bool = True) -> T:
    """Build a dataclass from parsed JSON. Raises DocumentError that says which part is not as annotated.

    With ``whole`` off the dataclass is a part of what is there, and other keys beside its own are passed over.
    """
    if not whole and isinstance(value, dict):
        known = {part.name for part in dataclasses.fields(cast(Any, kind))} | (
            {SCHEMA} if hasattr(kind, "SCHEMA") else set()
        )
        value = {name: item for name, item in value.items() if name in known}
    return cast(T, _decode(kind, value, where))


def _decode(kind: Any, value: Any, where: str) -> Any:
    """Build a value of the annotated ``kind``, or raise DocumentError that says which part is not one."""
    kind = _unaliased(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):  # a Literal in it makes it the older one
        return _decode_union(arguments, value, where)
    if origin is np.ndarray:
        return _decode_array(typing.get_args(arguments[1])[0], value, where)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(cast("type[Any]", kind), value, where)
    if origin in (list, tuple) and isinstance(value, list):
        return _decode_list(origin, arguments, value, where)
    if origin is dict and isinstance(value, dict):
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is typing.Literal and value in arguments and isinstance(value, str):
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    expected = ", ".join(map(str, arguments)) if origin is typing.Literal else getattr(kind, "__name__", kind)
    raise DocumentError(f"{where} is {excerpt(repr(value))}, expected {expected}.")


def _unaliased(kind: Any) -> Any:
    """Return what a ``type`` statement of Python 3.12 stands for: from numpy 2.5 on NDArray is one."""
    value = getattr(typing.get_origin(kind), "__value__", None)
    return kind if value is None else value[typing.get_args(kind)]


def _decode_union(arms: tuple[Any, ...], value: Any, where: str) -> Any:
    """Take the first arm that fits; where none does, what the first says."""
    if value is None and types.NoneType in arms:
        return None
    said: list[DocumentError] = []
    for arm in arms:
        try:
            return _decode(arm, value, where)
        except DocumentError as error:
            said.append(error)
    raise said[0]


def _decode_list(origin: Any, arguments: tuple[Any, ...], value: list[Any], where: str) -> Any:
    if origin is list or arguments[1:] == (Ellipsis,):
        arguments = arguments[:1] * len(value)
    if len(arguments) != len(value):
        raise DocumentError(f"{where} has {len(value)} values, expected {len(arguments)}.")
    entries = zip(arguments, value, strict=True)
    return origin(_decode(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(entries))


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the annotations of a dataclass's fields."""
    hints = typing.get_type_hints(kind)
    return {part.name: hints[part.name] for part in dataclasses.fields(kind)}


def _decode_dataclass(kind: type[Any], value: Any, where: str) -> Any:
    hints: dict[str, Any] = _hints(cast(typing.Hashable, kind))
    if isinstance(value, dict) and hasattr(kind, "SCHEMA"):
        value = _of_schema(kind.SCHEMA, value, where)
    if isinstance(value, dict):
        now = {part.metadata.get(FORMERLY): part.name for part in dataclasses.fields(kind)}
        value = {now.get(name, name): item for name, item in value.items()}
    if not isinstance(value, dict) or set(value) - set(hints):
        unknown = sorted(set(value) - set(hints)) if isinstance(value, dict) else value
        raise DocumentError(f"{where} has {excerpt(unknown)}, expected only {', '.join(hints)}.")
    absent = [part for part in dataclasses.fields(kind) if part.name not in value]
    missing = [part.name for part in absent if LATER not in part.metadata and not _has_default(part)]
    if missing:
        raise DocumentError(f"{where} lacks {', '.join(missing)}.")
    found = {name: _decode(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    return kind(**found, **{part.name: part.metadata[LATER](found) for part in absent if LATER in part.metadata})


def _has_default(part: "dataclasses.Field[Any]") -> bool:
    return part.default is not dataclasses.MISSING or part.default_factory is not dataclasses.MISSING


def _of_schema(schema: int, document: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a document without its schema, which is not a field. Raises DocumentError for a later one."""
    found = document.get(SCHEMA, schema)
    if not isinstance(found, int) or not 1 <= found <= schema:
        raise DocumentError(
            f"{where} has schema {excerpt(repr(found))}, this edgecnn reads up to {schema}. Use the one that wrote it."
        )
    return {name: item for name, item in document.items() if name != SCHEMA}


def _decode_array(scalar: type[np.generic], value: Any, where: str) -> NDArray[Any]:
    try:
        if value["dtype"] != np.dtype(scalar).name:
            raise ValueError(f"dtype {value['dtype']!r} in place of {np.dtype(scalar).name!r}")
        flat = np.frombuffer(base64.b64decode(value["base64"], validate=True), dtype=scalar)
        array = flat.reshape(value["shape"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DocumentError(f"{where} is not an array ({excerpt(str(error))}).") from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DocumentError(f"{where} has values that are no numbers (NaN or infinite).")
    return array
