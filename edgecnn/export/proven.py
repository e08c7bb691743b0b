"""A model with its card, after it was held to the PyTorch original and before it has a name; and what cards share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn import data, documents
from edgecnn.card import ModelCard, Trained
from edgecnn.errors import DocumentError

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint


OUTCOME = "outcome.json"  # of a run's folder
# What a state has beside parameters: the statistics of norms, the ranges of what is rounded.
NO_PARAMETERS = ("running_mean", "running_var", "num_batches_tracked", ".low", ".high")


@dataclass(frozen=True)
class Proven:
    """A serialized model. ``gap`` is the largest of an ``output`` to that of PyTorch in float32 on ``images`` of
    ``source``, ``agreement`` the share of them with the same top-1, where there is one."""

    graph: bytes
    card: ModelCard
    output: str
    gap: float
    agreement: float | None
    images: int
    source: str


def public_recipe(checkpoint: "Checkpoint") -> dict[str, Any]:
    """Return the recipe as a card tells it: names of data, weights and teachers without the folders of theirs."""
    recipe = checkpoint.recipe.public().model_dump(exclude_none=True)
    recipe["data"]["name"] = data.public_name(checkpoint.dataset.name)
    started_from = recipe["network"]["parameters"].get("weights")
    if isinstance(started_from, str):
        recipe["network"]["parameters"]["weights"] = Path(started_from).name
    if recipe.get("start_from"):
        recipe["start_from"] = Path(recipe["start_from"]).name
    if recipe.get("teacher"):
        recipe["teacher"]["models"] = [Path(model).name for model in recipe["teacher"]["models"]]
    return recipe


def run_of(run_or_checkpoint: Path) -> Trained | None:
    """Return what a finished run says of itself; None where it does not, or the checkpoint lies elsewhere."""
    folder = run_or_checkpoint if run_or_checkpoint.is_dir() else run_or_checkpoint.parent
    try:
        return documents.read(Trained, folder / OUTCOME, whole=False)
    except (OSError, DocumentError):
        return None


def trained_parameters(checkpoint: "Checkpoint") -> int:
    """Count parameters, not buffers: preprocessing, running statistics."""
    return sum(tensor.numel() for key, tensor in checkpoint.weights.items() if _is_parameter(key))


def _is_parameter(name: str) -> bool:
    return name.startswith("network.") and not name.endswith(NO_PARAMETERS)
