"""edgecnn webcam"""

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgecnn.digits.defaults import DETAIL, MIN_PROBABILITY, MIN_SCORE
from edgecnn.text import json_text

from . import console
from .options import Detector, MinConfidence, MinScore, ModelFile, Provider, renamed
from .stop import STOPPED, stop_requests

if TYPE_CHECKING:
    from edgecnn.webcam.watch import Answer, Summary


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(webcam)


def webcam(
    model: ModelFile,
    source: Annotated[
        str,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="A camera's index, a video or picture file, numbered pictures (img_%03d.png) or a URL.",
        ),
    ] = "0",
    detector: Detector = Path("digit-finder"),
    finder: Annotated[str | None, renamed("--finder", "--detector")] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Classify the frame whole: its center, or the ink of one drawn digit. Color models always do.",
        ),
    ] = False,
    min_probability: Annotated[
        float | None,
        typer.Option(
            "--min-probability",
            metavar="P",
            min=0,
            max=1,
            help=f"Reject digits of lower confidence. Default: {MIN_PROBABILITY}, for whole frames 0.",
        ),
    ] = None,
    min_score: MinScore = MIN_SCORE,
    min_confidence: MinConfidence = None,
    detail: Annotated[
        float,
        typer.Option(
            "--detail",
            metavar="D",
            min=0,
            max=1,
            help="How closely a single picture is looked at: 1 down to its pixels, 0 at 640 pixels as videos are.",
        ),
    ] = DETAIL,
    no_display: Annotated[
        bool,
        typer.Option("--no-display", "--json", help="No window: print one JSON object per frame, one per line."),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="VIDEO", help="Write what is shown: .mp4 or .avi.")
    ] = None,
    frames: Annotated[int | None, typer.Option("--frames", metavar="N", min=1, help="Stop after N frames.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the crops that the network saw.")] = False,
    provider: Provider = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", min=1, help="Threads of the network. Default: what affinity and quota allow."
        ),
    ] = None,
) -> None:
    """Read digits from a camera, a video or a picture, live: find, classify, vote over frames, show.

    Keys in the window: space or p pauses, s saves the frame, d shows the crops that the network saw, q or Esc quits.
    Ctrl-C ends as well, with exit code 130; a video is whole either way.

    Example: edgecnn webcam digits-webcam --source 0
    """
    from edgecnn.errors import SourceError
    from edgecnn.webcam.opencv import silence
    from edgecnn.webcam.readers import open_reader
    from edgecnn.webcam.recorder import Recorder
    from edgecnn.webcam.sources import open_source
    from edgecnn.webcam.watch import Viewer, watch
    from edgecnn.webcam.window import Controls, Window

    silence()
    if output is not None and output.exists() and os.path.exists(source) and output.samefile(source):  # noqa: PTH110
        raise SourceError(f"{output}: is the source itself. Expected another name for --output.")
    window = None if no_display else Window()
    opened = open_source(source, tell=console.warn)
    reader = open_reader(
        model,
        detector,
        still=opened.kind == "still",
        whole=whole,
        min_score=min_score,
        min_probability=min_probability,
        min_confidence=min_confidence,
        detail=detail,
        provider=provider,
        threads=threads,
    )
    closed = threading.Event()
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_requests("finishing the frame …"))
        recorder = None if output is None else stack.enter_context(Recorder(output, opened.fps))
        summary = watch(
            opened,
            reader,
            Viewer(Controls(crops=debug, tell=_say), window=window, recorder=recorder),
            on_answer=lambda answer: _print(answer, closed) if no_display else None,
            should_stop=lambda: stop.is_set() or closed.is_set(),
            limit=frames,
        )
    _say(_told(summary))
    if recorder is not None and recorder.wrote:
        _say(f"wrote {output}")
    if summary.ended is not None:
        raise summary.ended
    raise typer.Exit(STOPPED if stop.is_set() else 0)


def _print(answer: "Answer", closed: threading.Event) -> None:
    """Print one frame's answer; a reader that went away (``| head``) ends the command as q does."""
    from edgecnn.documents import to_json

    found = answer.reading
    line = {
        "frame": answer.frame,
        "latency_ms": round(answer.latency_ms, 3),
        "text": found.text,
        "digits": [
            {
                "label": digit.label,
                "probability": round(digit.probability, 6),
                "box": [round(value, 1) for value in digit.box],
            }
            for digit in found.digits
        ],
        "rejected": found.rejected,
        "signs": [
            {"label": sign.label, "box": [round(value, 1) for value in sign.box], "before": sign.before}
            for sign in found.signs
        ],
    }
    try:
        sys.stdout.write(json_text(to_json(line, indent=None)) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        closed.set()


def _told(summary: "Summary") -> str:
    return (
        f"{console.counted(summary.frames, 'frame')} in {console.duration(summary.seconds)}, "
        f"{summary.frames_per_second:.1f} frames/s, latency p50 {summary.p50_ms:.1f} ms, p99 {summary.p99_ms:.1f} ms"
    )


def _say(line: str) -> None:
    console.tell(line)
