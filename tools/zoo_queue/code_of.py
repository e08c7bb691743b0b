"""Code of one commit, apart from the checkout: a change there must not change a training that is under way."""

import shutil
import subprocess
import sys
from pathlib import Path

from edgecnn import files

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("edgecnn", "tools/zoo_queue", "exported/mnist-best")  # and the teachers that the list takes from the zoo


def checkout_commit() -> str:
    """Return the commit of this checkout; what is changed and not committed is not in it, and a line says so."""
    if _git(ROOT, "status", "--porcelain", "--untracked-files=no"):
        print("what is not committed in the checkout is left out", file=sys.stderr)
    return _git(ROOT, "rev-parse", "--short=10", "HEAD")


def own_commit() -> str:
    """Return the commit that this very code is of: in a queue's folder it is the name of its own."""
    return ROOT.name


def at(commit: str, folder: Path) -> Path:
    """Return the code of a commit under ``folder``, a clone of its own, made where it is not there yet."""
    place = folder / "code" / commit
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        with files.making_folder(place) as partial:
            _git(ROOT, "clone", "--quiet", "--no-checkout", str(ROOT), str(partial))
            _git(partial, "sparse-checkout", "set", *NEEDED)
            _git(partial, "checkout", "--quiet", "--detach", commit)
    return place


def keep_only(commits: set[str], folder: Path) -> None:
    """Remove the code that no run needs any more."""
    for place in (folder / "code").iterdir():
        if place.name not in commits and not place.name.startswith("."):
            shutil.rmtree(place)


def _git(where: Path, *arguments: str) -> str:
    found = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, text=True, check=False)
    if found.returncode:
        sys.exit(f"git {' '.join(arguments)} in {where}: {found.stderr.strip()}")
    return found.stdout.strip()
