"""The ``edgecnn`` command: its sub-commands, and how an error leaves the program."""

import contextlib
import errno
import io
import os
import shutil
import sys
import textwrap
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from .help import Context

if TYPE_CHECKING:
    from edgecnn.errors import EdgecnnError

# A module each, which is imported when its command is called; this is what the list of commands says of it.
COMMANDS = {
    "data": "Look at a data set: doubles, leaks, sizes.",
    "train": "Train a recipe on a data set into a run.",
    "study": "Train what a study compares into one table.",
    "export": "Export a run or module to ONNX, proven.",
    "adopt": "Take an ONNX classifier of others.",
    "quantize": "Make a smaller, faster file; measure it.",
    "tune": "Search for the fastest file on a machine.",
    "evaluate": "Measure one model on a test set.",
    "verify": "Compare two models on the same images.",
    "bench": "Measure latency, start and memory.",
    "predict": "Classify pictures.",
    "read": "Read the digits of pictures as text.",
    "report": "Show a model as one page of pictures.",
    "leaderboard": "Rank models by score, latency and size.",
    "inspect": "Show the layers and the card of a file.",
    "audit": "Show where a file's time goes, and why.",
    "explain": "Show why a model answers as it does.",
    "selftest": "Check that a file answers as it should.",
    "embed": "Write a project that runs a model.",
    "webcam": "Read digits from a camera or a video, live.",
    "web": "Serve a page that classifies, in a browser.",
    "list": "List models, recipes, data sets and more.",
    "doctor": "Show what this installation has and lacks.",
    "demo": "Go the whole path in under a minute.",
}

MISUSE = 2  # the exit code of what was not asked for rightly

LOST = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO) if sys.platform != "win32" else (errno.EPIPE,)
NOWHERE = "The result has nowhere to go: see that what reads it goes on reading, and that there is room."


class _Commands(TyperGroup):
    """Commands of which only the one that is called is loaded."""

    context_class = Context

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return a command's name, the command and its arguments."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and loaded(found.name or ""), rest


def loaded(name: str) -> TyperCommand:
    """Import a command's module and return the command."""
    alone = typer.Typer(rich_markup_mode=None, add_completion=False)
    import_module(f"{__package__}.{name}").register(alone)
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    command.context_class = Context
    return command


app = typer.Typer(
    name="edgecnn",
    cls=_Commands,
    rich_markup_mode=None,  # half of the time to the help would be Rich's
    help="Small image classifiers from data set to edge device: train, export, quantize, verify, measure, predict.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
for _name, _summary in COMMANDS.items():
    app.command(_name, short_help=_summary)(lambda: None)


def _show_version(wanted: bool) -> None:
    if wanted:
        from edgecnn import __version__

        typer.echo(f"edgecnn {__version__}")
        raise typer.Exit


@app.callback()
def _edgecnn(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that belong to no command; without one there is something to read, and nothing was done."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(MISUSE)


def main() -> None:
    """Run the command line; an error of edgecnn becomes its message and its exit code."""
    from edgecnn.errors import EXTRA_OF_MODULE, EdgecnnError, missing_package

    if sys.stdout is None:
        _leave(EdgecnnError(f"standard output is closed. {NOWHERE}"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what an old terminal cannot show is no reason to end
    _show_warnings_as_lines()
    try:
        _run_and_flush()
    except EdgecnnError as error:
        _leave(error)
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in EXTRA_OF_MODULE:
            raise
        _leave(missing_package(module))
    except OSError as error:
        _leave(EdgecnnError(_refused(error)))
    except MemoryError:
        _leave(EdgecnnError("there is not enough memory for this. Use a smaller file or batch, or end other programs."))


def _show_warnings_as_lines() -> None:
    """Print what edgecnn warns of as a line, once a file; the warnings of others stay as they are."""
    from edgecnn.errors import Int8Warning, TuningWarning

    said_here = (Int8Warning, TuningWarning)
    others = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, said_here):
            from . import console

            console.warn(str(message))
        else:
            others(message, category, *where, **more)

    for category in said_here:
        warnings.simplefilter("default", category)
    warnings.showwarning = show


def _run_and_flush() -> None:
    """Run a command; what it has printed has to arrive as well, or it was not carried out."""
    output = sys.stdout
    try:
        app()
    finally:
        if sys.stdout is not output:  # Typer's way to say that the reader has gone, as a check that failed
            sys.stdout = output
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        output.flush()


def _refused(error: OSError) -> str:
    """Say what the system refused: a path that may not be read or written, a full disk, an output that is gone."""
    if error.filename is None and error.errno in LOST:  # files are written by edgecnn.files, which names them
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return f"standard output: {error.strerror or error}. {NOWHERE}"
    path = f"{error.filename}: " if error.filename else ""
    return f"{path}{error.strerror or error}. See that the path is right, that you may use it, and that there is room."


def _folded(message: str) -> str:
    """Fold a message's lines between words, for the terminal."""
    width = shutil.get_terminal_size().columns - 1
    fold = textwrap.TextWrapper(width, break_on_hyphens=False, break_long_words=False)
    first, *others = (" " * len("error: ") + message).split("\n")
    return "\n".join("\n".join(fold.wrap(line)) for line in (first, *others)).lstrip()


def _leave(error: "EdgecnnError") -> None:
    from .stop import STOPPED

    if error.exit_code != STOPPED:
        color = None if os.environ.get("NO_COLOR") else typer.colors.RED
        typer.secho("error: ", fg=color, bold=True, nl=False, err=True)
    typer.echo(_folded(str(error)) if sys.stderr.isatty() else str(error), err=True)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
