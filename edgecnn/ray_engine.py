"""Ray as edgecnn uses it: imported without a word, started here or reached as a cluster, and left as it was found."""

import contextlib
import functools
import importlib
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgecnn import files
from edgecnn.errors import DeviceError, missing_package
from edgecnn.machine.threads import available
from edgecnn.text import excerpt

HERE, CLUSTER, PORT = "ray", "ray://", 10001
LISTENS_S = 10.0  # within which a cluster has to take a connection; Ray by itself tries for half a minute
LONGEST_FOLDER = 40  # characters: Ray puts sockets below it, whose paths may have 107
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no reports
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what Ray 3 will do, or this one warns of it
    "RAY_DISABLE_IMPORT_WARNING": "1",
}


def is_place(on: str) -> bool:
    """Tell what is to name Ray from the name of a device.

    >>> is_place("ray"), is_place("ray://head:10001"), is_place("ssh://pi@raspberrypi")
    (True, True, False)
    """
    return on == HERE or on.startswith(CLUSTER)


def check_place(on: str) -> None:
    """Raise DeviceError for what names no Ray."""
    if not is_place(on) or on == CLUSTER:
        raise DeviceError(f"'{excerpt(on)}' names no Ray; expected {HERE}, or {CLUSTER}HOST:PORT of a cluster.")


@contextlib.contextmanager
def connected(on: str, store_bytes: int) -> Iterator[Any]:
    """Yield Ray's module, connected; one that the host has started is taken as it is, and left so.

    ``store_bytes`` of shared memory are for what is on its way, where Ray is started here. Raises MissingPackageError
    without the extra, DeviceError where Ray does not start or the cluster is not reached.
    """
    check_place(on)
    with _as_it_was({**QUIET, **(_token() if on == HERE else {})}):
        ray = _ray()
        if ray.is_initialized():
            yield ray
            return
        with contextlib.ExitStack() as stack:
            known: dict[str, Any] = {"log_to_driver": False, "logging_level": "critical"}
            if on == HERE:
                folder = stack.enter_context(files.scratch_folder(_home() / "edgecnn-ray"))
                known |= {"num_cpus": available(), "include_dashboard": False, "_temp_dir": str(folder)}
                known |= {"object_store_memory": store_bytes, "address": "local"}  # whatever RAY_ADDRESS names
            else:
                known |= {"address": on}
            stack.enter_context(_speechless())
            stack.callback(ray.shutdown)
            with _keeping_signals():
                _start(ray, on, known)
            yield ray


def cores(ray: Any) -> list[int]:
    """Return how many cores each machine offers."""
    return [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]


@dataclass(frozen=True)
class Share:
    """What each of some processes at once has: cores that Ray keeps for it, and threads."""

    cores: float
    threads: int


def share(cores: Sequence[int], at_once: int) -> Share:
    """Say how machines with so many cores are shared by ``at_once`` processes: all cores, and none on two machines.

    Where there are fewer cores, each has a thread and a part of one.

    >>> share([2], 2), share([8, 8], 4), share([4, 0, 4], 1), share([2], 4)  # doctest: +NORMALIZE_WHITESPACE
    (Share(cores=1.0, threads=1), Share(cores=4.0, threads=4), Share(cores=4.0, threads=4), Share(cores=0.5, threads=1))
    """
    usable = usable_of(cores)
    threads = min(sum(usable) // at_once, *usable)
    return Share(float(threads), threads) if threads else Share(round(sum(usable) / at_once, 2), 1)


def usable_of(cores: Sequence[int]) -> list[int]:
    """Return the cores of those machines that have some for us; one where none has."""
    return [each for each in cores if each] or [1]


def gpus(ray: Any) -> float:
    """Return how many GPUs there are together."""
    return sum(float(node["Resources"].get("GPU", 0)) for node in ray.nodes() if node["Alive"])


def reason(error: Exception) -> str:
    """Return what of an error of Ray's is about the matter: its first line."""
    return excerpt(str(error).strip().partition("\n")[0], 300)


def _start(ray: Any, on: str, known: dict[str, Any]) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if on != HERE:
                _see_it_listens(on)
            try:
                ray.init(**known)
            except ConnectionAbortedError:  # a cluster forks a server for who comes, which now and then stands still
                ray.init(**known)
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, and those of gRPC
        there = "See that it runs, has the same Ray and Python, and, where it wants one, that RAY_AUTH_MODE=token and "
        help_ = f"{there}RAY_AUTH_TOKEN_PATH are set." if on != HERE else "See edgecnn doctor."
        raise DeviceError(f"{on}: Ray cannot be started or reached ({reason(error)}). {help_}") from error


def _see_it_listens(on: str) -> None:
    """Raise OSError where nobody takes a connection, ValueError where the address has no such port."""
    where = urlsplit(on)
    with socket.create_connection((where.hostname or "", where.port or PORT), LISTENS_S):
        pass


def _ray() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
            import ray.exceptions
    except ImportError as error:
        raise missing_package("ray") from error
    return ray


@contextlib.contextmanager
def _speechless() -> Iterator[None]:
    """Keep Ray from printing on standard output that a worker died, which no setting of it does."""
    worker: Any = importlib.import_module("ray._private.worker")
    speak = getattr(worker, "print_to_stdstream", None)
    worker.print_to_stdstream = lambda *said, **more: None  # read by its thread each time
    try:
        yield
    finally:
        worker.print_to_stdstream = speak


def _home() -> Path:
    """Return the folder for what Ray writes: the system's for such, unless its name is too long for sockets."""
    usual = Path(tempfile.gettempdir())
    return usual if len(str(usual)) <= LONGEST_FOLDER or os.name != "posix" else Path("/tmp")


@contextlib.contextmanager
def _as_it_was(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables that the user has not set, and give the environment back as it was."""
    before = dict(os.environ)
    os.environ.update({name: value for name, value in wanted.items() if name not in before})
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@functools.cache
def _token() -> dict[str, str]:
    """Return a token for what Ray starts here, since it listens on the network; Ray would keep one in the home folder.

    A process has one, since Ray keeps the first. It looks for it when it is imported: a Ray that the host has imported
    before does as it does.
    """
    return {} if "ray" in sys.modules else {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@contextlib.contextmanager
def _keeping_signals() -> Iterator[None]:
    """Keep what the host does on Ctrl-C and on a request to end; Ray would put its own in the place."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
