"""edgecnn web"""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from . import console
from .options import AsJson, ModelFile, renamed
from .stop import STOPPED


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(web)


def web(
    model: ModelFile,
    detector: Annotated[
        Path | None,
        typer.Option(
            help="A model file that finds digits, or its name. Default: digit-finder where the zoo has it and MODEL "
            "reads digits.",
            show_default=False,
        ),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(
            help="A second model file, or its name, that the page shows beside the first when asked to. Default: the "
            "other form of MODEL, float or quantized, where there is one.",
            show_default=False,
        ),
    ] = None,
    finder: Annotated[str | None, renamed("--finder", "--detector")] = None,
    host: Annotated[
        str, typer.Option(help="Address to serve from. The default is reached from this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve from; 0 takes a free one.")] = 8000,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Serve a page that classifies a drawing, a picture or the camera, until Ctrl-C. No frame leaves the page.

    Example: edgecnn web mnist-compact
    """
    from edgecnn.web.server import default_detector, default_other, open_server, site, url

    served = site(model, other=beside or default_other(model), detector=detector or default_detector(model))
    with open_server(served, host=host, port=port) as server:
        address = url(server)
        if as_json:
            console.show_json(
                {
                    "url": address,
                    "model": served.model,
                    "form": served.form,
                    "beside": served.other,
                    "detector": served.detector,
                }
            )
        else:
            finding = f", detector {served.detector}" if served.detector else ""
            console.say(f"{address}  {served.model} ({served.form}){finding}; Ctrl-C ends")
        if open_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED) from None
