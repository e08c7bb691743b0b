"""Read a recipe by name or from a .toml, follow ``extends``, apply what the command line changes, and check it all."""

import copy
import tomllib
from collections.abc import Iterable, Mapping
from functools import reduce
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edgecnn.errors import RecipeError, nearest
from edgecnn.recipes import names
from edgecnn.recipes.schema import Recipe

OWN_FOLDER = resources.files("edgecnn.recipes")
Model = TypeVar("Model", bound=BaseModel)


def read(recipe: str, changes: Mapping[str, Any] | None = None, *, over: Iterable[Mapping[str, Any]] = ()) -> Recipe:
    """Read a recipe: a name, or a path ending in .toml. ``changes`` maps dotted keys to values.

    Each of ``over`` is laid over the recipe as a recipe is over the one that it extends, with tables or dotted keys;
    ``changes`` come last, likewise. Raises RecipeError with the file, the key, what was found and what is allowed.
    """
    tables, source = _tables(recipe, ())
    tables = reduce(_merged, (_nested(layer, source) for layer in (*over, changes or {})), tables)
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
        raise RecipeError(f"{source}: {'; '.join(messages)}") from None


def parsed(path: Traversable) -> dict[str, Any]:
    """Read a TOML file, or raise RecipeError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not valid TOML ({error}).") from None


def locate(wanted: str, folder: Traversable, known: tuple[str, ...], kind: str) -> Traversable:
    """Return the file of a name in ``folder``, or of a path ending in .toml. Raises RecipeError."""
    path: Traversable = Path(wanted) if wanted.endswith(".toml") else folder / f"{wanted}.toml"
    if path.is_file():
        return path
    if wanted.endswith(".toml"):
        raise RecipeError(f"{wanted}: no such file; expected a {kind} in TOML.")
    raise RecipeError(
        f"no {kind} '{wanted}'; there is {', '.join(known)}, or a path ending in .toml.{nearest(wanted, known)}"
    )


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
    except tomllib.TOMLDecodeError:
        return key, text


def to_toml(recipe: Recipe) -> str:
    """Return the resolved recipe as TOML that ``read`` takes again."""
    import tomli_w

    return tomli_w.dumps(recipe.model_dump(exclude_none=True))


def _tables(recipe: str, seen: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Return the tables of a recipe with those that it extends underneath, and the name of its file."""
    if recipe in seen:
        raise RecipeError(f"{recipe}: extends itself ({' -> '.join((*seen, recipe))}).")
    path = locate(recipe, OWN_FOLDER, names(), "recipe")
    tables = parsed(path)
    parent = tables.pop("extends", None)
    if parent is None:
        return tables, path.name
    if not isinstance(parent, str):
        raise RecipeError(f"{path}: extends is {parent!r}, expected the name or the path of a recipe.")
    if parent.endswith(".toml"):
        parent = str((Path(str(path)).parent / parent).resolve())
    below, _ = _tables(parent, (*seen, recipe))
    below.pop("name", None)  # a run's recipe.toml says its own
    return _merged(below, tables), path.name


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
        return f"unknown key {key}; allowed: {', '.join(allowed)}.{nearest(location[-1], allowed)}"
    if details["type"] == "literal_error":
        words = details["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"{key} is {found!r}; allowed: {', '.join(words)}.{nearest(str(found), words)}"
    message = details["msg"].removeprefix("Value error, ")
    return f"{key} is {found!r}; {message[0].lower()}{message[1:]}"


def _table_at(model: type[BaseModel], location: Iterable[str]) -> type[BaseModel]:
    table = model
    for part in location:
        annotation = table.model_fields[part].annotation
        table = next(kind for kind in (annotation, *get_args(annotation)) if _is_table(kind))
    return table


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
