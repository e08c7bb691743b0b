"""Read a recipe by name or from a .toml, follow ``extends``, apply what the command line changes, and check it all."""

import contextlib
import copy
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import partial, reduce
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edgecnn.code_name import is_code, placed
from edgecnn.errors import RecipeError, nearest
from edgecnn.recipes.schema import Recipe
from edgecnn.registry import RECIPES, Registry
from edgecnn.text import LONGEST_PATH, excerpt

LONGEST_FILE, DEEPEST_TABLES, LONGEST_CHAIN = 100_000, 20, 50  # bytes, levels, recipes that extend each other
MOST_MESSAGES = 20
Model = TypeVar("Model", bound=BaseModel)


def read(recipe: str, changes: Mapping[str, Any] | None = None, *, over: Iterable[Mapping[str, Any]] = ()) -> Recipe:
    """Read a recipe: a name, or a path ending in .toml. ``changes`` maps dotted keys to values.

    Each of ``over`` is laid over the recipe as a recipe is over the one that it extends, with tables or dotted keys;
    ``changes`` come last, likewise. A network in a file of Python lies beside the recipe that names it, or where a user
    says in ``changes``. Raises RecipeError with the file, the key, what was found and what is allowed.
    """
    tables, source = _tables(recipe)
    layers = [_without_code(_nested(layer, source), source) for layer in over]
    typed = _nested(changes or {}, source)
    tables = reduce(_merged, (*layers, _with_code(typed, lambda name: str(Path(name).absolute()))), tables)
    return check({"name": source.removesuffix(".toml"), **tables}, source)


def check(tables: Mapping[str, Any], source: str) -> Recipe:
    """Make a Recipe of parsed tables; ``source`` names the file in messages."""
    return validated(Recipe, tables, source)


def validated(model: type[Model], tables: Mapping[str, Any], source: str) -> Model:
    """Make a model of parsed tables, or raise RecipeError with every key that is wrong and what is allowed."""
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        messages = [_message(details, model) for details in error.errors(include_url=False)]
        more = f"; and {len(messages) - MOST_MESSAGES} more" if len(messages) > MOST_MESSAGES else ""
        raise RecipeError(f"{source}: {'; '.join(messages[:MOST_MESSAGES])}{more}") from None


def parsed(path: Path) -> dict[str, Any]:
    """Read a TOML file, or raise RecipeError; also for one that is larger or deeper than any recipe, at no cost."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        if len(content) > LONGEST_FILE:
            raise ValueError(f"more than {LONGEST_FILE:,} bytes")
        tables = tomllib.loads(content.decode("utf-8-sig"))
        if _is_deeper(tables, DEEPEST_TABLES):
            raise ValueError(f"nested more than {DEEPEST_TABLES} deep")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}).") from None
    except RecursionError:
        raise RecipeError(f"{path}: not valid TOML (nested too deep).") from None
    except ValueError as error:  # tomllib's own, a text that is not UTF-8, a number of thousands of digits
        raise RecipeError(f"{path}: not valid TOML ({error}).") from None
    return tables


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        inner = (item for item in level if isinstance(item, dict | list))
        level = [part for item in inner for part in (item.values() if isinstance(item, dict) else item)]
    return bool(level)


def locate(wanted: str, known: Registry) -> Path:
    """Return the file of a name that is known, or of a path ending in .toml. Raises RecipeError."""
    if not wanted.endswith(".toml"):
        return known.path(wanted)
    with contextlib.suppress(OSError, ValueError):  # a text that can be no path
        if (path := Path(wanted)).is_file():
            return path
    raise RecipeError(f"{excerpt(wanted, LONGEST_PATH)}: no such file; expected a {known.noun} in TOML.")


def parse_setting(setting: str) -> tuple[str, Any]:
    """Split ``key=value`` of the command line; the value is TOML, or else a plain string.

    >>> parse_setting("optimizer.momentum=0.9"), parse_setting("data.name=mnist")
    (('optimizer.momentum', 0.9), ('data.name', 'mnist'))
    """
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set takes KEY=VALUE such as optimizer.momentum=0.9, found '{setting}'.")
    try:
        return key, tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # of tomllib, or a number of thousands of digits
        return key, text


def named(recipe: Recipe, name: str) -> str | None:
    """Return the recipe of the package that has these settings, whatever it is called and its seed: the one of that
    ``name``, or another, as what began as one with changes may have become one of its own. None where there is none."""
    wanted = _settings(recipe)
    known = RECIPES.names()
    return next((one for one in (name, *known) if one in known and _settings(read(one)) == wanted), None)


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(exclude={"name", "description", "seed"})


def to_toml(recipe: Recipe, comments: Mapping[str, str] | None = None) -> str:
    """Return the resolved recipe as TOML that ``read`` takes again. ``comments`` stand above keys, by their dotted
    names, and without a name at the top."""
    import tomli_w

    text = tomli_w.dumps(recipe.model_dump(exclude_none=True))
    return _commented(text, comments) if comments else text


def _commented(text: str, comments: Mapping[str, str]) -> str:
    lines, table = [f"# {comments['']}", ""], ""
    for line in text.splitlines():
        if line.startswith("["):
            table = f"{line[1:-1]}."
        key, equals, _ = line.partition(" = ")
        lines += [f"# {comments[table + key]}"] if equals and table + key in comments else []
        lines.append(line)
    return "\n".join(lines) + "\n"


def _tables(recipe: str) -> tuple[dict[str, Any], str]:
    """Return the tables of a recipe with those that it extends underneath, and the name of its file."""
    layers: list[dict[str, Any]] = []
    seen: list[str] = []
    source, wanted = "", recipe
    while wanted:
        if wanted in seen:
            raise RecipeError(f"{wanted}: extends itself ({' -> '.join((*seen, wanted))}).")
        if len(seen) == LONGEST_CHAIN:
            raise RecipeError(f"{recipe}: extends a recipe that extends another, more than {LONGEST_CHAIN} times.")
        seen.append(wanted)
        path = locate(wanted, RECIPES)
        tables, source = parsed(path), source or path.name
        wanted = _parent(tables.pop("extends", None), path)
        tables = _with_code(tables, partial(placed, folder=path.parent))
        layers.append(tables if not layers else {key: value for key, value in tables.items() if key != "name"})
    return reduce(_merged, reversed(layers)), source


def _with_code(tables: dict[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """Say where the file of Python lies that a layer names as its network."""
    name = _code_of(tables)
    return tables if name is None else tables | {"network": {**tables["network"], "name": place(name)}}


def _without_code(tables: dict[str, Any], source: str) -> dict[str, Any]:
    """Return a layer of a study. Raises RecipeError where it names a file of Python: that is for recipes."""
    if _code_of(tables) is not None:
        raise RecipeError(f"{source}: a study cannot set network.name to FILE.py:NAME. Let a recipe name it.")
    return tables


def _code_of(tables: dict[str, Any]) -> str | None:
    network = tables.get("network")
    name = network.get("name") if isinstance(network, dict) else None
    return name if isinstance(name, str) and is_code(name) else None


def _parent(extends: Any, path: Path) -> str:
    """Return what a recipe extends, as what locates it; nothing where it extends none."""
    if extends is None:
        return ""
    if not isinstance(extends, str) or not extends:
        raise RecipeError(f"{path}: extends is {excerpt(repr(extends))}, expected the name or the path of a recipe.")
    if extends.endswith(".toml"):
        with contextlib.suppress(OSError, ValueError):  # locate says that there is no such file
            return str((path.parent / extends).resolve())
    return extends


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay tables over tables. Another network or grouping replaces the one below, with its parameters."""
    result = dict(below)
    for key, value in above.items():
        lower = result.get(key)
        if isinstance(value, dict) and isinstance(lower, dict) and not _replaces(key, lower, value):
            result[key] = _merged(lower, value)
        else:
            result[key] = value
    return result


def _replaces(key: str, below: dict[str, Any], above: dict[str, Any]) -> bool:
    return key == "groups" or (key == "network" and above.get("name", below.get("name")) != below.get("name"))


def _nested(layer: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return a layer with its dotted keys as tables; whole tables come first, so that what reaches into them stays."""
    nested: dict[str, Any] = {}
    for key in sorted(layer, key=lambda key: key.count(".")):
        _change(nested, key, layer[key], source)
    return nested


def _change(tables: dict[str, Any], key: str, value: Any, source: str) -> None:
    *path, last = key.split(".")
    table = tables
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f"{source}: {key} cannot be set, {part} is not a table.")
    table[last] = copy.deepcopy(value)


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    location = [part for part in details["loc"] if isinstance(part, str)]
    key, found = ".".join(str(part) for part in details["loc"]), details["input"]
    if not location:
        return details["msg"]
    if details["type"] == "missing":
        return f"{key} is missing"
    if details["type"] == "extra_forbidden":
        allowed = list(_table_at(model, location[:-1]).model_fields)
        return f"unknown key {excerpt(key)}; allowed: {', '.join(allowed)}.{nearest(location[-1], allowed)}"
    if details["type"] == "literal_error":
        words = details["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"{key} is {excerpt(repr(found))}; allowed: {', '.join(words)}.{nearest(excerpt(str(found)), words)}"
    message = details["msg"].removeprefix("Value error, ")
    return f"{excerpt(key)} is {excerpt(repr(found))}; {message[0].lower()}{message[1:]}"


def _table_at(model: type[BaseModel], location: Iterable[str]) -> type[BaseModel]:
    table = model
    for part in location:
        if part not in table.model_fields:  # a key that its author chose, of tables that are all alike
            continue
        annotation = table.model_fields[part].annotation
        table = next((kind for kind in (annotation, *get_args(annotation)) if _is_table(kind)), table)
    return table


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
