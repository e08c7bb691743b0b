"""Two models of one kind, whichever it is: classifiers on a data set, finders on the rendered pages."""

from pathlib import Path

from edgecnn.errors import EdgecnnError
from edgecnn.verify.compare import Comparison, SplitName, compare_files
from edgecnn.verify.finds import FinderComparison, compare_finders, is_finder


def compare_either(
    reference: str | Path,
    candidate: str | Path,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    split: SplitName = "test",
    max_drop_pp: float = 0.5,
) -> Comparison | FinderComparison:
    """Compare two runs, checkpoints or files of classifiers as ``compare_files`` does, or two files of finders.

    Raises EdgecnnError where ``dataset`` or ``split`` is asked of finders, and what opening either raises.
    """
    if not is_finder(reference):
        return compare_files(reference, candidate, dataset=dataset, root=root, split=split, max_drop_pp=max_drop_pp)
    if dataset is not None or split != "test":
        raise EdgecnnError(f"{reference}: is a finder, compared on rendered pages. Leave out --data and --split.")
    return compare_finders(reference, candidate, root=root, max_drop_pp=max_drop_pp)
