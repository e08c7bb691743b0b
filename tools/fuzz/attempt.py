"""One spoiled file used once, in this process: what came of it, in a word, and why."""

import contextlib
import random
import shutil
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from cases import CASES

from edgecnn.errors import EdgecnnError

ANSWERED, REFUSED = "answered", "refused with a message"
TRACEBACK, CRASH, HANG, LEFT = "traceback", "crash", "longer than 5 s", "half file left"
FAULTS = (TRACEBACK, CRASH, HANG, LEFT)
LONGEST_S = 5.0
LONGEST_MESSAGE = 4_500


def attempt(kind: str, seed: int, number: int) -> tuple[str, str]:
    """Return the outcome of one mutant and what was said. The same three give the same file."""
    case = CASES[kind]
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    path = folder / case.file
    try:
        path.write_bytes(case.make(random.Random(f"{seed} {kind} {number}")))
        started = time.process_time()
        outcome, said = _used(kind, path)
        if time.process_time() - started > LONGEST_S:
            return HANG, f"{time.process_time() - started:.1f} s of processor time; {said}"
        halves = [left.name for left in folder.rglob(".*")]
        return (LEFT, ", ".join(halves)) if halves else (outcome, said)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


def _used(kind: str, path: Path) -> tuple[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            CASES[kind].use(path)
    except EdgecnnError as error:
        said = str(error)
        if len(said) > LONGEST_MESSAGE or "\x1b" in said or not said:
            return TRACEBACK, f"a message of {len(said):,} characters: {said[:200]!r}"
        return REFUSED, said
    except BaseException:
        return TRACEBACK, traceback.format_exc(limit=-8)
    return ANSWERED, ""
