"""The server, without a browser: what it hands out, what it does not, and what it refuses."""

import contextlib
import gzip
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from edgecnn import zoo
from edgecnn.card import Quantization
from edgecnn.errors import CardError, EdgecnnError, ModelError
from edgecnn.metadata import read_card
from edgecnn.web import BUILT, open_server, site, url
from edgecnn.web import server as server_module
from edgecnn.web.server import default_detector, default_other

PAGE = {
    "index.html": b"<!doctype html>",
    "page.css": b"body {}",
    "page.js": b"1;",
    "ort.wasm.bundle.min.mjs": b"2;",
    "ort-wasm-simd-threaded.wasm.gz": gzip.compress(b"\0asm", mtime=0),
    "worker.js": b"3;",
    "app.webmanifest": b"{}",
    "icon.svg": b"<svg/>",
    "icon-192.png": b"PNG",
    ".secret": b"not a part of the page",
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a built page, beside a file that is none of it."""
    folder = tmp_path_factory.mktemp("web") / "built"
    folder.mkdir()
    for name, content in PAGE.items():
        (folder / name).write_bytes(content)
    (folder.parent / "beside.html").write_bytes(b"not a part of the page")
    return folder


@pytest.fixture(scope="module")
def port(page: Path) -> Iterator[int]:
    with open_server(site("mnist-compact", built=page), port=0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(
    port: int, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?again", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/ort.wasm.bundle.min.mjs", "text/javascript; charset=utf-8"),
        ("/ort-wasm-simd-threaded.wasm", "application/wasm"),
        ("/worker.js", "text/javascript; charset=utf-8"),
        ("/app.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/icon-192.png", "image/png"),
        ("/site.json", "application/json"),
        ("/model.onnx", "application/octet-stream"),
    ],
)
def test_each_file_has_its_type_and_the_policy(port: int, path: str, kind: str) -> None:
    answer, body = ask(port, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert int(answer.headers["Content-Length"]) == len(body) > 0
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {source for sources in policy.values() for source in sources.split()} == {
        "'none'", "'self'", "'wasm-unsafe-eval'",
    }  # fmt: skip
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_model_and_card_are_those_of_the_zoo(port: int) -> None:
    path = zoo.find("mnist-compact")
    assert ask(port, "/model.onnx")[1] == path.read_bytes()
    told = json.loads(ask(port, "/site.json")[1])
    assert told["model"]["card"]["name"] == "mnist-compact"
    assert told["model"]["bytes"] == path.stat().st_size
    assert told["runtime"] == {"path": "ort-wasm-simd-threaded.wasm", "bytes": 4}
    assert (told["other"], told["detector"]) == (None, None)


def test_the_page_is_told_which_answers_depend_on_their_batch(page: Path, model: Path, tmp_path: Path) -> None:
    card = read_card(model)
    quantization = Quantization("dynamic", None, None, batch_dependent=True)
    dense = tmp_path / "dense.onnx"
    loaded = onnx.load(model)
    onnx.helper.set_model_props(loaded, replace(card, form="new", quantization=quantization).metadata())
    onnx.save(loaded, dense)
    for path, depends in ((model, False), (dense, True)):
        told = json.loads(site(path, built=page).contents["/site.json"].plain)
        assert told["model"]["batch_dependent"] is depends


@pytest.mark.parametrize("path", ["/ort-wasm-simd-threaded.wasm", "/page.js", "/site.json"])
def test_who_takes_it_compressed_gets_it_compressed(port: int, path: str) -> None:
    plain, whole = ask(port, path)
    zipped, small = ask(port, path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    refused, again = ask(port, path, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert [answer.headers["Content-Encoding"] for answer in (plain, zipped, refused)] == [None, "gzip", None]
    assert whole == gzip.decompress(small) == again
    assert {answer.headers["Vary"] for answer in (plain, zipped)} == {"Accept-Encoding"}


@pytest.mark.parametrize("path", ["/", "/ort-wasm-simd-threaded.wasm", "/model.onnx"])
def test_what_the_browser_has_is_not_sent_again(port: int, path: str) -> None:
    first, _ = ask(port, path)
    assert first.headers["Cache-Control"] == "no-cache"
    again, body = ask(port, path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert ask(port, path, headers={"If-None-Match": 'W/"another"'})[0].status == 200


def test_versions_are_named_by_their_content(page: Path) -> None:
    one, other = (site(name, built=page).contents for name in ("mnist-compact", "mnist-compact/fp32"))
    assert one["/page.js"].etag == other["/page.js"].etag
    assert one["/model.onnx"].etag != other["/model.onnx"].etag


def test_head_tells_the_same_without_the_content(port: int) -> None:
    answer, body = ask(port, "/page.css", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, "7", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../beside.html", "/..%2fbeside.html", "/%2e%2e/beside.html", "//beside.html", "/built/index.html",
        "/.secret", "/etc/passwd", "/page.css/", "/\\..\\beside.html", "/page.js%00",
    ],
)  # fmt: skip
def test_what_is_not_a_part_of_the_page_is_not_there(port: int, path: str) -> None:
    answer, body = ask(port, path)
    assert (answer.status, body) == (404, b"not found\n")


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("localhost:80", 200), ("[::1]:80", 200), ("evil.example", 421), ("evil.example:8000", 421)],
)
def test_a_name_made_to_lead_here_is_not_answered(port: int, host: str, status: int) -> None:
    """DNS rebinding: a page of evil.example would read the model."""
    assert ask(port, "/site.json", headers={"Host": host})[0].status == status


def test_a_request_that_is_no_address_is_answered_quietly(port: int, capfd: pytest.CaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 404")
    assert capfd.readouterr().err == ""


def _left(connection: socket.socket) -> bytes:
    """Return what still comes until the server hangs up."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("length", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_body_is_not_taken_for_the_next_request(port: int, length: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET /page.css HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\nGET /")
        answer = _left(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close\r\n" in answer


def test_slow_clients_are_hung_up_on_and_keep_nobody_out(page: Path, monkeypatch, capfd) -> None:
    """Clients that say nothing or a letter now and then take all places, but not for long."""
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(server_module, "CONNECTIONS", 4)
    with open_server(site("mnist-compact", built=page), port=0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = ("127.0.0.1", server.server_address[1])
        slow = [socket.create_connection(address, timeout=20) for _ in range(4)]
        for connection in slow[:2]:
            connection.sendall(b"GET /")
        with socket.create_connection(address, timeout=20) as turned_away:
            assert _left(turned_away) == b""
        for letter in b"page.css HTTP":
            with contextlib.suppress(OSError):
                slow[0].sendall(bytes([letter]))
            time.sleep(0.1)
        for connection in slow:
            with contextlib.suppress(ConnectionError):
                assert _left(connection) == b""
            connection.close()
        assert ask(address[1], "/page.css")[0].status == 200
        server.shutdown()
        thread.join()
    assert capfd.readouterr().err == ""


def test_nothing_can_be_sent(port: int) -> None:
    assert ask(port, "/model.onnx", "POST")[0].status == 501


def test_a_detector_is_served_where_there_is_one(port: int, page: Path, detector: Path) -> None:
    answer, body = ask(port, "/detector.onnx")
    assert (answer.status, body) == (404, b"not found\n")
    served = site("mnist-compact", detector=detector, built=page)
    assert served.detector == str(detector)
    assert served.contents["/detector.onnx"].plain == detector.read_bytes()


def test_it_is_reached_from_this_machine_alone_unless_told_otherwise(page: Path) -> None:
    served = site("mnist-compact", built=page)
    with open_server(served, port=0) as here, open_server(served, host="0.0.0.0", port=0) as everywhere:
        assert here.server_address[0] == "127.0.0.1"
        assert everywhere.server_address[0] == "0.0.0.0"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url(everywhere))


def test_a_port_in_use_is_an_error(page: Path) -> None:
    served = site("mnist-compact", built=page)
    with open_server(served, port=0) as server:
        port = server.server_address[1]
        with pytest.raises(
            EdgecnnError, match=rf"cannot serve at 127\.0\.0\.1:{port} \(Address already in use\)\..*0 ta"
        ):
            open_server(served, port=port)


def test_an_address_of_another_machine_is_an_error(page: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"cannot serve at 192\.0\.2\.1:0 \(.*--host has to be an address of this"):
        open_server(site("mnist-compact", built=page), host="192.0.2.1", port=0)


def test_a_page_that_is_not_built_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"the page is not built \(no index\.html in .*: make web$"):
        site("mnist-compact", built=tmp_path / "built")
    assert BUILT.parts[-3:] == ("edgecnn", "web", "built")


def test_a_detector_that_is_a_classifier_is_refused(page: Path) -> None:
    with pytest.raises(CardError, match="mnist-compact: is for classification"):
        site("mnist-compact", detector="mnist-compact", built=page)


def test_a_model_that_is_not_there_is_refused(page: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no file and no model of the zoo named 'mnist-compct'.*Did you mean 'mnist-c"
    ):
        site("mnist-compct", built=page)


def test_the_detector_of_the_zoo_goes_with_models_that_read_digits(
    detector: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "roots", lambda: [tmp_path])
    assert default_detector(model) is None
    (tmp_path / "digit-finder").mkdir()
    (tmp_path / "digit-finder" / "fp32.onnx").write_bytes(detector.read_bytes())
    assert default_detector(model) == "digit-finder"


def test_the_other_form_of_a_model_is_shown_beside_it(page: Path, model: Path) -> None:
    folder = zoo.find("mnist-compact").parent
    assert default_other("mnist-compact") == folder / "fp32.onnx"
    assert default_other(folder / "fp32.onnx") == folder / "preferred.onnx"
    assert default_other("mnist-c1") is None
    assert default_other(model) is None
    served = site("mnist-compact", other=folder / "fp32.onnx", built=page)
    assert served.other == "mnist-compact (fp32)"
    assert served.contents["/other.onnx"].plain == (folder / "fp32.onnx").read_bytes()


def test_a_model_that_takes_something_else_is_not_shown_beside_it(page: Path, color: Path) -> None:
    with pytest.raises(ModelError, match=r"takes 16x16 RGB and has 3 labels; expected 28x28 gray and .* --beside"):
        site("mnist-compact", other=color, built=page)
