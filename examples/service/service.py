"""A picture in, its label and probabilities out, over HTTP.

python service.py --port 8000
curl --data-binary @seven.png http://127.0.0.1:8000/classify

README.md has the settings (environment variables), the answers and the errors.
"""

import argparse
import asyncio
import html
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import uvicorn
from batching import Batcher
from decoding import Decoders, Limits, Refused
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from numpy.typing import NDArray
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

import edgecnn
from edgecnn.errors import EdgecnnError

PREFIX = "SERVICE_"
CLIENT_GONE = 499  # nobody reads this answer; the metrics count it
PICTURE = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "required": ["picture"], "properties": {"picture": PICTURE["schema"]}}}
HEADERS_S = 10.0  # for a request's headers to be whole
BODY = {"requestBody": {"required": True, "content": {"image/*": PICTURE, "multipart/form-data": FORM}}}
REASONS = {
    400: "No picture, a broken form, more than one file",
    408: "The picture did not arrive in time",
    413: "More bytes or more pixels than allowed",
    415: "Not a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM",
    422: "Such a picture, but a broken one, or one that takes too long to decode",
    503: "Too many requests are waiting; Retry-After says when to come again",
}


class Classified(BaseModel):
    """The answer to a picture."""

    label: str
    class_id: int
    probability: float
    probabilities: dict[str, float]
    latency_ms: float
    batch: int


class Health(BaseModel):
    """Whether pictures are being answered, and by what."""

    status: str
    model: str
    form: str
    provider: str


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


@dataclass(frozen=True)
class Settings:
    """What the environment may set, as SERVICE_MODEL and so on."""

    model: str = "mnist-compact"
    max_batch: int = 32
    wait_ms: float = 2.0
    max_bytes: int = 8 * 2**20
    max_pixels: int = 25_000_000
    max_waiting: int = 256
    body_s: float = 20.0
    decoders: int = 2
    decode_s: float = 5.0
    decode_bytes: int = 512 * 2**20

    @classmethod
    def from_environment(cls) -> "Settings":
        """Raise ValueError, with the variable's name, for what is no positive number."""
        values = {}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            if name in os.environ:
                values[field.name] = _parsed(name, os.environ[name], type(field.default))
        return cls(**values)


def _parsed(name: str, value: str, kind: Callable[[str], str | int | float]) -> str | int | float:
    try:
        parsed = kind(value)
    except ValueError:
        parsed = 0
    if not parsed or (not isinstance(parsed, str) and not 0 < parsed < float("inf")):
        raise ValueError(f"{name}={value!r}: expected a {'name' if kind is str else 'positive number'}.")
    return parsed


class Metrics:
    """What /metrics shows; ``inside`` tells how many requests are not answered yet."""

    def __init__(self, inside: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "edgecnn_requests", "Answers to POST /classify by HTTP status.", ["code"], registry=self.registry
        )
        self.labels = Counter(
            "edgecnn_predictions", "Pictures classified, by label.", ["label"], registry=self.registry
        )
        self.batch_size = Histogram(
            "edgecnn_batch_size",
            "Pictures in one call of the model.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.latency = Histogram(
            "edgecnn_latency_seconds",
            "From the whole picture received to its answer.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )
        waiting = Gauge(
            "edgecnn_requests_inside", "Requests to classify that are not answered yet.", registry=self.registry
        )
        waiting.set_function(inside)


class Service:
    """A model, the requests that wait for it, and its figures."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.classifier = edgecnn.load(settings.model)
        self.batcher = Batcher(self._answer_all, most=settings.max_batch, wait_ms=settings.wait_ms)
        # Of a large picture only the model's few pixels wait in the queue.
        limits = Limits(settings.max_pixels, settings.decode_s, settings.decode_bytes)
        self._decoders = Decoders(self.classifier.card.input, limits, count=settings.decoders)
        self._inside = 0
        self.metrics = Metrics(lambda: self._inside)

    @asynccontextmanager
    async def running(self, _: FastAPI) -> AsyncIterator[None]:
        """Answer requests until the application ends."""
        await self._decoders.start()
        self.batcher.start()
        yield
        await self.batcher.stop()
        await self._decoders.stop()

    async def answer(self, request: Request) -> Classified | Response:
        """Classify a request's picture, and count how that went."""
        code = 500
        self._inside += 1
        try:
            classified = await self._classify(request)
            code = 200
        except Refused as refused:
            code = refused.status
            raise HTTPException(code, refused.detail) from refused
        except HTTPException as error:
            code = error.status_code
            raise
        except ClientDisconnect:
            code = CLIENT_GONE
            return Response(status_code=code)
        finally:
            self._inside -= 1
            self.metrics.requests.labels(str(code)).inc()
        return classified

    async def _classify(self, request: Request) -> Classified:
        settings, card = self._settings, self.classifier.card
        if self._inside > settings.max_waiting:
            raise HTTPException(503, "Too many requests are waiting. Try again.", {"Retry-After": "1"})
        try:
            async with asyncio.timeout(settings.body_s):
                content = await _picture(request, settings.max_bytes)
        except TimeoutError:
            raise HTTPException(
                408, f"The picture was not here after {settings.body_s:g} s.", {"Connection": "close"}
            ) from None
        started_ns = time.perf_counter_ns()
        image_hwc = await self._decoders.decode(content)
        answer, batch = await self.batcher.ask(image_hwc)
        latency_ms = (time.perf_counter_ns() - started_ns) / 1e6
        self.metrics.labels.labels(answer.label).inc()
        self.metrics.latency.observe(latency_ms / 1e3)
        return Classified(
            label=answer.label,
            class_id=answer.class_id,
            probability=answer.probability,
            probabilities=dict(zip(card.labels, map(float, answer.probabilities_k), strict=True)),
            latency_ms=round(latency_ms, 3),
            batch=batch,
        )

    def _answer_all(self, images: list[NDArray[np.uint8]]) -> list[edgecnn.Prediction]:
        self.metrics.batch_size.observe(len(images))
        return self.classifier.predict_batch(images)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Load the model and build the application; ``uvicorn --factory service:create_app`` calls this too."""
    service = Service(settings or Settings.from_environment())
    card = service.classifier.card
    app = FastAPI(
        title=f"edgecnn: {card.name}",
        version=edgecnn.__version__,
        lifespan=service.running,
        docs_url=None,  # FastAPI's own pages load their scripts from another host
        redoc_url=None,
    )
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": reason} for status, reason in REASONS.items()
    }

    @app.post("/classify", response_model=Classified, responses=problems, openapi_extra=BODY)
    async def classify(request: Request) -> Classified | Response:
        """Classify one picture: the body itself, or the one file of a form."""
        return await service.answer(request)

    @app.get("/health", responses={503: {"model": Health, "description": "Nothing is being answered"}})
    async def health(response: Response) -> Health:
        """Say whether pictures are being answered, and by what."""
        running = service.batcher.running
        if not running:
            response.status_code = 503
        status = "ok" if running else "stopped"
        provider = service.classifier.running_provider
        return Health(status=status, model=card.name, form=card.form, provider=provider)

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Answer with Prometheus text."""
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_docs(app.openapi()))

    return app


async def _picture(request: Request, most: int) -> bytes:
    """Return the picture that a request carries, read no further than ``most`` bytes and a form's margin."""
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    body = await _body(request, most + (4096 if is_form else 0))
    content = await _of_form(request, body) if is_form else body
    if not content:
        raise HTTPException(400, "No picture: send its bytes as the body, or as the one file of a form.")
    if len(content) > most:
        raise _too_long(most)
    return content


async def _body(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most:
        raise _too_long(most)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_long(most)
    return bytes(body)


async def _of_form(request: Request, body: bytes) -> bytes:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    try:
        form = await MultiPartParser(request.headers, stream(), max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError) as error:
        raise HTTPException(400, f"Broken form: {getattr(error, 'message', 'no boundary')}") from error
    files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
    try:
        return await files[0].read() if files else b""
    finally:
        await form.close()


def _too_long(most: int) -> HTTPException:
    return HTTPException(413, f"The picture has more than {most:,} bytes. Scale it down first.")


def _docs(schema: dict[str, Any]) -> str:
    """Return the API as a page without scripts; /openapi.json has all of it."""
    rows = []
    for path, methods in schema["paths"].items():
        for method, about in methods.items():
            answers = "".join(
                f"<li>{status}: {html.escape(answer['description'])}</li>"
                for status, answer in sorted(about["responses"].items())
            )
            rows.append(f"<h2>{method.upper()} {path}</h2><p>{html.escape(about['description'])}</p><ul>{answers}</ul>")
    title = html.escape(schema["info"]["title"])
    link = '<p><a href="/openapi.json">openapi.json</a></p>'
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{''.join(rows)}{link}"
    )


class TimedProtocol(H11Protocol):
    """uvicorn's HTTP, with a limit to how long a request's headers may take; it has one for idle connections alone."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_nothing()
        elif self._due is None:
            self._expect()

    def _expect(self) -> None:
        self._due = self.loop.call_later(HEADERS_S, self.transport.abort)

    def _expect_nothing(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def main() -> None:
    """Serve until SIGINT or SIGTERM; what has been asked by then is still answered, and the exit code is 0."""
    parser = argparse.ArgumentParser(description="Classify pictures over HTTP. README.md has the settings.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one and prints it")
    arguments = parser.parse_args()
    try:
        app = create_app()
    except (EdgecnnError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    # uvicorn raises the signal again when it has stopped; without this, a clean stop would look like a death by signal.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    uvicorn.run(app, host=arguments.host, port=arguments.port, timeout_graceful_shutdown=10, http=TimedProtocol)


if __name__ == "__main__":
    main()
