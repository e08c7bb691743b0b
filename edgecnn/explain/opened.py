"""What is explained, opened: a model file of any origin, or a run, whose network becomes a file for the while."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn import files
from edgecnn.card import DatasetRecord
from edgecnn.contender import is_checkpoint
from edgecnn.errors import EdgecnnError
from edgecnn.insight import graph
from edgecnn.insight.graph import Network

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint

TASK = "classification"


@dataclass(frozen=True, eq=False)
class Opened:
    """A classifier. ``labels`` and ``dataset`` are what its card or its checkpoint says, nothing where it has neither;
    ``checkpoint`` is there where a run was given."""

    network: Network
    labels: tuple[str, ...]
    dataset: DatasetRecord | None
    checkpoint: "Checkpoint | None"


def opened(model: str | Path) -> Opened:
    """Open a model file, a model of the zoo by name, a run or a checkpoint.

    Raises EdgecnnError for what is no classifier, and what reading it raises.
    """
    if is_checkpoint(model):
        return _of_run(model)
    network = graph.read(model)
    if network.card is None:
        return Opened(network, (), None, None)
    _check_task(network.card.task, model)
    return Opened(network, tuple(network.card.labels), network.card.dataset, None)


def _of_run(run: str | Path) -> Opened:
    from edgecnn import checkpoint as checkpoints
    from edgecnn.tasks._classification.export import deployed_graph

    found = checkpoints.read(run)
    _check_task(found.task, run)
    with files.temporary_folder("explain") as folder:
        path = folder / "model.onnx"
        path.write_bytes(deployed_graph(found))
        network = replace(graph.read(path), name=str(run))
    return Opened(network, found.labels, found.dataset, found)


def _check_task(task: str, model: str | Path) -> None:
    if task != TASK:
        raise EdgecnnError(
            f"{model}: is for {task}; a classifier was expected. edgecnn list models names some, edgecnn inspect shows "
            "what is in this one."
        )
