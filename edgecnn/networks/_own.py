"""Networks of a user's own: FILE.py:NAME in a recipe, a class or a function that makes a torch.nn.Module.

It is called with what it takes of ``size``, ``channels`` and ``classes``, and with the parameters of the recipe, by
name, and answers logits_nk.

**What is run, and what is not.** A recipe that a user trains runs the file that it names. A run that comes from
elsewhere has a copy of such a file, and opening it must not run what nobody here has named: so a recorded network is
run only where the copy has the digest that was recorded, and where that file was trained by this user on this machine
(a list of digests in the user's data folder) or is named in ``EDGECNN_CODE``. The bytes that were hashed are those that
are run, and nothing that lies beside them is imported: neither another file of Python nor what is compiled.
"""

import contextlib
import hashlib
import inspect
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from edgecnn.code_name import parts, public
from edgecnn.errors import CheckpointError, ModelError, RecipeError
from edgecnn.text import excerpt

if TYPE_CHECKING:
    from torch import nn

VARIABLE, LIST = "EDGECNN_CODE", "networks-of-mine.txt"
GIVEN = ("size", "channels", "classes")
SHOWN = 12  # digits of a digest


@dataclass(frozen=True)
class Code:
    """A file that was read, and may be run: what is in it, and its digest."""

    content: bytes
    sha256: str


_taken: dict[str, Code] = {}  # by name: what a training or a checkpoint found, and all that is built from then on
_makers: dict[tuple[str, str], Any] = {}  # by name and digest: what was run once
_named: set[tuple[str, str]] = set()  # digests with names, of this process


def take(name: str, recorded: str | None) -> str:
    """Read the file of a network, so that it can be built from here on, and return its digest.

    Without a recorded digest the user names it, and may open what is trained with it. Raises RecipeError, and
    CheckpointError for a recorded one that is not here, was changed, or was never named here.
    """
    path, attribute = parts(name)
    if not attribute.isidentifier():
        raise RecipeError(f"network.name is '{excerpt(name)}'; expected FILE.py:NAME, such as net.py:Net.")
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        kind = RecipeError if recorded is None else CheckpointError
        raise kind(
            f"{excerpt(str(path))}: cannot be read ({getattr(error, 'strerror', None) or error}). The network "
            f"{public(name)} is in it; put the file there."
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if recorded is None:
        _remember(found, attribute)
    elif recorded != found:
        raise CheckpointError(
            f"{path}: is not the code that was trained (SHA-256 {found[:SHOWN]}…, recorded is {recorded[:SHOWN]}…). "
            "Put the file back as it was, or train what it is now as another run."
        )
    elif not _is_named(found, attribute):
        raise CheckpointError(
            f"{path}: the network is code, {attribute} in this file, that was never named on this machine, so it was "
            f"not run. Read it. If you trust it, name it before the command: {VARIABLE}={path}"
        )
    _taken[name] = Code(content, found)
    return found


def content(name: str) -> bytes:
    """Return what is in the file of a network that was taken."""
    return _taken[name].content


def parameters(name: str) -> dict[str, Any]:
    """Return what a recipe may set, with the defaults; ``inspect.Parameter.empty`` for what it has to."""
    return {
        key: one.default for key, one in _signature(name).items() if key not in GIVEN and one.kind != one.VAR_KEYWORD
    }


def takes_any(name: str) -> bool:
    """Tell whether a network takes parameters of any name."""
    return any(one.kind == one.VAR_KEYWORD for one in _signature(name).values())


def build(name: str, *, size: tuple[int, int], channels: int, classes: int, **settings: Any) -> "nn.Module":
    """Call the class or the function with what it takes of what is given, and with the settings."""
    from torch import nn

    given = {"size": size, "channels": channels, "classes": classes}
    missing = [
        key for key, value in parameters(name).items() if value is inspect.Parameter.empty and key not in settings
    ]
    if missing:
        raise ValueError(f"it needs {', '.join(missing)}: set network.parameters.{missing[0]}")
    taken = given if takes_any(name) else {key: value for key, value in given.items() if key in _signature(name)}
    made = _maker(name)(**taken, **settings)
    if not isinstance(made, nn.Module):
        raise TypeError(f"it returned a {type(made).__name__}; expected a torch.nn.Module")
    return made


def check_answers(answers: Any, images: int, classes: int) -> None:
    """Raise ValueError unless a network answers so many images with logits_nk."""
    shape = tuple(getattr(answers, "shape", ())) or type(answers).__name__
    if shape != (images, classes):
        raise ValueError(
            f"it answers {shape} to {images} images of {classes} classes; expected {(images, classes)}. Have it take "
            "classes, or set the parameter of its own that says how many"
        )


def _signature(name: str) -> dict[str, inspect.Parameter]:
    """Return what a class or a function takes by name."""
    return {
        key: one
        for key, one in inspect.signature(_maker(name)).parameters.items()
        if one.kind not in (one.VAR_POSITIONAL, one.POSITIONAL_ONLY)
    }


def _maker(name: str) -> Any:
    """Return the class or the function, of a file that was taken."""
    if name not in _taken:
        raise RecipeError(f"network {public(name)} is of your own: train a recipe that names it, or open its run.")
    code = _taken[name]
    if (name, code.sha256) not in _makers:
        _makers[name, code.sha256] = _found(name, code)
    return _makers[name, code.sha256]


def _found(name: str, code: Code) -> Any:
    """Run the file and return what it has."""
    from edgecnn.networks import _code

    path, attribute = parts(name)
    try:
        module = _code.run(path, code.content, neighbors=False)
        found = _code.member(module, attribute, path)
    except ModelError as error:
        raise RecipeError(f"{error}{_alone(path, error.__cause__)}") from error
    if not (inspect.isclass(found) or inspect.isfunction(found)) or found.__module__ != module.__name__:
        raise RecipeError(f"{path}: {attribute} is no class and no function of this file, which makes a network.")
    return found


def _alone(path: Path, error: BaseException | None) -> str:
    """Say what is to be done about a neighbor that is not found."""
    beside = path.parent / f"{(getattr(error, 'name', None) or '').partition('.')[0]}.py"
    if not isinstance(error, ModuleNotFoundError) or not beside.is_file():
        return ""
    return f" {beside.name} lies beside it, but a run keeps a copy of one file: put what it needs into {path.name}."


def _is_named(sha256: str, attribute: str) -> bool:
    if (sha256, attribute) in _named or _is_listed(sha256, attribute):
        return True
    return any(_digest(file) == sha256 for file in os.environ.get(VARIABLE, "").split(os.pathsep) if file)


def _is_listed(sha256: str, attribute: str) -> bool:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return f"{sha256} {attribute}" in _list().read_text("utf-8").splitlines()
    return False


def _digest(file: str) -> str | None:
    with contextlib.suppress(OSError, ValueError):
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return None


def _remember(sha256: str, attribute: str) -> None:
    _named.add((sha256, attribute))
    if _is_listed(sha256, attribute):
        return
    with contextlib.suppress(OSError):  # a home that cannot be written to: EDGECNN_CODE names it in another process
        _list().parent.mkdir(parents=True, exist_ok=True)
        with _list().open("a", encoding="utf-8") as file:
            file.write(f"{sha256} {attribute}\n")


def _list() -> Path:
    return Path(platformdirs.user_data_dir("edgecnn")) / LIST
