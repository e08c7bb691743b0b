"""What a bench may be asked for: the figures that it takes, and what does not go together."""

from collections.abc import Sequence
from pathlib import Path

from edgecnn.bench.load import Load
from edgecnn.contender import Bare, Named, is_checkpoint
from edgecnn.errors import EdgecnnError

PRECISION_PERCENT = 5.0  # a difference in latency that nobody would change a model for
SECONDS = 8.0
MAX_SLOWDOWN_PERCENT = 10.0
CROWD = 16  # so many threads for each that may run: beyond, calls take seconds, and those of a launch many minutes


def is_of_pytorch(model: Named) -> bool:
    """Return whether PyTorch runs it: a module, or a checkpoint."""
    return isinstance(model, Bare) or is_checkpoint(model)


def check_figures(batches: Sequence[int], threads: Sequence[int], seconds: float, precision_percent: float) -> None:
    """Raise EdgecnnError for figures with which nothing can be measured."""
    if min((*batches, *threads)) < 1 or seconds <= 0:
        raise EdgecnnError(
            f"batch sizes {list(batches)}, threads {list(threads)}, {seconds:g} seconds: expected positive integers "
            "and a positive time, such as --batch 1,8 --threads 1,2 --seconds 8."
        )
    if not 0 < precision_percent <= 100:
        raise EdgecnnError(f"a precision of {precision_percent:g} %: expected more than 0 and at most 100, such as 5.")


def check_threads(threads: Sequence[int], available: int) -> None:
    """Raise EdgecnnError for a count of which nothing would be measured but how long threads wait for one another."""
    if crowded := [count for count in threads if count > CROWD * available]:
        raise EdgecnnError(
            f"asked for {crowded[0]} threads where {available} may run: at most {CROWD * available} are measured. "
            f"Ask for {available}, or leave out --threads."
        )


def check_loadgen(
    batches: Sequence[int],
    precision_percent: float,
    load: Load,
    baseline: str | Path | None,
    *,
    everywhere: bool,
    on: str | None,
) -> None:
    """Raise EdgecnnError where an option is set that MLPerf's rules know nothing of."""
    others = {
        "--batch": list(batches) != [1],
        "--precision": precision_percent != PRECISION_PERCENT,
        "--fps, --callers, --end-to-end": not load.is_plain,
        "--baseline": baseline is not None,
        "--everywhere": everywhere,
        "--on": on is not None,
    }
    if named := [option for option, is_set in others.items() if is_set]:
        raise EdgecnnError(
            f"--loadgen asks for single images by MLPerf's rules and nothing else. Leave out {', '.join(named)}."
        )


def check_load(load: Load, batches: Sequence[int], on: str | None) -> None:
    """Raise EdgecnnError where calls cannot be made that way, on that device or with these batches."""
    if on is not None and not load.is_plain:
        raise EdgecnnError("--fps, --callers and --end-to-end are measured here alone. Leave them out, or --on.")
    if load.pictures and list(batches) != [1]:
        raise EdgecnnError(f"--end-to-end takes one picture at a time; found batch sizes {list(batches)}.")


def check_everywhere(
    everywhere: bool, dataset: str | None, load: Load, on: str | None, contenders: Sequence[tuple[str, Named]]
) -> None:
    """Raise EdgecnnError where other runtimes cannot be measured as well, or ``dataset`` is for nothing."""
    if not everywhere:
        if dataset is not None:
            raise EdgecnnError("--data is for --everywhere: the images whose accuracy stands beside latency.")
        return
    if on is not None or not load.is_plain:
        raise EdgecnnError(
            "--everywhere measures calls back to back, here. Leave out --on, --fps, --callers, --end-to-end."
        )
    if is_of_pytorch(contenders[0][1]):
        raise EdgecnnError(
            f"{contenders[0][1]}: is no model file, and --everywhere compares others with the first. Name a model file "
            "first; edgecnn export makes one."
        )
