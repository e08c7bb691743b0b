"""Any model file, opened as what its card says that it is for."""

from pathlib import Path
from typing import Any, Protocol, cast

from edgecnn.card import ModelCard
from edgecnn.errors import CardError, EdgecnnError
from edgecnn.registry import TASKS
from edgecnn.runtime.model import Model
from edgecnn.runtime.session import OpenModel, open_model


class OpeningTask(Protocol):
    """What is asked of a task here."""

    def open_file(self, model: OpenModel) -> Model:
        """Return the opened model file."""


def load_model(model: str | Path | bytes, *, provider: str = "cpu", threads: int | None = None) -> Model:
    """Open a model file (a path, a name of the zoo, or the file's bytes), whatever it is for.

    Raises ModelError, CardError, ProviderError or MissingPackageError.
    """
    return model_of(open_model(model, provider=provider, thread_count=threads))


def model_of(opened: OpenModel) -> Model:
    """Return an opened model file as what its card says that it is for. Raises CardError."""
    card = ModelCard.from_metadata(opened.metadata, source=opened.name)
    return cast(OpeningTask, task_of(card, opened.name)).open_file(opened)


def task_of(card: ModelCard, source: str) -> Any:
    """Return the module of a model's task. Raises CardError for one that this edgecnn does not know."""
    try:
        return TASKS.module(card.task)
    except EdgecnnError as error:
        raise CardError(f"{source}: {error} Use the edgecnn that wrote it.") from error
