"""The page's files, a model, its card and perhaps a detector, over HTTP from memory: nothing else is there.

``/`` and the other files of the built page, ``/model.onnx``, ``/card.json`` and ``/detector.onnx``, which answers 204
where there is no detector. The Content-Security-Policy keeps the page from asking any other host for anything.
"""

import http.server
import io
import ipaddress
import re
import socket
import socketserver
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgecnn import zoo
from edgecnn.card import ModelCard
from edgecnn.errors import EdgecnnError, ModelError
from edgecnn.metadata import read_card
from edgecnn.runtime.classifier import load
from edgecnn.runtime.detector import load_detector

BUILT = Path(__file__).with_name("built")
INDEX = "index.html"
DETECTOR = "/detector.onnx"
DEFAULT_DETECTOR = "digit-finder"
ANY_ADDRESS = ("0.0.0.0", "")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
DIGITS = set("0123456789")
REQUEST_SECONDS = 10.0  # for a whole request, from the moment that the server waits for it
ANSWER_SECONDS = 120.0  # for a whole answer to be taken: 14 MB at a megabit a second
CONNECTIONS = 64  # at once; each takes a thread

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # another model may be served at the same address next time
}


@dataclass(frozen=True)
class Site:
    """What is served: bytes by path. ``detector`` is the name of the detector, None where there is none."""

    model: str
    form: str
    detector: str | None
    contents: dict[str, bytes]


def site(model: str | Path, *, detector: str | Path | None = None, built: Path | None = None) -> Site:
    """Gather the built page, a classifier (a path, or a name of the zoo) and, where one is given, a detector.

    ``built`` is the folder of the page where it is not the package's own.

    Raises EdgecnnError where the page has not been built, ModelError or CardError for a file that is no such model.
    """
    path = zoo.find(model)
    card = replace(load(path).card, name=zoo.title(model))
    pages = _page(built or BUILT)
    contents = pages | {"/model.onnx": path.read_bytes(), "/card.json": card.to_json().encode()}
    if detector is not None:
        contents[DETECTOR] = _detector(detector, card)
    return Site(card.name, card.form, None if detector is None else str(detector), contents)


def default_detector(model: str | Path) -> str | None:
    """Return the name of the zoo's detector of digits, or None where the zoo or the model has no use for it."""
    card = read_card(model)
    fits = card.input.channels == 1 and set(card.labels) >= DIGITS
    return DEFAULT_DETECTOR if fits and DEFAULT_DETECTOR in zoo.names() else None


def open_server(served: Site, *, host: str = "127.0.0.1", port: int = 8000) -> http.server.ThreadingHTTPServer:
    """Listen for requests; ``serve_forever`` of what is returned answers them. Port 0 takes a free one.

    Raises EdgecnnError where the address cannot be had.
    """

    class Handler(_Handler):
        contents = served.contents

    try:
        return _Server((host, port), Handler)
    except OSError as error:
        raise EdgecnnError(
            f"cannot serve at {host}:{port} ({error.strerror or error}). Ask for another with --port, "
            "where 0 takes a free one; --host has to be an address of this machine."
        ) from error


def url(server: http.server.ThreadingHTTPServer) -> str:
    """Return the address to open on this machine."""
    host, port = str(server.server_address[0]), server.server_address[1]
    return f"http://{'127.0.0.1' if host in ANY_ADDRESS else host}:{port}/"


class _Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = sys.platform != "win32"  # there it would share a port that another program listens on
    request_queue_size = CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind, without asking a name server what this machine is called, as the class of the library does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: object, client_address: object) -> None:
        """Answer in a thread of its own, or hang up where all places are taken."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]
        else:
            self.shutdown_request(request)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Give the place back when the connection ends."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has left; anything else is shown as ever."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Until(io.RawIOBase):
    """Reads of a socket until a moment: a client that sends a byte now and then gets no further than a silent one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.until_s = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what has come. Raises TimeoutError when the time is over."""
        left = self.until_s - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(http.server.BaseHTTPRequestHandler):
    contents: dict[str, bytes]
    protocol_version = "HTTP/1.1"
    server_version = "edgecnn"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._until = _Until(self.connection)
        self.rfile = io.BufferedReader(self._until)

    def handle_one_request(self) -> None:
        """Answer one request; one that is not whole in time ends the connection without an answer."""
        self._until.until_s = time.monotonic() + REQUEST_SECONDS
        super().handle_one_request()

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        path = "/index.html" if path == "/" else path
        content = self.contents.get(path)
        if not self._is_meant():
            status, kind, content = 421, ".txt", b"this server is asked by an address of this machine alone\n"
        elif content is None:
            status, kind, content = (204, ".onnx", b"") if path == DETECTOR else (404, ".txt", b"not found\n")
        else:
            status, kind = 200, Path(path).suffix
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that nobody reads would be taken for the next request
        self.connection.settimeout(ANSWER_SECONDS)
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", TYPES[kind])
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def _is_meant(self) -> bool:
        """Tell whether the browser was sent to this machine by its own address, where nothing else is listened on.

        A page of another site whose name was made to lead here (DNS rebinding) would read the model else.
        """
        bound = str(self.server.server_address[0])  # type: ignore[index]
        asked = self.headers.get("Host", "")
        return not ipaddress.ip_address(bound).is_loopback or re.sub(r":\d+$", "", asked) in LOOPBACK

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the terminal for the address."""


def has_page() -> bool:
    """Tell whether the page is built, or came with the installation."""
    return (BUILT / INDEX).is_file()


def _page(built: Path) -> dict[str, bytes]:
    files = [path for path in built.glob("*") if path.is_file() and path.suffix in TYPES]
    if built / INDEX not in files:
        raise EdgecnnError(
            f"the page is not built (no {INDEX} in {built}); a wheel of make wheel has it. It needs npm and is built "
            "once, in a checkout: make web"
        )
    return {f"/{path.name}": path.read_bytes() for path in files}


def _detector(given: str | Path, card: ModelCard) -> bytes:
    if card.input.channels != 1:
        raise ModelError(f"{card.name} takes {card.input}, and a detector crops gray. Leave --detector out.")
    path = zoo.find(given)
    load_detector(given)  # a detector, or an error that says what it is
    return path.read_bytes()
