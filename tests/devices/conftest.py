"""A server on loopback, and the command as it is typed, with that server's ssh first in PATH."""

import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sshd")) as found:
        yield found


@pytest.fixture(scope="module")
def device(server: Server) -> Iterator[str]:
    """What --on takes for a machine that has all that is needed: this Python."""
    with pytest.MonkeyPatch.context() as patch:
        server.use(patch)
        yield server.on(sys.executable)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has no packages."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"
