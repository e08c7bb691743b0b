"""Files that are either whole or not there: written beside, then renamed into place.

What is written beside has a name of its own (``.NAME-`` and twelve hexadecimal digits) and is locked by the process
that writes it. A process that was killed leaves it behind, its lock gone; the next one that writes the same target
finds it and takes it away. What another process is still writing stays. On Windows, which has no such locks, leftovers
stay.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edgecnn.errors import EdgecnnError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MANIFEST = ".makes"  # in a folder that is written beside: the names that it is about to give, or has given, its target
UNTOUCHED_NS = 0  # when a file that was only made was written last
TRIES = 100  # to make a file where the system finds no folder: another process clears away, or it can never be (/proc)
FULL_BYTES = 65_536  # a file system with less is full: buffers are not written in part


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it takes the name of ``target`` only when the block ends well.

    Folders that are missing are made, and removed again when the block fails.
    """
    with _folder_there(target.parent):
        clear_leftovers(target)
        partial, lock = _made_and_locked(target, target.parent, _make_file)
        try:
            with telling_of_a_full_disk(target):
                yield partial
            with partial.open("rb+") as file:
                if not (written := os.fstat(file.fileno())).st_size and written.st_mtime_ns == UNTOUCHED_NS:
                    raise FileNotFoundError(errno.ENOENT, "nothing was written", str(target))
                os.fsync(file.fileno())
            if fcntl is None:
                os.close(lock)  # Windows renames nothing that is open
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                os.close(lock)


@contextlib.contextmanager
def making_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to fill; what is in it becomes the content of ``target``, which is not there or empty, when the
    block ends well.
    """
    target = target.absolute()
    beside = target if target.exists() else target.parent  # a folder that is there may be somebody's working directory
    with scratch_folder(target, beside) as partial:
        yield partial
        if beside == target:
            names = [made.name for made in partial.iterdir()]
            (partial / MANIFEST).write_text(json.dumps(names), encoding="utf-8")
            for name in names:
                (partial / name).rename(target / name)
        else:
            partial.chmod(0o777 & ~umask())
            partial.rename(target)


@contextlib.contextmanager
def scratch_folder(target: Path, beside: Path | None = None) -> Iterator[Path]:
    """Yield a folder beside ``target`` that is gone when the block ends, or when the same target is written again."""
    where = beside or target.parent
    with _folder_there(where):
        clear_leftovers(target)
        partial, lock = _made_and_locked(target, where, _make_folder)
        try:
            with telling_of_a_full_disk(target):
                yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if lock >= 0:
                os.close(lock)


@contextlib.contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a folder in the system's place for such; one that a killed process left goes with the next one."""
    with scratch_folder(Path(tempfile.gettempdir()) / f"edgecnn-{purpose}") as folder:
        yield folder


@contextlib.contextmanager
def filling_folder(target: Path, makes: Sequence[str]) -> Iterator[None]:
    """Make ``target``, which is not there or empty, for a block that fills it; when that fails, it is as it was.

    ``makes`` are the names that the block gives to files and folders in it: what a killed process leaves of them goes
    when the folder is filled again.
    """
    with scratch_folder(target, target) as own:
        (own / MANIFEST).write_text(json.dumps(list(makes)), encoding="utf-8")
        try:
            yield
        except BaseException:
            for made in target.iterdir():
                if made != own:
                    _remove(made)
            raise


def clear_leftovers(target: Path) -> None:
    """Remove what killed processes left half-written of ``target``, beside it and in it."""
    if fcntl is None:
        return
    name = target.absolute().name  # of a folder that is called "." as well
    stem, suffix = Path(name).stem, Path(name).suffix
    pattern = re.compile(rf"\.({re.escape(stem)}-[0-9a-f]{{12}}{re.escape(suffix)}|{re.escape(name)}-[0-9a-f]{{12}})")
    for folder in (target.absolute().parent, target):
        with contextlib.suppress(OSError):  # not there, no folder, or not ours: what is written next says so
            for found in [path for path in folder.iterdir() if pattern.fullmatch(path.name)]:
                _clear(found, begun_in=target)


def _clear(leftover: Path, begun_in: Path) -> None:
    """Remove one leftover, and what it had begun to put beside itself in the target, unless its writer is alive."""
    with contextlib.suppress(OSError):
        lock = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in _begun(leftover) if leftover.parent == begun_in else []:
                clear_leftovers(leftover.parent / name)  # of the file that was being written
                _remove(leftover.parent / name)
            _remove(leftover)
        finally:
            os.close(lock)


def _begun(leftover: Path) -> list[str]:
    """Return the names that a killed process was giving to files beside its folder."""
    try:
        names = json.loads((leftover / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str) and Path(name).name == name]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def umask() -> int:
    """Return which permissions new files of this process lack."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _make_folder(path: Path) -> int:
    path.mkdir(mode=0o700)
    return os.open(path, os.O_RDONLY) if fcntl else -1


def _make_file(path: Path) -> int:
    made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    os.utime(made if os.utime in os.supports_fd else path, ns=(UNTOUCHED_NS, UNTOUCHED_NS))
    return made


def _made_and_locked(target: Path, where: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    """Make what is written beside ``target``, and return it with the descriptor that holds its lock, -1 for none."""
    stem, suffix = (target.stem, target.suffix) if make is _make_file else (target.absolute().name, "")
    tried = 0
    while True:
        tried += 1
        partial = where / f".{stem}-{secrets.token_hex(6)}{suffix}"
        try:
            lock = make(partial)
        except FileNotFoundError:
            if tried < TRIES and where.exists():  # cleared away before it was opened
                continue
            raise
        if fcntl is None:
            return partial, lock
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.lexists(partial):
            return partial, lock
        os.close(lock)  # cleared away before it was locked


@contextlib.contextmanager
def telling_of_a_full_disk(target: Path) -> Iterator[None]:
    """Turn whatever a library raises where the disk is full into the system's error, and have that name the file."""
    try:
        yield
    except EdgecnnError:
        raise
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(target)
        raise
    except Exception as error:  # torch, zipfile, ONNX Runtime and OpenCV each have their own
        try:
            refuse_full_disk(target)
        except OSError as full:
            raise full from error
        raise


def refuse_full_disk(target: Path) -> None:
    """Raise the system's error where the disk of ``target`` is full: some writers say nothing, or something else."""
    if _is_full(target.absolute().parent):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


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


def write_bytes(target: Path, content: bytes | memoryview) -> None:
    """Replace ``target`` by ``content`` at once."""
    with replacing(target) as partial:
        partial.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Replace ``target`` by ``content`` (UTF-8, line ends as given) at once."""
    write_bytes(target, content.encode())


def stand_in(path: Path) -> str:
    """Say what lies in a file's place when something else was downloaded, as the end of a message; "" where it is what
    it is."""
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return ""
    if start.startswith(b"version https://git-lfs"):
        return " It is a pointer of Git LFS, not the file itself: get that with git lfs pull."
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return " It is a web page: what was downloaded is the page about the file, or one that asks to log in."
    return ""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
