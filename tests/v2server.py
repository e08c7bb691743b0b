"""A server of the v2 protocol on this machine: a model repository, answered by ONNX Runtime as Triton would.

It reads ``config.pbtxt`` and holds graphs and requests to it by Triton's rules: names and types, the first size open
where there are batches, no more than ``max_batch_size``, the versions of the policy. It speaks JSON and, where
``binary``, the extension for bytes. What it has not: requests that are answered together, other backends, gRPC.
"""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_config

LENGTH = "Inference-Header-Content-Length"
TYPES = {"TYPE_UINT8": ("tensor(uint8)", np.uint8), "TYPE_FP32": ("tensor(float)", np.float32)}
PATH = re.compile(r"/v2/models/(?P<model>[^/]+)(/versions/(?P<version>[^/]+))?(/(?P<what>ready|infer|config))?")


class RefusedError(Exception):
    """What Triton would refuse; the message goes back to who asked."""


@dataclass(frozen=True)
class Served:
    """A model of the repository: its configuration, its labels, a session for each version."""

    config: Any
    labels: list[str]
    sessions: dict[str, onnxruntime.InferenceSession]

    @property
    def newest(self) -> str:
        """The version that answers who names none."""
        return max(self.sessions, key=int)


def load(home: Path) -> Served:
    """Read the folder of a model. Raises AssertionError for what Triton would not load."""
    config = triton_config.read((home / "config.pbtxt").read_text(encoding="utf-8"))
    assert (config.name, config.backend) == (home.name, "onnxruntime")
    numbers = sorted(int(path.name) for path in home.iterdir() if re.fullmatch("[1-9][0-9]*", path.name))
    kept = numbers[-config.version_policy.latest.num_versions :]
    sessions = {
        str(number): onnxruntime.InferenceSession(home / str(number) / "model.onnx", providers=["CPUExecutionProvider"])
        for number in kept
    }
    for session in sessions.values():
        _hold(config, session)
    named = {output.label_filename for output in config.output} - {""}
    labels = [line for name in sorted(named) for line in (home / name).read_text(encoding="utf-8").splitlines()]
    return Served(config, labels, sessions)


def _hold(config: Any, session: onnxruntime.InferenceSession) -> None:
    """Hold a graph to a configuration, and warm it up as that says."""
    nodes = {node.name: node for node in (*session.get_inputs(), *session.get_outputs())}
    assert {tensor.name for tensor in (*config.input, *config.output)} == set(nodes)
    for tensor in (*config.input, *config.output):
        node = nodes[tensor.name]
        sizes = [size if isinstance(size, int) else -1 for size in node.shape]
        assert sizes == _sizes(config, tensor), f"{tensor.name}: the graph has {sizes}"
        assert node.type == TYPES[_kind(tensor)][0], tensor.name
    assert not (config.HasField("dynamic_batching") and config.max_batch_size < 2)
    for warmup in config.model_warmup:
        assert 1 <= warmup.batch_size <= max(config.max_batch_size, 1)
        batch = [warmup.batch_size] if config.max_batch_size else []
        inputs = {entry.key: entry.value for entry in warmup.inputs}
        session.run(None, {name: np.zeros([*batch, *one.dims], TYPES[_kind(one)][1]) for name, one in inputs.items()})


def _kind(tensor: Any) -> str:
    field = tensor.DESCRIPTOR.fields_by_name["data_type"]
    return str(field.enum_type.values_by_number[tensor.data_type].name)


def _sizes(config: Any, tensor: Any) -> list[int]:
    return ([-1] if config.max_batch_size else []) + list(tensor.dims)


class Answering:
    """What the server knows, and how it answers; tests set what is to go wrong."""

    def __init__(self, repository: Path, *, binary: bool = True, versions: bool = True) -> None:
        self.models = {home.name: load(home) for home in sorted(repository.iterdir())}
        self.binary, self.versions = binary, versions
        self.ready, self.hangs_up = True, False
        self.asked: list[str] = []  # paths, in their order
        self.headers: list[dict[str, str]] = []
        self.shapes: list[tuple[int, ...]] = []

    def get(self, path: str) -> tuple[int, Any]:
        """Answer a GET."""
        if path == "/v2":
            return 200, {"name": "here", "version": "1", "extensions": ["binary_tensor_data"] if self.binary else []}
        if path in ("/v2/health/live", "/v2/health/ready"):
            return (200 if self.ready or path.endswith("live") else 400), {}
        found = PATH.fullmatch(path)
        if found is None or found["what"] == "infer":
            return 404, {"error": "no such path"}
        model, _ = self._found(found)
        if found["what"] == "ready":
            return (200 if self.ready else 400), {}
        tensors = {"inputs": model.config.input, "outputs": model.config.output}
        told: dict[str, Any] = {
            key: [
                {"name": each.name, "datatype": _kind(each).removeprefix("TYPE_"), "shape": _sizes(model.config, each)}
                for each in values
            ]
            for key, values in tensors.items()
        }
        named = {"versions": sorted(model.sessions, key=int)} if self.versions else {}
        return 200, {"name": found["model"], **named, "platform": "onnxruntime_onnx", **told}

    def infer(self, path: str, document: dict[str, Any], rest: bytes) -> tuple[dict[str, Any], bytes]:
        """Answer an inference request: its JSON, and the bytes after that."""
        found = PATH.fullmatch(path)
        assert found is not None
        assert found["what"] == "infer"
        model, version = self._found(found)
        given = {}
        for tensor in document["inputs"]:
            size = tensor.get("parameters", {}).get("binary_data_size")
            if size is not None and not self.binary:
                raise RefusedError("binary data is not supported")
            content, rest = (rest[:size], rest[size:]) if size is not None else (None, rest)
            given[tensor["name"]] = self._input(model, tensor, content)
        if rest:
            raise RefusedError(f"unexpected additional input data of {len(rest)} bytes")
        names = [output["name"] for output in document["outputs"]]
        values = model.sessions[version].run(names, given)
        return self._response(found["model"], version, document["outputs"], values)

    def _found(self, path: re.Match[str]) -> tuple[Served, str]:
        if path["model"] not in self.models:
            raise RefusedError(f"Request for unknown model: '{path['model']}' is not found")
        model = self.models[path["model"]]
        version = path["version"] or model.newest
        if version not in model.sessions or (path["version"] and not self.versions):
            raise RefusedError(f"Request for unknown model: '{path['model']}' version {version} is not found")
        return model, version

    def _input(self, model: Served, tensor: dict[str, Any], content: bytes | None) -> Any:
        wanted = {each.name: each for each in model.config.input}.get(tensor["name"])
        if wanted is None or f"TYPE_{tensor['datatype']}" != _kind(wanted):
            raise RefusedError(f"unexpected inference input '{tensor['name']}' of {tensor['datatype']}")
        sizes, shape = _sizes(model.config, wanted), tuple(tensor["shape"])
        if len(sizes) != len(shape) or any(size not in (-1, own) for size, own in zip(sizes, shape, strict=True)):
            raise RefusedError(f"unexpected shape for input '{tensor['name']}'. Expected {sizes}, got {list(shape)}")
        if model.config.max_batch_size and shape[0] > model.config.max_batch_size:
            raise RefusedError(f"inference request batch-size must be <= {model.config.max_batch_size}")
        self.shapes.append(shape)
        kind = TYPES[_kind(wanted)][1]
        values = np.array(tensor["data"], kind) if content is None else np.frombuffer(content, kind)
        return values.reshape(shape)

    def _response(
        self, name: str, version: str, outputs: list[dict[str, Any]], values: list[Any]
    ) -> tuple[dict[str, Any], bytes]:
        told, content = [], b""
        for output, value in zip(outputs, values, strict=True):
            kind = {"float32": "FP32", "uint8": "UINT8"}[str(value.dtype)]
            one: dict[str, Any] = {"name": output["name"], "datatype": kind, "shape": list(value.shape)}
            if output.get("parameters", {}).get("binary_data"):
                one["parameters"] = {"binary_data_size": value.nbytes}
                content += value.tobytes()
            else:
                one["data"] = value.ravel().tolist()
            told.append(one)
        named = {"model_version": version} if self.versions else {}
        return {"model_name": name, **named, "outputs": told}, content


class Handler(http.server.BaseHTTPRequestHandler):
    """HTTP around an ``Answering``, which is the server's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._note()
        try:
            status, document = self.server.answering.get(self.path)
        except RefusedError as error:
            status, document = 404, {"error": str(error)}
        self._send(status, json.dumps(document).encode())

    def do_POST(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        length = int(self.headers.get(LENGTH, len(body)))
        try:
            document, content = self.server.answering.infer(self.path, json.loads(body[:length]), body[length:])
        except RefusedError as error:
            self._send(400, json.dumps({"error": str(error)}).encode())
            return
        said = json.dumps(document).encode()
        self._send(200, said + content, **({LENGTH: str(len(said))} if content else {}))

    def _note(self) -> None:
        self.server.answering.asked.append(f"{self.command} {self.path}")
        self.server.answering.headers.append({name.lower(): value for name, value in self.headers.items()})

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.close_connection |= self.server.answering.hangs_up  # without a word, as one that stood idle

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """Serve on a free port, and yield the URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.answering = answering
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
