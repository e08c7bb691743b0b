"""Files that are either whole or not there: written beside, then renamed into place."""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it takes the name of ``target`` only when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.stem}-{secrets.token_hex(6)}{target.suffix}")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def making_folder(target: Path) -> Iterator[Path]:
    """Yield a folder beside ``target`` to fill; it becomes ``target``, which is not there or empty, when the block ends
    well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.absolute().with_name(f".{target.absolute().name}-{secrets.token_hex(6)}")
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            target.rmdir()  # Windows renames onto nothing that is there
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Replace ``target`` by ``content`` at once."""
    with replacing(target) as partial:
        partial.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Replace ``target`` by ``content`` (UTF-8, line ends as given) at once."""
    write_bytes(target, content.encode())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
