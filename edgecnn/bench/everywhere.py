"""The same files in every runtime that is installed: what each answers, which were not measured, which to take.

A runtime whose answers to the golden images are not those of the card is measured, and never recommended.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.bench import runtimes
from edgecnn.bench.worker import Worker
from edgecnn.card import CLASSIFICATION
from edgecnn.contender import Bare, Named, is_checkpoint
from edgecnn.data import Split
from edgecnn.errors import EdgecnnError
from edgecnn.metadata import read_card
from edgecnn.text import shortened

LONGEST_REASON = 300
Contenders = Sequence[tuple[str, Named]]  # each a provider, or PREFIX and a runtime, and a model


@dataclass(frozen=True)
class Answers:
    """What a model answers in a runtime.

    ``right`` says that its golden images get the answers in its card, within what that allows (``gaps``); None of what
    has no card. ``accuracy`` is on the images of ``--data``, and ``agreement`` the share of them that get the class
    that the first contender says.
    """

    model: str
    provider: str
    right: bool | None
    gaps: str
    max_abs_log_gap: float | None
    accuracy: float | None
    agreement: float | None


@dataclass(frozen=True)
class Unmeasured:
    """A runtime that is not installed (``model`` is None), or that does not take a model, and why."""

    runtime: str
    model: str | None
    reason: str


@dataclass(frozen=True)
class Recommended:
    """What to run in one setting: the fastest that answers right, where that was shown to be faster than the first."""

    model: str
    provider: str
    batch: int
    threads: int
    reason: str


@dataclass(frozen=True)
class Everywhere:
    """What all contenders answer, what was not measured, and what is recommended in each setting.

    ``images`` is how many of ``dataset`` were answered, 0 without it."""

    answers: list[Answers]
    unmeasured: list[Unmeasured]
    recommended: list[Recommended]
    dataset: str | None
    images: int


@dataclass(frozen=True)
class Surveyed:
    """What is measured, and what was found out before that."""

    contenders: Contenders
    answers: list[Answers]
    unmeasured: list[Unmeasured]
    dataset: str | None
    images: int

    def judged(self, comparisons: Sequence[Any]) -> Everywhere:
        """Return the whole, where the comparisons (``measure.Ratio``) are known."""
        found = recommended(self.answers, comparisons)
        return Everywhere(self.answers, self.unmeasured, found, self.dataset, self.images)


def survey(
    contenders: Contenders,
    threads: int | None,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Surveyed:
    """Open model files in each runtime that is installed, beside the contenders that there are, and ask them all.

    Raises what opening a contender raises, where that is none of another runtime, and DataError.
    """
    split = None if dataset is None else _images_of(dataset, contenders[0][1], root)
    states = runtimes.states()
    absent = [Unmeasured(one.title, None, f"not installed: {one.install}") for one in states if one.version is None]
    models = [model for provider, model in contenders if provider == contenders[0][0] and _is_file(model)]
    others = [(runtimes.PREFIX + one.name, model) for one in states if one.version is not None for model in models]
    taken: list[tuple[str, Named]] = []
    answers: list[Answers] = []
    first: NDArray[np.int64] | None = None
    with _written(split) as images:
        for provider, model in (*contenders, *others):
            runtime = runtimes.named_in(provider)
            say(f"asking {model} on {provider if runtime is None else runtimes.titled(runtime)}")
            try:
                found, classes_n = _asked(provider, model, threads, images)
            except EdgecnnError as error:
                if runtime is None:
                    raise
                reason = shortened(str(error).removeprefix(f"{model}: "), LONGEST_REASON)
                absent.append(Unmeasured(runtimes.titled(runtime), str(model), reason))
                continue
            taken.append((provider, model))
            first = classes_n if first is None else first
            answers.append(_with_accuracy(found, classes_n, first, split))
    return Surveyed(taken, answers, absent, dataset, 0 if split is None else len(split.labels_n))


def recommended(answers: Sequence[Answers], comparisons: Sequence[Any]) -> list[Recommended]:
    """Return what to run in each setting: of those that answer right, the fastest that is faster than the first."""
    settings = dict.fromkeys((one.batch, one.threads) for one in comparisons)
    return [
        _recommended(answers, [one for one in comparisons if (one.batch, one.threads) == setting], *setting)
        for setting in settings
    ]


def _recommended(answers: Sequence[Answers], comparisons: Sequence[Any], batch: int, threads: int) -> Recommended:
    first = answers[0]
    right = {(one.model, one.provider) for one in answers if one.right}
    faster = sorted((one for one in comparisons if one.verdict == "faster"), key=lambda one: one.ratio)
    wrong = [one for one in faster if (one.model, one.provider) not in right]
    best = next((one for one in faster if (one.model, one.provider) in right), None)
    but = f"; faster and not right: {', '.join(f'{one.model} on {one.provider}' for one in wrong)}" if wrong else ""
    if best is None:
        said = f"nothing that answers right was shown to be faster than {first.model} on {first.provider}{but}"
        return Recommended(first.model, first.provider, batch, threads, said)
    low, high = best.ratio_ci95
    said = (
        f"{best.model} on {best.provider} takes {best.ratio:.2f} ({low:.2f}..{high:.2f}) of the time of {first.model} "
        f"on {first.provider}, and answers as its card says{but}"
    )
    return Recommended(best.model, best.provider, batch, threads, said)


def _asked(
    provider: str, model: Named, threads: int | None, images: Path | None
) -> tuple[Answers, NDArray[np.int64] | None]:
    """Open a contender in a process of its own, and return what it answers, without what others say."""
    with Worker(model, provider=provider, threads=threads) as worker:
        golden = worker.golden_again()
        classes_n = None if images is None else worker.classes(images)
        gaps = "no card to hold it to" if golden is None else golden.gaps
        right, gap = (None, None) if golden is None else (golden.passed, golden.max_abs_log_gap)
        return Answers(str(model), worker.provider, right, gaps, gap, None, None), classes_n


def _with_accuracy(
    found: Answers, classes_n: NDArray[np.int64] | None, first_n: NDArray[np.int64] | None, split: Split | None
) -> Answers:
    if split is None or classes_n is None:
        return found
    accuracy, agreement = float((classes_n == split.labels_n).mean()), float((classes_n == first_n).mean())
    return replace(found, accuracy=accuracy, agreement=agreement)


def _images_of(dataset: str, model: Named, root: str | Path | None) -> Split:
    card = read_card(str(model))
    if card.task != CLASSIFICATION:
        raise EdgecnnError(f"{model}: is for {card.task}; --data with --everywhere takes classifiers.")
    height, width, channels = card.input.shape
    return data.read_other(dataset, tuple(card.labels), size=(height, width), channels=channels, root=root)


@contextmanager
def _written(split: Split | None) -> Iterator[Path | None]:
    """Give a file of the images to processes, for as long as they are asked."""
    if split is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, split.images_nhwc, allow_pickle=False)
        yield path


def _is_file(model: Named) -> bool:
    return not isinstance(model, Bare) and not is_checkpoint(model)
