"""edgecnn web: what it says, how it ends, and what it refuses."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path

import pytest
from edgecnn_cli.main import app
from typer.testing import CliRunner

from edgecnn.web import server

SCRIPT = """
import sys
from pathlib import Path
from edgecnn.web import server
server.BUILT = Path(sys.argv.pop(1))
from edgecnn_cli.main import main
main()
"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder that looks like a built page."""
    folder = tmp_path / "built"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>the page")
    return folder


def test_serves_until_ctrl_c_and_ends_without_a_word(built: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, built, "web", "mnist-compact", "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.match(
            r"http://127\.0\.0\.1:\d+/(?=  mnist-compact \(int8-\w+\), detector digit-finder; Ctrl-C ends$)", line
        )
        assert address is not None, line
        with urllib.request.urlopen(address[0], timeout=20) as answer:
            assert answer.read() == b"<!doctype html>the page"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "")


def test_tells_the_address_as_json_and_opens_it(edgecnn, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(server, "BUILT", built)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(server._Server, "serve_forever", lambda self: None)
    told = json.loads(edgecnn("web", "mnist-compact", "--port", "0", "--json").out)
    assert (told["model"], told["url"]) == ("mnist-compact", opened[0])


def test_a_page_that_is_not_built(edgecnn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BUILT", tmp_path)
    result = edgecnn("web", "mnist-compact", "--no-open")
    assert result.code == 2
    assert result.err.endswith("It needs npm and is built once, in a checkout: make web\n")


def test_a_port_that_is_taken(edgecnn, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BUILT", built)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = edgecnn("web", "mnist-compact", "--no-open", "--port", port)
    assert result.code == 2
    assert f"cannot serve at 127.0.0.1:{port} (Address already in use)" in result.err


@pytest.mark.parametrize("command", ["web", "webcam"])
def test_the_former_name_of_an_option_is_refused_with_the_one_it_has(command: str) -> None:
    result = CliRunner().invoke(app, [command, "mnist-c1", "--finder", "digit-finder"])
    assert result.exit_code == 2
    assert "--finder is called --detector now" in " ".join(result.output.replace("│", " ").split())
    assert "--finder" not in CliRunner().invoke(app, [command, "--help"]).output
