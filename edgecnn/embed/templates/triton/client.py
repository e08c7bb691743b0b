"""Ask a model that a server of the v2 protocol has, such as Triton Inference Server: python client.py selftest

    python client.py selftest                  does the server answer the golden images as the model's card says?
    python client.py predict PICTURE...        what does it say of pictures (binary PGM, or PPM for RGB)?

Exit code 0: it answered, and the self-test passed. 1: the self-test found other answers. 2: it could not be asked. The
server takes raw pixels, uint8 0..255 in rows from the top left: no scaling, no normalization. In an application, call
``opened(Server(url), *known())`` once, then ``Model.infer`` with arrays of your own.
"""

import argparse
import contextlib
import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pictures

CARDS = Path(__file__).resolve().parent / "cards"  # NAME/VERSION.json for NAME/VERSION/model.onnx of the repository
URL, TIMEOUT_S = "http://localhost:8000", 30
BINARY, LENGTH = "binary_tensor_data", "Inference-Header-Content-Length"  # the extension, and the header that it adds
TYPES = {"UINT8": "u1", "FP32": "<f4"}


class ServerError(Exception):
    """Why there is no answer, in a sentence."""


class Server:
    """A server by its URL. Not to be shared between threads: there is one connection, which is kept."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Take ``headers`` along with every request. Raises ServerError for what is no URL."""
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        try:
            parts = urlsplit(url)
            kind = kinds[parts.scheme if parts.hostname else ""]
            self._connection = kind(str(parts.hostname), parts.port, timeout=TIMEOUT_S)
        except (KeyError, ValueError, http.client.InvalidURL) as error:
            raise ServerError(f"{url}: is no URL of a server; expected one such as {URL}") from error
        self.url, self._path, self._headers = url, parts.path.rstrip("/"), dict(headers or {})

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, int, bytes]:
        """Return the status, how many bytes of what comes back are JSON, and what comes back."""
        return self._call("POST", path, body, headers)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON object that comes back, {} where there is none."""
        status, _, content = self._call("GET", path, None, {})
        return status, _object(content)

    def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, int, bytes]:
        kept = self._connection.sock is not None
        try:
            try:
                return self._exchanged(method, path, body, headers)
            except ConnectionError:
                if not kept:
                    raise
                return self._exchanged(method, path, body, headers)  # it had closed what stood idle
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(
                f"{self.url}: no answer ({str(error) or type(error).__name__}). Is the server started, and is that its "
                "port for HTTP (of Triton 8000)? Name another with --url."
            ) from error

    def _exchanged(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, int, bytes]:
        try:
            self._connection.request(method, self._path + path, body, {**headers, **self._headers})
            answer = self._connection.getresponse()
            content, length = answer.read(), answer.getheader(LENGTH, "")
            return answer.status, int(length) if length.isdecimal() else len(content), content
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise


class Model:
    """A version of a model that a server has; ``opened`` returns one. ``card`` is its card, with labels and golden
    images."""

    def __init__(self, server: Server, path: str, card: dict[str, Any], binary: bool) -> None:
        self.card, self._server, self._path, self._binary = card, server, path, binary

    def infer(self, images_nhwc: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the server answers for images uint8 (N, height, width, channels), by name of the output.

        Raises ServerError where it refuses, which Triton does beyond the ``max_batch_size`` of config.pbtxt.
        """
        if images_nhwc.dtype != np.uint8:
            raise TypeError(f"images are {images_nhwc.dtype}, expected uint8: gray levels as they are")
        body, headers = (_binary_request if self._binary else _json_request)(images_nhwc)
        status, length, content = self._server.post(f"{self._path}/infer", body, headers)
        if status != 200:
            raise ServerError(f"{self._server.url}: refused {images_nhwc.shape} ({status}: {_error(_object(content))})")
        try:
            return _outputs(content, length)
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(
                f"{self._server.url}: answered {len(content)} bytes that are no inference response with "
                f"{', '.join(pictures.OUTPUTS)}. Is it a server of the v2 protocol?"
            ) from error


def opened(server: Server, name: str, version: str, card: dict[str, Any]) -> Model:
    """Return a version of a model that is ready and takes and answers what its card says.

    Servers that have no versions are asked for the model as it is. Raises ServerError, which says what is amiss.
    """
    status, about = server.get("/v2")
    if status != 200 or not isinstance(about.get("name"), str):
        raise ServerError(f"{server.url}: answers /v2 with status {status}, and is no server of the v2 protocol")
    path = f"/v2/models/{quote(name, safe='')}"
    status, model = server.get(path)
    if status != 200:
        raise ServerError(f"{server.url}: has no model {name} to ask ({status}: {_error(model)}). {_readiness(server)}")
    versions = [str(each) for each in model.get("versions") or []]
    if versions and version not in versions:
        raise ServerError(
            f"{server.url}: has version {', '.join(versions)} of {name}, and not {version}. Have it loaded (Triton "
            "reads its repository when it starts, unless told otherwise), or name another with --version."
        )
    path += f"/versions/{quote(version)}" if versions else ""
    status, told = server.get(f"{path}/ready")
    if status != 200:
        raise ServerError(f"{server.url}: {name} is not ready ({status}: {_error(told)}). {_readiness(server)}")
    _check(server.get(path)[1], card, f"{server.url}: {name}, version {version}")
    return Model(server, path, card, BINARY in (about.get("extensions") or []))


def known(version: str | None = None) -> tuple[str, str, dict[str, Any]]:
    """Return the model's name, the version, without one the newest, and its card, of the files beside this one."""
    names = sorted(folder.name for folder in CARDS.iterdir() if folder.is_dir()) if CARDS.is_dir() else []
    if len(names) != 1:
        raise ServerError(f"{CARDS}: has {len(names)} models, expected the folder of one. Copy it along with client.py")
    found = sorted((path.stem for path in (CARDS / names[0]).glob("*.json") if path.stem.isdecimal()), key=int)
    if not found or version not in (None, *found):
        raise ServerError(
            f"{CARDS / names[0]}: has the card of version {', '.join(found) or 'none'}, and not of "
            f"{version or 'any'}. Name one of these with --version"
        )
    chosen = version or found[-1]
    card = json.loads((CARDS / names[0] / f"{chosen}.json").read_text(encoding="utf-8"))
    return names[0], chosen, card


def _check(metadata: dict[str, Any], card: dict[str, Any], what: str) -> None:
    """Hold what a server says of its model to the card: names, types, and sizes but that of the batch."""
    tensors = [*(metadata.get("inputs") or []), *(metadata.get("outputs") or [])]
    told = {each["name"]: [each.get("datatype"), *(each.get("shape") or [])[1:]] for each in tensors if "name" in each}
    for name, expected in pictures.tensors(card).items():
        if told.get(name) != list(expected):
            raise ServerError(
                f"{what}: has {told.get(name)} for {name}, where its card here has {list(expected)} (the batch left "
                "out). It is another model: name the right one with --model, or take the client that came with it."
            )


def _json_request(images_nhwc: np.ndarray) -> tuple[bytes, dict[str, str]]:
    given = _input(images_nhwc) | {"data": images_nhwc.ravel().tolist()}
    asked = [{"name": name} for name in pictures.OUTPUTS]
    return json.dumps({"inputs": [given], "outputs": asked}).encode(), {"Content-Type": "application/json"}


def _binary_request(images_nhwc: np.ndarray) -> tuple[bytes, dict[str, str]]:
    given = _input(images_nhwc) | {"parameters": {"binary_data_size": images_nhwc.nbytes}}
    asked = [{"name": name, "parameters": {"binary_data": True}} for name in pictures.OUTPUTS]
    said = json.dumps({"inputs": [given], "outputs": asked}).encode()
    headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(said))}
    return said + images_nhwc.tobytes(), headers


def _input(images_nhwc: np.ndarray) -> dict[str, Any]:
    return {"name": pictures.INPUT, "shape": list(images_nhwc.shape), "datatype": "UINT8"}


def _outputs(content: bytes, length: int) -> dict[str, np.ndarray]:
    """Return the tensors of a response: in its JSON, or in the bytes after that, one after the other."""
    found, rest = {}, content[length:]
    for output in json.loads(content[:length])["outputs"]:
        kind, size = np.dtype(TYPES[output["datatype"]]), (output.get("parameters") or {}).get("binary_data_size")
        if size is None:
            values = np.asarray(output["data"], kind)
        else:
            values, rest = np.frombuffer(rest[:size], kind), rest[size:]
        found[output["name"]] = values.reshape(output["shape"])
    return {name: found[name] for name in pictures.OUTPUTS}


def _readiness(server: Server) -> str:
    status = server.get("/v2/health/ready")[0]
    if status == 200:
        return "It is ready, so it has none of that name: start it with this repository, or give the name with --model."
    return f"It is not ready ({status}): models are being loaded, or one could not be; its log says which."


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _error(document: dict[str, Any]) -> str:
    return str(document.get("error") or "no reason given")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 'NAME: VALUE'")
    return name.strip(), value.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("selftest", "predict"))
    parser.add_argument("pictures", nargs="*", metavar="PICTURE")
    parser.add_argument("--url", default=URL, help=f"where the server is ({URL})")
    parser.add_argument("--model", help="what the server calls the model (as the repository does)")
    parser.add_argument("--version", help="which of its versions is asked (the newest that has a card here)")
    parser.add_argument(
        "--header", type=_header, action="append", default=[], metavar="'NAME: VALUE'", help="sent along: Host, a token"
    )
    options = parser.parse_intermixed_args()
    if (options.command == "predict") != bool(options.pictures):
        parser.error("predict takes pictures, selftest takes none")
    return options


def main() -> int:
    """Do what was asked, and return the exit code."""
    options = _options()
    try:
        name, version, card = known(options.version)
        with contextlib.closing(Server(options.url, dict(options.header))) as server:
            model = opened(server, options.model or name, version, card)
            return _selftest(model) if options.command == "selftest" else _predict(model, options.pictures)
    except (ServerError, pictures.PictureError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _selftest(model: Model) -> int:
    passed, verdict = pictures.tested(model.card, model.infer)
    print(verdict)
    return 0 if passed else 1


def _predict(model: Model, paths: list[str]) -> int:
    for path in paths:
        for line in pictures.lines(model.infer(pictures.read(path, model.card)), model.card):
            print(f"{path}: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
