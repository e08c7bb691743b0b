"""The folder of one training run: what lies in it, who may write to it, and how it is taken up again.

``recipe.toml``        the resolved recipe
``NAME.py``            of a network in a file of Python, a copy of that file
``metrics.jsonl``      one line per epoch
``best.safetensors``   the weights that count: of the best epoch by validation, or the last one, as the recipe selects
``last.safetensors``   the weights of the last finished epoch
``state.pt``           what a resume needs, one file, so that it is whole or not there
``teacher-NNN.npy``    with a teacher that answers each view of the images once, its answers
``outcome.json``       when it is finished: the figures, the machine, the versions, the commit of a checkout
``.lock``              held by the process that trains here
``.launch``            of many processes, which call of torchrun began it
"""

import contextlib
import hashlib
import importlib.metadata
import io
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from edgecnn import documents, files, networks
from edgecnn.code_name import is_code, parts, public
from edgecnn.errors import CheckpointError, DocumentError
from edgecnn.recipes.read import read, to_toml
from edgecnn.recipes.schema import Recipe
from edgecnn.train.examples import Prepared
from edgecnn.train.figures import EpochRow
from edgecnn.version import __version__

RECIPE, METRICS, STATE, OUTCOME = "recipe.toml", "metrics.jsonl", "state.pt", "outcome.json"
LOCK, LAUNCH = ".lock", ".launch"
LONGER = frozenset({"epochs", "patience"})  # what may grow when a run is continued
_CODE = "the network's file has changed, and the run has a copy of what it was"
PARTIALS = ".*-????????????.*"  # what a kill left half-written
STATE_PARTS = {
    "epoch",
    "step",
    "seconds",
    "rows",
    "weights",
    "optimizer",
    "loss_sum",
    "pairs",
    "generator",
    "average",
    "bf16",
}


def claim(
    run: Path, recipe: Recipe, *, resume: bool, comments: Mapping[str, str] | None = None, launch: str = ""
) -> None:
    """Make the folder of a new run, or see that ``resume`` continues the same recipe, or trains it for longer.
    ``comments`` are written into a new one's recipe. Which ``launch`` begins it is written down before it counts as
    begun: a process may be killed between any two files.

    Raises CheckpointError.
    """
    there = run / RECIPE
    if not there.exists():
        if resume:
            raise CheckpointError(f"{run}: no run to resume ({RECIPE} is not there). Leave out --resume to start one.")
        files.clear_leftovers(run / LAUNCH)
        if run.exists() and (not run.is_dir() or {*run.iterdir()} - {run / LAUNCH} > {*run.glob(PARTIALS)}):
            raise CheckpointError(f"{run}: exists and is not a run. Choose another folder with -o.")
        if launch:
            note_launch(run, launch)
        files.write_text(there, to_toml(recipe.public(), comments))
    elif not resume:
        raise CheckpointError(f"{run}: holds a run already. Continue it with --resume, or choose another with -o.")
    elif read(str(there)).public() != recipe.public():
        check_same(there, recipe, except_for=LONGER)
        files.write_text(there, to_toml(recipe.public()))
        (run / OUTCOME).unlink(missing_ok=True)  # what is there is the outcome of the shorter training
    if is_code(recipe.network.name):
        _keep_code(run, recipe.network.name)


def note_launch(run: Path, launch: str) -> None:
    """Write down which call of torchrun begins a run."""
    files.write_text(run / LAUNCH, launch + "\n")


def is_of_launch(run: Path, launch: str, *, anew: bool) -> bool:
    """Tell whether that call of torchrun began this run, and is to go on with it.

    That is so of a finished one as well where torchrun starts its processes ``anew``: one of them was lost when nothing
    was left to do. What comes first is another call by the same name, for which it is in the way from then on.
    """
    there = run / LAUNCH
    if not (launch and (run / RECIPE).exists() and there.is_file() and there.read_text().strip() == launch):
        return False
    if (run / OUTCOME).exists() and not anew:
        there.unlink()
        return False
    return True


def check_recorded(run: Path) -> None:
    """Raise CheckpointError for a run whose network is in a file of Python of which no digest was recorded: it was not
    written by a training, and nothing in it is to be run."""
    there = run / RECIPE
    network = read(str(there)).network if there.exists() else None
    if network is not None and is_code(network.name) and network.sha256 is None:
        raise CheckpointError(
            f"{there}: does not record the SHA-256 of {public(network.name)}, as a training does. Nothing of it was "
            "run; train the recipe into another folder with -o."
        )


def _keep_code(run: Path, name: str) -> None:
    """Put a copy of the network's file into the run, which export and resume use from then on."""
    copy = run / parts(name)[0].name
    if not copy.exists():
        files.write_bytes(copy, networks.content(name))


@contextlib.contextmanager
def held(run: Path) -> Iterator[None]:
    """Keep every other process from training in a run, and clear away what a kill left half-written.

    Raises CheckpointError where another one holds it.
    """
    try:
        with FileLock(run / LOCK, timeout=0):
            for partial in run.glob(PARTIALS):
                partial.unlink()
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # Windows keeps what is open
                    (run / LOCK).unlink()
    except Timeout:
        raise CheckpointError(
            f"{run}: another process trains here now. Wait until it ends, or choose another folder with -o."
        ) from None


def read_rows(run: str | Path) -> list[EpochRow]:
    """Read a run's metrics.jsonl. Raises CheckpointError where it is broken."""
    path = Path(run) / METRICS
    try:
        return [documents.from_json(EpochRow, line, "a line") for line in path.read_bytes().splitlines()]
    except DocumentError as error:
        raise CheckpointError(
            f"{path}: broken ({error}) The run's next epoch writes it anew, from state.pt."
        ) from error


def state_bytes(run: Path) -> bytes | None:
    """Return what state.pt holds, or None when the run was killed before the first save."""
    path = run / STATE
    return path.read_bytes() if path.exists() else None


def load_state(run: Path, content: bytes, device: torch.device) -> dict[str, Any]:
    """Return the state that state.pt holds, without running code from it. Raises CheckpointError."""
    path = run / STATE
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
        missing = STATE_PARTS - state.keys()
        if missing:
            raise KeyError(*missing)
    except Exception as error:  # a broken archive or pickle raises nearly anything
        raise CheckpointError(
            f"{path}: is broken or not the state of a run ({type(error).__name__}). Delete it to start the run over."
        ) from error
    return state


def fingerprint(prepared: Prepared) -> dict[str, Any]:
    """Return what tells whether a resume has the data that the run was started with: class names, counts, a hash."""
    digest = hashlib.blake2b(digest_size=16)
    for examples in (prepared.train, prepared.validation):
        digest.update(np.ascontiguousarray(examples.content).data)
        digest.update(np.ascontiguousarray(examples.targets).data)
    return {
        "classes": list(prepared.train.labels),
        "training images": len(prepared.train),
        "validation images": len(prepared.validation),
        "hash": digest.hexdigest(),
    }


def check_same_data(run: Path, state: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise CheckpointError where the data set is another than the one that the run was started with."""
    before = state.get("data")
    if before in (None, now):  # None: a state of an edgecnn that did not record it
        return
    changed = [
        f"{key} were {before[key]}, are now {now[key]}" for key in now if key != "hash" and before[key] != now[key]
    ]
    raise CheckpointError(
        f"{run}: a run is resumed with the data it was started with; {'; '.join(changed) or 'pictures have changed'}. "
        "Put the data set back as it was, or start another run with -o."
    )


def versions() -> dict[str, str]:
    """Return the versions that a training depends on."""
    return {
        "edgecnn": __version__,
        "torch": torch.__version__,
        "numpy": importlib.metadata.version("numpy"),
    }


def write_outcome(run: Path, outcome: dict[str, Any]) -> None:
    """Write outcome.json; a finished run that is resumed keeps the commit that trained it."""
    path = run / OUTCOME
    if not path.exists():
        files.write_text(
            path, documents.to_json({**outcome, "versions": versions(), "commit": _commit()}, ascii_only=True) + "\n"
        )


def _commit() -> str | None:
    """Return the commit of the checkout that this edgecnn runs from, ``-dirty`` when it was changed since.

    None when it was installed otherwise.
    """
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists() or shutil.which("git") is None:
        return None
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=10"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def check_same(path: Path, recipe: Recipe, *, except_for: frozenset[str] = frozenset()) -> None:
    """Compare the run's own recipe with the one that was asked for, key by key; some may have grown."""
    there = read(str(path))
    before, now = (flat(found.public().model_dump()) for found in (there, recipe))
    changed = [
        _CODE if key == "network.sha256" else f"{key} was {before.get(key)!r}, now {now.get(key)!r}"
        for key in before | now
        if key != "description"  # which may say the same in other words
        and before.get(key) != now.get(key)
        and not (key in except_for and _has_grown(before.get(key), now.get(key)))
    ]
    if changed:
        raise CheckpointError(
            f"{path.parent}: a run is resumed with the recipe it was started with; {'; '.join(changed)}. "
            "Use the same options, or start another run with -o."
        )


def _has_grown(before: Any, now: Any) -> bool:
    """Tell whether a count is greater now, where None is without end."""
    return before is not None and (now is None or now > before)


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one, with dotted keys."""
    result: dict[str, Any] = {}
    for key, value in tables.items():
        result |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return result
