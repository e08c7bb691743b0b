"""The page's files, a model, perhaps a second one and a detector, over HTTP from memory: nothing else is there.

``/`` and the other files of the built page, ``/site.json``, which says what models there are, with their cards, and the
models' files. What the browser has already is not sent again: each answer has an ETag. Text and the runtime are sent
compressed. The Content-Security-Policy keeps the page from asking any other host for anything.
"""

import gzip
import hashlib
import http.server
import io
import ipaddress
import json
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
SITE, MODEL, OTHER, DETECTOR = "site.json", "model.onnx", "other.onnx", "detector.onnx"
RUNTIME = "ort-wasm-simd-threaded.wasm"
ZIPPED = ".gz"  # a file of the built page that is stored as it is sent
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
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
COMPRESSED = (".html", ".css", ".js", ".mjs", ".json", ".webmanifest", ".svg")  # weights hardly get smaller
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
KEPT = "no-cache"  # kept, and asked for again each time: another model may be served at the same address next time
NOT_KEPT = "no-store"


@dataclass(frozen=True)
class Content:
    """A file that is served: as it is, compressed where that is worth it, and the name of this version of it."""

    plain: bytes
    zipped: bytes | None
    etag: str

    @staticmethod
    def of(plain: bytes, zipped: bytes | None = None) -> "Content":
        """Name the version by its content; weak, as a compressed copy has the same name."""
        return Content(plain, zipped, f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"')


@dataclass(frozen=True)
class Site:
    """What is served: contents by path. ``other`` and ``detector`` name those two, None where there is none."""

    model: str
    form: str
    other: str | None
    detector: str | None
    contents: dict[str, Content]


def site(
    model: str | Path,
    *,
    other: str | Path | None = None,
    detector: str | Path | None = None,
    built: Path | None = None,
) -> Site:
    """Gather the built page, a classifier (a path, or a name of the zoo) and, where given, a second one and a detector.

    ``built`` is the folder of the page where it is not the package's own.

    Raises EdgecnnError where the page has not been built, ModelError or CardError for a file that is no such model.
    """
    card, files = _card(model), {MODEL: zoo.find(model).read_bytes()}
    pages = _page(built or BUILT)
    cards = {MODEL: card}
    if other is not None:
        cards[OTHER] = _fitting(other, card)
        files[OTHER] = zoo.find(other).read_bytes()
    if detector is not None:
        files[DETECTOR] = _detector(detector, card)
    sizes = {name: len(content) for name, content in files.items()}
    runtime = pages.get(f"/{RUNTIME}")
    described = _described(cards, sizes | ({RUNTIME: len(runtime.plain)} if runtime else {}))
    contents = pages | {f"/{name}": Content.of(content) for name, content in files.items()}
    contents[f"/{SITE}"] = _compressed(described)
    beside = f"{cards[OTHER].name} ({cards[OTHER].form})" if other is not None else None
    return Site(card.name, card.form, beside, None if detector is None else str(detector), contents)


def default_detector(model: str | Path) -> str | None:
    """Return the name of the zoo's detector of digits, or None where the zoo or the model has no use for it."""
    card = read_card(model)
    fits = card.input.channels == 1 and set(card.labels) >= DIGITS
    return DEFAULT_DETECTOR if fits and DEFAULT_DETECTOR in zoo.names() else None


def default_other(model: str | Path) -> Path | None:
    """Return the other form of a model, float or quantized, where it lies beside it as in the zoo; None where not."""
    path = zoo.find(model)
    forms = [path.with_name(f"{form}.onnx") for form in zoo.FORMS]
    return next((other for other in forms if path in forms and other != path and other.is_file()), None)


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
    contents: dict[str, Content]
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
        path = f"/{INDEX}" if path == "/" else path
        content = self.contents.get(path)
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that nobody reads would be taken for the next request
        self.connection.settimeout(ANSWER_SECONDS)
        if not self._is_meant():
            body = self._begin(421, b"this server is asked by an address of this machine alone\n", ".txt")
        elif content is None:
            body = self._begin(404, b"not found\n", ".txt")
        elif content.etag in self.headers.get("If-None-Match", ""):
            body = self._begin(304, b"", "", {"ETag": content.etag})
        else:
            zipped = content.zipped if accepts_gzip(self.headers.get("Accept-Encoding", "")) else None
            encoding = {"Content-Encoding": "gzip"} if zipped else {}
            body = self._begin(200, zipped or content.plain, Path(path).suffix, {"ETag": content.etag} | encoding)
        if with_body:
            self.wfile.write(body)

    def _begin(self, status: int, body: bytes, kind: str, further: dict[str, str] | None = None) -> bytes:
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        caching = {"Cache-Control": KEPT if further else NOT_KEPT}
        content = {"Content-Type": TYPES[kind], "Content-Length": str(len(body))} if kind else {}
        for name, value in (HEADERS | caching | (further or {}) | content).items():
            self.send_header(name, value)
        self.end_headers()
        return body

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


def accepts_gzip(header: str) -> bool:
    """Tell whether Accept-Encoding names gzip, and not with a weight of nothing.

    >>> accepts_gzip("gzip, deflate, br"), accepts_gzip("deflate, gzip;q=0"), accepts_gzip("")
    (True, False, False)
    """
    return re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", header) is not None


def _page(built: Path) -> dict[str, Content]:
    kinds = (*TYPES, ZIPPED)
    files = [path for path in built.glob("*") if path.is_file() and path.suffix in kinds]
    if built / INDEX not in files:
        raise EdgecnnError(
            f"the page is not built (no {INDEX} in {built}); a wheel of make wheel has it. It needs npm and is built "
            "once, in a checkout: make web"
        )
    return {f"/{path.name.removesuffix(ZIPPED)}": _read(path) for path in files}


def _read(path: Path) -> Content:
    content = path.read_bytes()
    if path.suffix == ZIPPED:
        return Content.of(gzip.decompress(content), content)
    return _compressed(content) if path.suffix in COMPRESSED else Content.of(content)


def _compressed(content: bytes) -> Content:
    return Content.of(content, gzip.compress(content, mtime=0))


def _described(cards: dict[str, ModelCard], sizes: dict[str, int]) -> bytes:
    """Say what is served, as the page reads it: files with their sizes, and the cards of classifiers."""

    def of(name: str) -> dict[str, object] | None:
        card = cards.get(name)
        known = {"batch_dependent": card.batch_dependent, "card": json.loads(card.to_json())} if card else {}
        return {"path": name, "bytes": sizes[name]} | known if name in sizes else None

    parts = {"runtime": RUNTIME, "model": MODEL, "other": OTHER, "detector": DETECTOR}
    return json.dumps({part: of(name) for part, name in parts.items()}).encode()


def _card(given: str | Path) -> ModelCard:
    return replace(load(zoo.find(given)).card, name=zoo.title(given))


def _fitting(given: str | Path, card: ModelCard) -> ModelCard:
    other = _card(given)
    if (other.input, other.labels) != (card.input, card.labels):
        raise ModelError(
            f"{other.name} takes {other.input} and has {len(other.labels)} labels; expected {card.input} and the same "
            f"{len(card.labels)} labels as {card.name}, to be shown beside it. Name another with --beside."
        )
    return other


def _detector(given: str | Path, card: ModelCard) -> bytes:
    if card.input.channels != 1:
        raise ModelError(f"{card.name} takes {card.input}, and a detector crops gray. Leave --detector out.")
    path = zoo.find(given)
    load_detector(given)  # a detector, or an error that says what it is
    return path.read_bytes()
