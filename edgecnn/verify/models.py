"""Models of any task, compared and measured as their task does it."""

from functools import partial
from pathlib import Path
from typing import Protocol, cast

from edgecnn.contender import Named, Opened, completed, task_for
from edgecnn.devices.opened import opened_on
from edgecnn.verify.apart import Apart
from edgecnn.verify.compare import SplitName
from edgecnn.verify.compared import Compared, Evaluated


class VerifyingTask(Protocol):
    """What is asked of a task here."""

    def compare(
        self,
        reference: Named,
        candidate: Opened,
        *,
        dataset: str | None,
        root: str | Path | None,
        split: SplitName,
        max_drop_pp: float,
        apart: Apart,
    ) -> Compared:
        """Run two models of the task on the same images; the candidate may be one that was opened on a device. What is
        to be judged apart and is none of the task is refused."""

    def evaluate(
        self, model: str | Path, *, dataset: str | None, root: str | Path | None, split: SplitName, provider: str
    ) -> Evaluated:
        """Run one model of the task on the images of a split."""


def verify(
    reference: Named,
    candidate: Named,
    *,
    weights: str | Path | None = None,
    dataset: str | None = None,
    root: str | Path | None = None,
    split: SplitName = "test",
    max_drop_pp: float = 0.5,
    max_class_drop_pp: float | None = None,
    slices: str | Path | None = None,
    max_slice_drop_pp: float | None = None,
    on: str | None = None,
) -> Compared:
    """Compare two runs, checkpoints, model files or models of the zoo on the images that the reference was made for.

    Example::

        import edgecnn

        comparison = edgecnn.verify("digits.onnx", "digits-int8.onnx", max_drop_pp=5.0)
        print(comparison.verdict, comparison.drop_pp)

    One of them may be a module of PyTorch, FILE.py:NAME or LIBRARY:NAME, with ``weights``: it gets the pictures, labels
    and pixels that the card of the other says. ``on`` is a device such as ``ssh://pi@raspberrypi``, where the candidate
    runs; the reference runs here. One file as both tells whether the device answers as this machine does.

    The verdict is one of non-inferiority, with an ``error_rate``. ``max_class_drop_pp`` is what each class may drop by.
    ``slices`` is a table, ``index,slice`` or ``path,slice`` in its first line, that puts images into slices; each of
    them is shown apart, and may drop by ``max_slice_drop_pp``.

    Raises DataError where the images cannot be read or have other labels, and what opening either raises.
    """
    apart = Apart(max_class_drop_pp, slices, max_slice_drop_pp)
    apart.check()
    reference, candidate = completed((reference, candidate), weights, None)
    task = cast(VerifyingTask, task_for(reference))
    wanted = partial(
        task.compare, reference, dataset=dataset, root=root, split=split, max_drop_pp=max_drop_pp, apart=apart
    )
    if on is None:
        return wanted(candidate)
    with opened_on(on, candidate) as model:
        return wanted(model)


def evaluate(
    model: str | Path,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    split: SplitName = "test",
    provider: str = "cpu",
) -> Evaluated:
    """Measure a run, a checkpoint, a model file or a model of the zoo on the data set it was made for, or ``dataset``.

    Raises DataError where the images cannot be read or have other labels, and what opening the model raises.
    """
    task = cast(VerifyingTask, task_for(model))
    return task.evaluate(model, dataset=dataset, root=root, split=split, provider=provider)
