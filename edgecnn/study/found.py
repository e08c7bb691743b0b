"""What a run of a study has left in its folder: figures, or why there are none."""

from dataclasses import dataclass
from pathlib import Path

from edgecnn import checkpoint, documents, files
from edgecnn.checkpoint import BEST
from edgecnn.errors import CheckpointError, DocumentError
from edgecnn.study import results
from edgecnn.study.plan import PlannedRun
from edgecnn.study.process import Ended
from edgecnn.study.results import Finished, RunResult
from edgecnn.train import Outcome
from edgecnn.train.run_folder import OUTCOME

FAILED = "failed.txt"


@dataclass(frozen=True)
class _Versions:
    """What outcome.json says beside the outcome."""

    versions: dict[str, str]


def result(path: Path, run: PlannedRun, ended: Ended) -> RunResult | None:
    """Say what came of a run whose process has ended; None when it was stopped, or has come to the epoch that it was
    asked for. A divergence is remembered there."""
    if ended.error == "CheckFailed":
        files.write_text(path / FAILED, ended.message + "\n")
    there = found(path, run)
    if there is not None or ended.stopped or ended.paused:
        return there
    return results.run_result(run, path, failed=ended.message, finished=None)


def found(path: Path, run: PlannedRun) -> RunResult | None:
    """Read what a finished or a diverged run has left, or return None."""
    if (path / FAILED).exists():
        return results.run_result(run, path, failed=(path / FAILED).read_text(encoding="utf-8").strip(), finished=None)
    if not (path / OUTCOME).exists():
        return None
    try:
        document = documents.parse((path / OUTCOME).read_bytes(), "it")
        outcome = documents.decode(Outcome, document, "it", whole=False)
        known = documents.decode(_Versions, document, "it", whole=False)
    except DocumentError as error:
        raise CheckpointError(
            f"{path / OUTCOME}: broken ({error}) Delete it, and the study finishes that run again."
        ) from error
    best, epochs = outcome.best, outcome.last.epoch
    finished = Finished(
        parameters=outcome.parameters,
        layers=_layers(path),
        best_epoch=best.epoch,
        epochs=epochs,
        seconds_per_epoch=outcome.seconds / epochs,
        seconds=outcome.seconds,
        train=best.train,
        validation=best.validation,
        validation_images=outcome.validation_images,
        device=outcome.device,
        precision=outcome.precision,
        threads=outcome.threads,
        processor=outcome.processor,
        versions=known.versions,
        metric=best.metric,
    )
    return results.run_result(run, path, failed=None, finished=finished)


def _layers(path: Path) -> int:
    """Count the layers with weights: convolutions and dense layers, not norms."""
    weights = checkpoint.read(path / BEST).weights
    return sum(name.endswith("weight") and tensor.ndim > 1 for name, tensor in weights.items())
