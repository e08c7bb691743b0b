"""A server on loopback, and the command as it is typed, with that server's ssh first in PATH."""

import sys
from collections.abc import Iterator

import pytest
from loopback import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sshd")) as found:
        yield found


@pytest.fixture
def device(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """What --on takes for a machine that has all that is needed: this Python."""
    server.use(monkeypatch)
    return server.on(sys.executable)
