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
    """Yield a path beside ``target`` to write to; it takes the name of ``target`` only when the block ends well.

    Folders that are missing are made, and removed again when the block fails.
    """
    partial = target.with_name(f".{target.stem}-{secrets.token_hex(6)}{target.suffix}")
    with _folder_there(target.parent):
        try:
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def making_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to fill; what is in it becomes the content of ``target``, which is not there or empty, when the
    block ends well.
    """
    target = target.absolute()
    beside = target if target.exists() else target.parent  # a folder that is there may be somebody's working directory
    partial = beside / f".{target.name}-{secrets.token_hex(6)}"
    with _folder_there(beside):
        partial.mkdir()
        try:
            yield partial
            if beside == target:
                for made in partial.iterdir():
                    made.rename(target / made.name)
            else:
                partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def filling_folder(target: Path) -> Iterator[None]:
    """Make ``target``, which is not there or empty, for a block that fills it; when that fails, it is as it was."""
    with _folder_there(target):
        try:
            yield
        except BaseException:
            for made in target.iterdir():
                shutil.rmtree(made) if made.is_dir() else made.unlink()
            raise


@contextlib.contextmanager
def _folder_there(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; when the block fails, remove again what was made."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):  # somebody else wrote into it
                made.rmdir()
        raise


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
