"""docs/results/camera.md: what is read before a camera, by kind of page and height of digit, beside an OCR engine.

    python tools/docs/camera_page.py record --data-root ROOT [--peer FOLDER] [--only PART...]    measure, then
    python tools/docs/camera_page.py                                 write the page from docs/records/camera.json

ROOT has MNIST, from which pages and crops are rendered that nothing was trained on or chosen by, and ``digit-photos``.
The peer is RapidOCR: ``pip install --no-deps --target FOLDER rapidocr`` and what it needs beside NumPy, OpenCV and ONNX
Runtime (pyclipper, shapely, omegaconf, antlr4-python3-runtime, six, colorlog). It needs no network. Parts can be
measured alone; times are kept of those during which nothing else used the machine. ``--before`` with the files of
before (``--detector OLD.onnx --model OLD.onnx``) puts what they come to beside it: in the table of targets, and speed.
"""

import argparse
import importlib.metadata
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from camera import page as pages
from camera import photographs, reading, record, rejection, rendered, sheets, speed, still

from edgecnn import load, load_detector, progress
from edgecnn.digits import Reader
from edgecnn.digits.pages.glyph_sources import Material, read_material
from edgecnn.files import write_text

PAGES, TOLD = 1000, 20  # rendered pages, and how often progress is said


@dataclass(frozen=True)
class Options:
    """What is measured with what."""

    root: Path
    detector: str
    model: str
    peer: Path | None
    pages: int
    frames: int
    pictures: Path | None
    before: bool

    @cached_property
    def material(self) -> Material:
        """What rendered pages are made of."""
        return read_material("test", self.root)

    @cached_property
    def reader(self) -> Reader:
        """What reads."""
        return Reader(load_detector(self.detector), load(self.model))


def _photographs(options: Options) -> Callable[[bool], record.Record]:
    ours = f"{options.detector} and {options.model}"
    readers = {ours: reading.still(options.reader), "the same, filmed": reading.filmed(options.detector, options.model)}
    peer = reading.peer(options.peer)
    readers |= {reading.PEER: peer} if peer else {}
    scores = photographs.measured(options.root, readers, options.pictures)
    return lambda times: {"scores": photographs.rows(scores, times=times)}


def _pages(options: Options) -> Callable[[bool], record.Record]:
    found = rendered.measured(options.material, reading.still(options.reader), options.pages)
    return lambda times: found.record()


def _rejection(options: Options) -> Callable[[bool], record.Record]:
    found = rejection.measured(options.root, options.material, load(options.model), options.pages)
    return lambda times: found.record()


def _still(options: Options) -> Callable[[bool], record.Record]:
    rows, costs = still.measured(still.pictures(options.material), options.detector, options.model, options.peer)
    return lambda times: still.record(rows, costs, times=times)


def _speed(options: Options) -> Callable[[bool], record.Record]:
    wanted = replace(speed.Wanted(), frames=options.frames)
    found = speed.measured(options.material, options.detector, options.model, wanted)
    return lambda times: found if times else speed.without_times(found)


MEASURES = {
    "photographs": _photographs, "pages": _pages, "rejection": _rejection, "still": _still, "speed": _speed,
}  # fmt: skip
SHEETS = "sheets"
WITH_PEER = ("photographs", "still")


def measure(part: str, options: Options) -> None:
    """Measure one part, and put it into the record."""
    with record.watched() as others:
        found = MEASURES[part](options)
    version = importlib.metadata.version("rapidocr") if part in WITH_PEER and reading.peer(options.peer) else None
    own = record.circumstances(options.detector, options.model, others, version)
    record.put(part, own | found(others.are_quiet), before=options.before)
    quiet = "" if others.are_quiet else f"; others used {others.busy:.0%} of the machine: no times"
    print(f"{part}: measured{quiet}", file=sys.stderr)


def page() -> str:
    """Return the page from the record."""
    if not record.RECORD.exists():
        raise SystemExit(f"{record.RECORD} is not there yet: measure first, with record.")
    return pages.page(record.read())


def teller(part: str) -> progress.Listener:
    """Return what says how far a part is, now and then."""

    def tell(done: int, total: int) -> None:
        if done == total or done % max(1, total // TOLD) == 0:
            print(f"{part}: {done:,} of {total:,}", file=sys.stderr, flush=True)

    return tell


def main() -> None:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command")
    measuring = commands.add_parser("record", help="measure, and write the record and the page")
    measuring.add_argument("--data-root", type=Path, required=True)
    measuring.add_argument("--detector", default="digit-finder")
    measuring.add_argument("--model", default="digits-webcam")
    measuring.add_argument("--peer", type=Path, help="folder that has rapidocr")
    measuring.add_argument("--only", nargs="+", choices=[*MEASURES, SHEETS], default=[*MEASURES, SHEETS])
    measuring.add_argument("--pages", type=int, default=PAGES)
    measuring.add_argument("--frames", type=int, default=speed.FRAMES, help="frames of varying size, for the memory")
    measuring.add_argument("--pictures", type=Path, help="folder for the photographs with what was read in them")
    measuring.add_argument("--before", action="store_true", help="keep it as what other files came to before")
    given = parser.parse_args()
    if given.command:
        options = Options(
            root=given.data_root,
            detector=given.detector,
            model=given.model,
            peer=given.peer,
            pages=given.pages,
            frames=given.frames,
            pictures=given.pictures,
            before=given.before,
        )
        for part in given.only:
            with progress.told_to(teller(part)):
                if part == SHEETS:
                    sheets.draw(pages.SHEETS, options.material, options.reader)
                else:
                    measure(part, options)
    if given.command and not record.RECORD.exists():
        return  # contact sheets alone
    made, found = page(), record.read()
    if "rejection" in found:
        rejection.draw_reliability(found["rejection"]["bins"], pages.DIAGRAM)
    write_text(pages.PAGE, made)


if __name__ == "__main__":
    main()
