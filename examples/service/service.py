"""A picture in, its label and probabilities out, over HTTP.

python service.py --port 8000
curl --data-binary @seven.png http://127.0.0.1:8000/classify

README.md has the settings (environment variables), the answers and the errors.
"""

import argparse
import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields

import numpy as np
import uvicorn
from batching import Batcher
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

import edgecnn
from edgecnn.card import ImageInput
from edgecnn.errors import EdgecnnError, ImageError
from edgecnn.runtime.image import read_image, to_input

PREFIX = "SERVICE_"
# Pillow reads more, some of it by starting other programs: what comes from outside is held to these.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
CLIENT_GONE = 499  # nobody reads this answer; the metrics count it
PICTURE = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "required": ["picture"], "properties": {"picture": PICTURE["schema"]}}}
BODY = {"requestBody": {"required": True, "content": {"image/*": PICTURE, "multipart/form-data": FORM}}}


@dataclass(frozen=True)
class Settings:
    """What the environment may set, as SERVICE_MODEL and so on."""

    model: str = "mnist-compact"
    max_batch: int = 32
    wait_ms: float = 2.0
    max_bytes: int = 8 * 2**20
    max_pixels: int = 25_000_000
    max_waiting: int = 256

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
        # Of a large picture only the model's few pixels wait in the queue; one decoder at a time bounds the memory.
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        self._inside = 0
        self.metrics = Metrics(lambda: self._inside)

    @asynccontextmanager
    async def running(self, _: FastAPI) -> AsyncIterator[None]:
        """Answer requests until the application ends."""
        self.batcher.start()
        yield
        await self.batcher.stop()
        self._decoder.shutdown()

    async def answer(self, request: Request) -> Response:
        """Classify a request's picture, and count how that went."""
        code = 500
        self._inside += 1
        try:
            response = await self._classify(request)
            code = response.status_code
        except HTTPException as error:
            code = error.status_code
            raise
        except ClientDisconnect:
            code = CLIENT_GONE
            return Response(status_code=code)
        finally:
            self._inside -= 1
            self.metrics.requests.labels(str(code)).inc()
        return response

    async def _classify(self, request: Request) -> Response:
        settings, card = self._settings, self.classifier.card
        if self._inside > settings.max_waiting:
            raise HTTPException(503, "Too many requests are waiting. Try again.", {"Retry-After": "1"})
        content = await _picture(request, settings.max_bytes)
        started_ns = time.perf_counter_ns()
        image_hwc = await asyncio.get_running_loop().run_in_executor(
            self._decoder, _decode, content, settings.max_pixels, card.input
        )
        answer, batch = await self.batcher.ask(image_hwc)
        latency_ms = (time.perf_counter_ns() - started_ns) / 1e6
        self.metrics.labels.labels(answer.label).inc()
        self.metrics.latency.observe(latency_ms / 1e3)
        return JSONResponse(
            {
                "label": answer.label,
                "class_id": answer.class_id,
                "probability": answer.probability,
                "probabilities": dict(zip(card.labels, map(float, answer.probabilities_k), strict=True)),
                "latency_ms": round(latency_ms, 3),
                "batch": batch,
            }
        )

    def _answer_all(self, images: list[NDArray[np.uint8]]) -> list[edgecnn.Prediction]:
        self.metrics.batch_size.observe(len(images))
        return self.classifier.predict_batch(images)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Load the model and build the application; ``uvicorn --factory service:create_app`` calls this too."""
    service = Service(settings or Settings.from_environment())
    card = service.classifier.card
    app = FastAPI(title=f"edgecnn: {card.name}", version=edgecnn.__version__, lifespan=service.running)

    @app.post("/classify", openapi_extra=BODY)
    async def classify(request: Request) -> Response:
        """Classify one picture: the body itself, or the one file of a form."""
        return await service.answer(request)

    @app.get("/health")
    async def health(response: Response) -> dict[str, str | int]:
        """Say whether pictures are being answered, and by what."""
        running = service.batcher.running
        if not running:
            response.status_code = 503
        status = "ok" if running else "stopped"
        provider = service.classifier.running_provider
        return {"status": status, "model": card.name, "form": card.form, "provider": provider}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

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


def _decode(content: bytes, most_pixels: int, wanted: ImageInput) -> NDArray[np.uint8]:
    """Turn a picture file into the model's input; its size is looked at before its pixels are."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size
        if width * height > most_pixels:
            raise HTTPException(413, f"The picture is {width}x{height}, more than {most_pixels:,} pixels.")
        return to_input(read_image(content), wanted)
    except UnidentifiedImageError as error:
        raise HTTPException(415, f"Not a picture in one of the formats {', '.join(FORMATS)}.") from error
    except Image.DecompressionBombError as error:
        raise HTTPException(413, f"The picture has more than {most_pixels:,} pixels.") from error
    except (ImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise HTTPException(422, str(error)) from error


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
    uvicorn.run(app, host=arguments.host, port=arguments.port, timeout_graceful_shutdown=10)


if __name__ == "__main__":
    main()
