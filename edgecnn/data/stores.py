"""Files that lie here, or elsewhere by their address: ``s3://``, ``gs://`` and whatever else fsspec reads.

``Remote`` does what the readers of shards ask of a path. A file is read in ranges, one file at a time and some
megabytes ahead, so that pictures that stand one after the other come in one request; no more of it stays in memory.
Keys and endpoints are found where everybody has them: the environment, ``~/.aws``. Files of this machine need none of
this.
"""

import contextlib
import glob
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any

from edgecnn.errors import DataError, EdgecnnError, MissingPackageError, missing_package
from edgecnn.text import excerpt

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
PACKAGES = {"s3://": "s3fs", "s3a://": "s3fs", "gs://": "gcsfs", "gcs://": "gcsfs"}
AHEAD = 4 << 20  # bytes, of pictures that stand one after the other
AHEAD_OF_HEADERS = 1 << 18
CUT = "Look whether it can be reached, and run the same again; a training goes on with --resume."
KEYS = (
    "Expected keys that may read it: of S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials, and "
    "where it is not Amazon's AWS_ENDPOINT_URL."
)


@dataclass(frozen=True)
class Stamp:
    """What tells a file from the one that lies there after a change: its size in bytes, and when it was written, in ns;
    of a store its ETag, or the time as text."""

    size: int
    written: int | str


NOTHING = Stamp(-1, -1)


def is_address(text: str) -> bool:
    """Tell an address from a path.

    >>> is_address("s3://bucket/shards"), is_address("C:/shards"), is_address("shards")
    (True, False, False)
    """
    return ADDRESS.match(text) is not None


class Store:
    """A file system of fsspec's, and the file in it that pictures are read from."""

    def __init__(self, system: Any) -> None:
        self._system = system
        self._path, self._end = "", 0
        self._file: Any = None

    def address(self, path: str) -> str:
        """Return how a user writes a path of it."""
        return str(self._system.unstrip_protocol(path))

    def kind(self, path: str) -> str:
        """Return ``file`` or ``directory``. Raises DataError."""
        with self.reached(path):
            return str(self._system.info(path)["type"])

    def has(self, path: str) -> bool:
        """Tell whether there is such a file or folder. Raises DataError where that cannot be asked."""
        with self.reached(path):
            return bool(self._system.exists(path))

    def find(self, path: str) -> list[str]:
        """Return all files in and below a folder. Raises DataError."""
        with self.reached(path):
            return [str(found) for found in self._system.find(path)]

    def matching(self, pattern: str) -> list[str]:
        """Return the files that a pattern stands for. Raises DataError."""
        with self.reached(pattern):
            return [str(found) for found in self._system.glob(pattern)]

    def stamp(self, path: str) -> Stamp:
        """Return the stamp of a file. Raises DataError, also where the store has nothing that a change is known by."""
        with self.reached(path):
            info = self._system.info(path)
            tag = next((value for name, value in info.items() if name.lower() == "etag" and value), None)
            return Stamp(int(info["size"] or 0), str(tag or self._modified(path)))

    def _modified(self, path: str) -> Any:
        try:
            return self._system.modified(path)
        except NotImplementedError as error:
            raise DataError(
                f"{self.address(path)}: its store tells neither an ETag nor a time of writing, by which a change would "
                "be known; expected one that does, such as s3://."
            ) from error

    def content(self, path: str) -> bytes:
        """Return a whole file. Raises DataError, and FileNotFoundError where there is none."""
        with self.reached(path, passing=(FileNotFoundError,)):
            return bytes(self._system.cat_file(path))

    def opened(self, path: str, ahead: int) -> IO[bytes]:
        """Open a file for reading in ranges, ``ahead`` bytes more than were asked for. Raises DataError."""
        with self.reached(path):
            file = self._system.open(path, "rb", cache_type="readahead", block_size=ahead)
        return io.BufferedReader(_Told(file, self, path), 1)

    def range(self, path: str, offset: int, size: int) -> bytes:
        """Return ``size`` bytes from ``offset`` on, or as many as there are. Raises DataError.

        What follows the range before is read ahead; what lies before that is read alone.
        """
        with self.reached(path):
            if path != self._path or self._file is None:
                self._close()
                self._file = self._system.open(path, "rb", cache_type="readahead", block_size=AHEAD)
                self._path, self._end = path, 0
            if offset < self._end:
                return bytes(self._system.cat_file(path, start=offset, end=offset + size))
            self._file.seek(offset)
            self._end = offset + size
            return bytes(self._file.read(size))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextlib.contextmanager
    def reached(self, path: str, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Turn errors into DataError, each store has its own; those that are ``passing`` stay as they are."""
        try:
            yield
        except Exception as error:
            if isinstance(error, (EdgecnnError, MemoryError, *passing)):
                raise
            raise _unreached(self.address(path), error) from error


def _unreached(address: str, error: Exception) -> DataError:
    said = excerpt(str(error) or type(error).__name__)
    if isinstance(error, FileNotFoundError):
        return DataError(f"{address}: not there ({said}). Expected a bucket and files in it that these keys may see.")
    if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
        return DataError(f"{address}: may not be read ({said}). {KEYS}")
    return DataError(f"{address}: cannot be read ({said}). {CUT}")


class _Told(io.RawIOBase):
    """A file of fsspec's whose errors are ours."""

    def __init__(self, file: Any, store: Store, path: str) -> None:
        self._file, self._store, self._path = file, store, path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        """Read some megabytes at most: fsspec holds what is read at once several times."""
        with self._store.reached(self._path):
            content = self._file.read(min(len(buffer), AHEAD))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Remote:
    """A file or folder in a store."""

    path: str
    store: Store = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.store.address(self.path)

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.path.rstrip('/')}/{name}", self.store)

    def __lt__(self, other: "Remote") -> bool:
        return PurePosixPath(self.path) < PurePosixPath(other.path)  # as paths are sorted

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> "Remote":
        """The folder that it lies in."""
        return Remote(self.path.rstrip("/").rpartition("/")[0], self.store)

    def is_dir(self) -> bool:
        """Tell a folder, which is the beginning of other names, from a file. Raises DataError where there is none."""
        return self.store.kind(self.path) == "directory"

    def exists(self) -> bool:
        """Tell whether there is such a file or folder. Raises DataError where that cannot be asked."""
        return self.store.has(self.path)

    def below(self, suffix: str) -> list["Remote"]:
        """Return the files in and below it that end so."""
        return [Remote(path, self.store) for path in self.store.find(self.path) if path.endswith(suffix)]

    def matching(self) -> list["Remote"]:
        """Return the files that it stands for as a pattern. Raises DataError."""
        return [Remote(path, self.store) for path in self.store.matching(self.path)]

    def read_bytes(self) -> bytes:
        """Return the content. Raises DataError, and FileNotFoundError."""
        return self.store.content(self.path)


Location = Path | Remote


def location(text: str) -> Location:
    """Return what a path or an address names. Raises MissingPackageError, and DataError for no address."""
    return _remote(text) if is_address(text) else Path(text)


def files_below(place: Location, suffix: str) -> list[Location]:
    """Return a file alone, or of a folder all that end so, sorted. Raises DataError."""
    if not place.is_dir():
        return [place]
    return [*sorted(place.below(suffix))] if isinstance(place, Remote) else [*sorted(place.rglob(f"*{suffix}"))]


def files_meant(text: str, suffix: str) -> list[Location]:
    """Return the files that a path, an address or a pattern stands for, of a folder all that end so; all sorted.

    What matches nothing is returned as it is. Raises MissingPackageError, and DataError for what lies elsewhere.
    """
    place = location(text)
    if isinstance(place, Remote):
        is_pattern = glob.has_magic(text) and not place.exists()
        return [*sorted(place.matching())] or [place] if is_pattern else files_below(place, suffix)
    if place.exists():
        return files_below(place, suffix)
    return [Path(found) for found in sorted(glob.glob(text, recursive=True))] or [place]  # noqa: PTH207 - patterns may be absolute


def stamp(place: Location) -> Stamp:
    """Return the stamp of a file, NOTHING where there is none here. Raises DataError for what lies elsewhere."""
    if isinstance(place, Remote):
        return place.store.stamp(place.path)
    try:
        found = place.stat()
    except OSError:
        return NOTHING
    return Stamp(found.st_size, found.st_mtime_ns)


def absolute(place: Location) -> str:
    """Return how a process finds a place, wherever it was started."""
    return str(place if isinstance(place, Remote) else place.absolute())


def parts_below(file: Location, top: Location) -> tuple[str, ...]:
    """Return the names on the way from a folder to a file in or below it."""
    path, above = (place.path if isinstance(place, Remote) else place for place in (file, top))
    return PurePath(path).relative_to(above).parts


def opened(place: Location, ahead: int = AHEAD_OF_HEADERS) -> IO[bytes]:
    """Open a file for reading. Raises OSError, or DataError for one that lies elsewhere."""
    return place.store.opened(place.path, ahead) if isinstance(place, Remote) else place.open("rb")


def read_range(place: Location, offset: int, size: int) -> bytes:
    """Return ``size`` bytes from ``offset`` on, or as many as there are. Raises OSError, or DataError."""
    if isinstance(place, Remote):
        return place.store.range(place.path, offset, size)
    with place.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def _remote(address: str) -> Remote:
    try:
        import fsspec
    except ImportError as error:
        raise _missing(address) from error
    try:
        system, path = fsspec.url_to_fs(address)
    except ImportError as error:
        raise _missing(address, str(error)) from error
    except Exception as error:
        raise DataError(f"{address}: no address that fsspec reads ({excerpt(str(error))}); expected s3://…") from error
    system.invalidate_cache()  # of what was listed before
    return Remote(str(path), Store(system))


def _missing(address: str, said: str = "") -> MissingPackageError:
    package = next((package for start, package in PACKAGES.items() if address.startswith(start)), None)
    if package is None and said:
        return MissingPackageError(f"{address}: {excerpt(said)}.")
    return missing_package(package or "fsspec")
