"""Pictures decoded in processes of their own: one that takes too long, or too much memory, ends its process alone.

``python decoding.py PIXELS HEIGHT WIDTH CHANNELS MEMORY`` is such a process: on standard input each picture as its
length (8 bytes) and its bytes, on standard output a line of JSON and, where that has no status, the model's input.
"""

import asyncio
import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edgecnn.card import ImageInput
from edgecnn.errors import ImageError
from edgecnn.runtime.image import read_image, to_input

# Pillow reads more, some of it by starting other programs: what comes from outside is held to these.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

Pixels = NDArray[np.uint8]


class Refused(Exception):  # noqa: N818 - the picture's fault
    """A picture that is not classified, and the HTTP status that says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(frozen=True)
class Limits:
    """Of one picture: pixels, seconds to decode it, bytes that its decoder may take beyond what it starts with."""

    pixels: int
    seconds: float
    memory_bytes: int


class Decoders:
    """``count`` processes; as many pictures are decoded at once, and the others wait for the first that is free."""

    def __init__(self, wanted: ImageInput, limits: Limits, *, count: int) -> None:
        self._all = [_Decoder(wanted, limits) for _ in range(count)]
        self._free: asyncio.Queue[_Decoder] = asyncio.Queue()

    async def start(self) -> None:
        await asyncio.gather(*(decoder.start() for decoder in self._all))
        for decoder in self._all:
            self._free.put_nowait(decoder)

    async def stop(self) -> None:
        await asyncio.gather(*(decoder.end() for decoder in self._all))

    async def decode(self, content: bytes) -> Pixels:
        """Return the model's input. Raises Refused."""
        decoder = await self._free.get()
        try:
            return await decoder.decode(content)
        finally:
            self._free.put_nowait(decoder)


class _Decoder:
    """One process; where a picture has ended it or got stuck in it, the next picture gets a new one."""

    def __init__(self, wanted: ImageInput, limits: Limits) -> None:
        self._limits = limits
        self._arguments = [str(number) for number in (limits.pixels, *wanted.shape, limits.memory_bytes)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, str(Path(__file__).resolve()), *self._arguments]
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, start_new_session=True)
        assert process.stdout is not None
        await process.stdout.readline()  # it has imported what it needs
        self._process = process
        return process

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def decode(self, content: bytes) -> Pixels:
        try:
            process = self._process or await self.start()
            async with asyncio.timeout(self._limits.seconds):
                return await self._exchange(process, content)
        except Refused:
            raise
        except TimeoutError:
            await self.end()
            raise Refused(422, f"The picture takes more than {self._limits.seconds:g} s to decode.") from None
        except (OSError, EOFError, ValueError):
            await self.end()
            raise Refused(422, "The picture ended what decodes it: it is broken.") from None
        except BaseException:  # cancelled half-way
            await self.end()
            raise

    async def _exchange(self, process: asyncio.subprocess.Process, content: bytes) -> Pixels:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(len(content).to_bytes(8, "big") + content)
        await process.stdin.drain()
        answer = json.loads(await process.stdout.readline())
        if "status" in answer:
            raise Refused(answer["status"], answer["detail"])
        pixels = await process.stdout.readexactly(int(np.prod(answer["shape"])))
        return np.frombuffer(pixels, np.uint8).reshape(answer["shape"])


def decode(content: bytes, most_pixels: int, wanted: ImageInput) -> Pixels:
    """Turn a picture file into the model's input; its size is looked at before its pixels are. Raises Refused."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size
        if width * height > most_pixels:
            raise Refused(413, f"The picture is {width}x{height}, more than {most_pixels:,} pixels.")
        return to_input(read_image(content), wanted)
    except Refused:
        raise
    except UnidentifiedImageError as error:
        raise Refused(415, f"Not a picture in one of the formats {', '.join(FORMATS)}.") from error
    except Image.DecompressionBombError as error:
        raise Refused(413, f"The picture has more than {most_pixels:,} pixels.") from error
    except MemoryError as error:
        raise Refused(413, "The picture takes more memory to decode than is allowed.") from error
    except ImageError as error:
        raise Refused(422, str(error)) from error
    except Exception as error:  # decoders raise nearly anything, and every time it is about the picture
        raise Refused(422, f"The picture cannot be decoded ({type(error).__name__}: {str(error)[:200]}).") from error


def main(most_pixels: int, height: int, width: int, channels: int, memory_bytes: int) -> None:
    """Be the process."""
    _bound_memory(memory_bytes)
    wanted = ImageInput(height, width, channels)
    pictures, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(b"ready\n")
    answers.flush()
    while length := pictures.read(8):
        try:
            pixels = decode(pictures.read(int.from_bytes(length, "big")), most_pixels, wanted)
            answers.write(json.dumps({"shape": pixels.shape}).encode() + b"\n" + np.ascontiguousarray(pixels).tobytes())
        except Refused as refused:
            answers.write(json.dumps({"status": refused.status, "detail": refused.detail}).encode() + b"\n")
        answers.flush()


def _bound_memory(memory_bytes: int) -> None:
    """Allow so much more than the process has already, where the system can bound it."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
