"""The service in a process of its own, asked as clients ask it: many at a time, some with broken pictures."""

import contextlib
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgecnn
from edgecnn.card import ImageInput
from edgecnn.runtime.image import read_image

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "service"
PATIENCE_S = 60
CONCURRENT = 50
MOST_BATCH = 8
FORM = "multipart/form-data; boundary=limit"


class Service:
    """A running service and its client."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self._log = process, log
        self.port = int(self._logged(r"running on http://127\.0\.0\.1:(\d+)"))

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "image/png") -> tuple[int, bytes]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def classify(self, body: bytes, kind: str = "image/png") -> tuple[int, dict]:
        status, content = self.ask("POST", "/classify", body, kind)
        return status, json.loads(content)

    def metrics(self) -> dict[str, float]:
        lines = self.ask("GET", "/metrics")[1].decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def _logged(self, pattern: str) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(pattern, self.log()):
                return found[1]
            time.sleep(0.05)
        raise AssertionError(f"did not start:\n{self.log()}")


@contextlib.contextmanager
def _serving(model: Path, folder: Path, **settings: object) -> Iterator[Service]:
    variables = {f"SERVICE_{name.upper()}": str(value) for name, value in settings.items()}
    log = folder / "service.log"
    command = [sys.executable, str(FOLDER / "service.py"), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | {"SERVICE_MODEL": str(model)} | variables, stdout=output, stderr=output
        )
    try:
        yield Service(process, log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    limits = {"max_batch": MOST_BATCH, "wait_ms": 200, "max_bytes": 100_000, "max_pixels": 300 * 300}
    with _serving(model, tmp_path_factory.mktemp("service"), **limits) as running:
        yield running


def _picture(image: np.ndarray, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(image.squeeze()).save(content, kind)
    return content.getvalue()


def _pictures(card_input: ImageInput) -> list[bytes]:
    """Fifty files of several sizes and formats, gray and color."""
    random = np.random.default_rng(0)
    shapes = [card_input.shape, (20, 30), (64, 64, 3), (40, 40, 4)]
    kinds = ["PNG", "PNG", "JPEG", "PNG"]
    pixels = [random.integers(0, 256, shapes[index % 4], dtype=np.uint8) for index in range(CONCURRENT)]
    return [_picture(image, kinds[index % 4]) for index, image in enumerate(pixels)]


def _form(*parts: tuple[str, bytes]) -> bytes:
    head = b'--limit\r\nContent-Disposition: form-data; name="picture"; %s\r\n\r\n%s\r\n'
    return b"".join(head % (about.encode(), content) for about, content in parts) + b"--limit--\r\n"


@pytest.mark.slow
def test_many_at_once_are_answered_as_one_by_one_in_batches(service: Service, model: Path) -> None:
    """Every fifth picture is broken, and takes nobody with it."""
    classifier = edgecnn.load(model)
    pictures = _pictures(classifier.card.input)
    asked = [content[:-40] if index % 5 == 0 else content for index, content in enumerate(pictures)]
    before = service.metrics()
    with ThreadPoolExecutor(CONCURRENT) as clients:
        answers = list(clients.map(service.classify, asked))
    after = service.metrics()
    for index, (status, answer) in enumerate(answers):
        if index % 5 == 0:
            assert (status, set(answer)) == (422, {"detail"})
            continue
        alone = classifier.predict(read_image(pictures[index]))
        assert status == 200, answer
        assert (answer["label"], answer["class_id"]) == (alone.label, alone.class_id)
        assert list(answer["probabilities"]) == classifier.labels
        np.testing.assert_allclose(list(answer["probabilities"].values()), alone.probabilities_k, atol=1e-6)
        assert answer["probability"] == answer["probabilities"][alone.label]
        assert answer["latency_ms"] > 0
        assert 1 <= answer["batch"] <= MOST_BATCH

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    good = CONCURRENT - CONCURRENT // 5
    assert grown("edgecnn_batch_size_sum") == grown("edgecnn_latency_seconds_count") == good
    assert grown("edgecnn_batch_size_count") < good, "every picture was answered alone"
    assert grown('edgecnn_batch_size_bucket{le="8.0"}') == grown("edgecnn_batch_size_count")
    assert grown('edgecnn_requests_total{code="200"}') == good
    assert grown('edgecnn_requests_total{code="422"}') == CONCURRENT // 5
    assert after["edgecnn_requests_inside"] == 0


@pytest.mark.slow
def test_a_form_is_answered_as_a_body(service: Service) -> None:
    picture = _picture(np.full((30, 30), 200, np.uint8))
    form = _form(("x=1", b"a field"), ('filename="seven.png"', picture))
    (as_body, body), (as_form, answer) = service.classify(picture), service.classify(form, FORM)
    assert as_body == as_form == 200
    assert body["probabilities"] == answer["probabilities"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "reason", "body", "kind"),
    [
        (400, "No picture", b"", "image/png"),
        (400, "No picture", _form(("x=1", b"a field")), FORM),
        (400, "Broken form", b"no form", FORM),
        (400, "Broken form", b"no form", "multipart/form-data"),
        (400, "Too many files", _form(('filename="a"', b"1"), ('filename="b"', b"2")), FORM),
        (413, "more than 100,000 bytes", bytes(100_001), "image/png"),
        (413, "more than 100,000 bytes", _form(('filename="a"', bytes(100_001))), FORM),
        (413, "more than 90,000 pixels", _picture(np.zeros((301, 300), np.uint8)), "image/png"),
        (415, "formats BMP, GIF, JPEG", b"hello", "image/png"),
        (415, "formats BMP, GIF, JPEG", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "image/png"),
        (422, "truncated", _picture(np.zeros((30, 30), np.uint8))[:-30], "image/png"),
    ],
)
def test_what_is_no_picture_is_refused(service: Service, status: int, reason: str, body: bytes, kind: str) -> None:
    found, answer = service.classify(body, kind)
    assert found == status, answer
    assert reason in answer["detail"]


@pytest.mark.slow
def test_a_client_that_leaves_is_counted_and_no_error(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_S) as client:
        client.sendall(b"POST /classify HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nhalf a picture")
    deadline = time.monotonic() + PATIENCE_S
    while 'edgecnn_requests_total{code="499"}' not in service.metrics():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "Traceback" not in service.log()


@pytest.mark.slow
def test_slow_clients_are_hung_up_on_and_keep_nobody_out(model: Path, tmp_path: Path) -> None:
    """Some are slow with their headers, some with their picture, and there is no place for more of these."""
    picture = _picture(np.zeros((30, 30), np.uint8))
    with _serving(model, tmp_path, max_waiting=2, body_s=1) as service, contextlib.ExitStack() as stack:
        address = ("127.0.0.1", service.port)
        slow = [stack.enter_context(socket.create_connection(address, timeout=PATIENCE_S)) for _ in range(12)]
        for client in slow[:2]:
            client.sendall(b"POST /classify HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nhalf a picture")
        for client in slow[2:7]:
            client.sendall(b"POST /classify HTTP/1.1\r\nHost: ")
        for client in slow[:2]:
            assert client.recv(4096).startswith(b"HTTP/1.1 408")
        assert service.classify(picture)[0] == 200
        for client in slow[2:]:
            with contextlib.suppress(ConnectionError):
                assert client.recv(4096) == b""
        assert service.metrics()['edgecnn_requests_total{code="408"}'] == 2
        assert "Traceback" not in service.log()


@pytest.mark.slow
def test_a_picture_that_takes_too_long_is_refused_and_the_next_one_has_a_decoder(model: Path, tmp_path: Path) -> None:
    with _serving(model, tmp_path, decoders=1, decode_s=1e-6) as service:
        for _ in range(2):
            status, answer = service.classify(_picture(np.zeros((30, 30), np.uint8)))
            assert (status, answer) == (422, {"detail": "The picture takes more than 1e-06 s to decode."})
        assert service.ask("GET", "/health")[0] == 200
        assert service.stop() == 0
        assert "Traceback" not in service.log()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux")
def test_a_picture_that_takes_too_much_memory_is_refused(model: Path, tmp_path: Path) -> None:
    with _serving(model, tmp_path, decoders=1, decode_bytes=64 * 2**20) as service:
        assert service.classify(_picture(np.zeros((4900, 4900, 3), np.uint8)))[0] in (413, 422)
        assert service.classify(_picture(np.zeros((30, 30), np.uint8)))[0] == 200


@pytest.mark.slow
def test_the_api_is_documented_without_another_host(service: Service) -> None:
    schema = json.loads(service.ask("GET", "/openapi.json")[1])
    documented = set(schema["paths"]["/classify"]["post"]["responses"])
    assert documented == {"200", "400", "408", "413", "415", "422", "503"}
    status, page = service.ask("GET", "/docs")
    assert status == 200
    assert b"POST /classify" in page
    assert b"<script" not in page
    assert b"://" not in page


@pytest.mark.slow
def test_health_names_the_model(service: Service, model: Path) -> None:
    card = edgecnn.load(model).card
    status, content = service.ask("GET", "/health")
    assert status == 200
    assert json.loads(content) == {
        "status": "ok", "model": card.name, "form": card.form, "provider": "CPUExecutionProvider",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_sigterm_lets_in_no_more_answers_who_waits_and_exits_with_0(tmp_path: Path, model: Path) -> None:
    picture = _picture(np.zeros((30, 30), np.uint8))
    with (
        _serving(model, tmp_path, max_batch=8, wait_ms=1500, max_waiting=2) as service,
        ThreadPoolExecutor(2) as clients,
    ):
        waiting = [clients.submit(service.classify, picture) for _ in range(2)]
        while service.metrics()["edgecnn_requests_inside"] < 2:
            time.sleep(0.01)
        assert service.classify(picture) == (503, {"detail": "Too many requests are waiting. Try again."})
        assert service.stop() == 0
        assert [(answer.result()[0], answer.result()[1]["batch"]) for answer in waiting] == [(200, 2)] * 2
        with pytest.raises(ConnectionRefusedError):
            service.classify(picture)
        assert "Traceback" not in service.log()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SERVICE_MODEL", "nothing.onnx", "nothing.onnx"),
        ("SERVICE_WAIT_MS", "-1", "SERVICE_WAIT_MS='-1': expected a positive number."),
    ],
)
def test_a_wrong_setting_is_told_at_the_start(variable: str, value: str, message: str) -> None:
    command, environment = [sys.executable, str(FOLDER / "service.py")], os.environ | {variable: value}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
