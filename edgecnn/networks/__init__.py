"""Architectures, one family per file, found by the file's name.

A file has ``build(*, size, channels, classes, …)``: from normalized pixels_nchw (N, channels, *size) to logits_nk
(N, classes). What it takes beyond those three are the parameters that a recipe may set, each with a default. A file
whose name begins with an underscore is shared by the others.

Three functions more are a file's own choice: ``initialize(network, pixels_nchw, **parameters)`` sets weights from the
first training images or from a file, once, before training; ``normalization(**parameters)`` says what mean and
deviation such a file's weights want; ``stages(network)`` lists its parts from the last layer backwards, for recipes
that unfreeze them one by one. A family that says ``SHORT = "model"`` can be named with that parameter:
``torchvision:resnet50``.

A family that says ``TASK = "detection"`` answers with maps of where things are in place of logits_nk.

FILE.py:NAME is a network of a user's own (``_own.py``), which is built once its file was taken.
"""

from edgecnn.networks._found import (
    GIVEN,
    build,
    describe,
    initialize,
    names,
    normalization,
    parameters,
    stages,
    task,
)
from edgecnn.networks._own import content, take

__all__ = [
    "GIVEN",
    "build",
    "content",
    "describe",
    "initialize",
    "names",
    "normalization",
    "parameters",
    "stages",
    "take",
    "task",
]
