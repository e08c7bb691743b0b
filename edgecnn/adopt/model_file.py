"""From a file of others to one of edgecnn's, which has its name only once it was proven to answer the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import card as cards
from edgecnn import files, onnx_file, zoo
from edgecnn.adopt import pictures, pool, proof
from edgecnn.adopt.answers import Answers, answers, output_of
from edgecnn.adopt.carded import card_of
from edgecnn.adopt.images import Images, images_for
from edgecnn.adopt.known import Found, known_of
from edgecnn.adopt.original import Original, Originally
from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.preprocessing import Preprocessing, preprocessing
from edgecnn.adopt.proof import Same
from edgecnn.adopt.said import Answering, Layout, Said
from edgecnn.adopt.source import Source, read
from edgecnn.adopt.wrap import wrapped
from edgecnn.card import ModelCard, Score
from edgecnn.errors import EdgecnnError, ModelError, ParityError

ALIKE = 1e-6  # probabilities that differ by no more


@dataclass(frozen=True)
class Adopted:
    """A finished file. ``max_abs_gap`` is that of ``output`` to the original's on ``parity_images`` from
    ``parity_source``. ``any_batch`` says that it takes any number of images; else it takes one at a time.

    ``known`` says what was known of it, and where from; ``remarks`` what is to be minded.
    """

    path: Path
    card_path: Path
    size_bytes: int
    sha256: str
    form: str
    labels: int
    preprocessing: str
    output: str
    max_abs_gap: float
    agreement: float
    parity_images: int
    parity_source: str
    any_batch: bool
    test_score: Score | None
    known: dict[str, str]
    remarks: list[str]


@dataclass(frozen=True)
class Plan:
    """A file of others, with all that has to be known of it."""

    source: Source
    original: Originally
    taken: Taken
    done: Preprocessing
    answers: Answers
    labels: tuple[str, ...]
    known: dict[str, str]
    remarks: tuple[str, ...]


def adopt(
    model: str | Path,
    output: str | Path | None = None,
    *,
    labels: Sequence[str] | None = None,
    layout: Layout | None = None,
    scale: float | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    bgr: bool | None = None,
    size: tuple[int, int] | None = None,
    answers: Answering | None = None,
    answered_by: str | None = None,
    dataset: str | None = None,
    root: str | Path | None = None,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Adopted:
    """Adopt a classifier of others, an ONNX file: pixels go in, logits and probabilities come out, with a card.

    ``labels`` are its classes in the order of its answers. Pixels become ``(pixel * scale - mean) / std``, in the order
    blue, green, red where ``bgr``. ``size`` (height, width) is for a file that takes any; ``answers`` says what its
    output ``answered_by`` has. What the file, or what lies beside it, tells need not be said; what nobody tells is
    asked for. The default output is named after the file: MODEL-adopted.onnx, here.

    Example::

        import edgecnn
        import torch

        theirs = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(28 * 28, 2)).eval()
        torch.onnx.export(theirs, (torch.zeros(1, 1, 28, 28),), "theirs.onnx", verbose=False)
        adopted = edgecnn.adopt("theirs.onnx", "ours.onnx", labels=["cat", "dog"], scale=1 / 255)
        print(adopted.max_abs_gap, adopted.known)

    Raises ModelError for what is no classifier of pictures, EdgecnnError for what is not known, ParityError where the
    result does not answer as the original; then there is no file.
    """
    file = Path(model)
    target = _target(file, output)
    said = Said(
        labels=None if labels is None else tuple(labels), layout=layout, size=size, scale=scale,
        mean=None if mean is None else tuple(mean), std=None if std is None else tuple(std), bgr=bgr,
        output=answered_by, answers=answers,
    )  # fmt: skip
    on_stage("reading the file")
    return finished(planned(read(file), said, known_of), target, dataset=dataset, root=root, on_stage=on_stage)


def finished(
    plan: Plan,
    target: Path,
    *,
    dataset: str | None,
    root: str | Path | None,
    on_stage: Callable[[str], None],
    described: Callable[[ModelCard], ModelCard] = lambda card: card,
) -> Adopted:
    """Wrap what was planned, hold it to the original, and write it. ``described`` has the last word on the card."""
    on_stage("reading images")
    images = images_for(plan.labels, plan.taken.image, dataset, root)
    on_stage("comparing with the original")
    graph, same, any_batch = _proven(plan, images)
    on_stage("choosing golden images")
    card = card_of(plan.source, plan.taken, plan.done, plan.answers, plan.labels, images, same, graph, plan.known)
    card = described(replace(card, name=zoo.title(target)))
    _write(target, graph, card, plan.source)
    return _adopted(target, plan, images, same, card, any_batch)


def planned(source: Source, said: Said, tell: Callable[[Source], Found] = lambda source: Found()) -> Plan:
    """Find out all that has to be known of a file, with what ``tell`` knows of it.

    Raises EdgecnnError, which lists what is missing.
    """
    file = source.path
    pictures.the_input(source)
    found = tell(source)
    all_said, missing = said.over(found.said), list[str]()
    output = output_of(source, all_said)
    taken = pictures.taken(source, all_said, missing)
    done = preprocessing(taken, all_said, missing) if taken else None
    known = {name: text for name, text in found.sources.items() if name not in said.names()}
    if taken is None:
        raise _asked(file, missing, known)
    tried = _tried(source, taken, output.name, done)
    answering = answers(source, output, tried, all_said, missing)
    if all_said.labels is None:
        classes = answering.classes if answering else "its"
        missing.append(f"--labels: the names of {classes} classes, in the order of the answers")
    if missing or done is None or answering is None or all_said.labels is None:
        raise _asked(file, missing, known)
    _check_labels(file, all_said.labels, answering.classes, known)
    if said.answers is None:
        known["answers"] = f"{answering.kind}: {answering.reason}"
    original = Original(source, taken, output.name)
    return Plan(source, original, taken, done, answering, all_said.labels, known, tuple(found.remarks))


def _tried(source: Source, taken: Taken, output: str, done: Preprocessing | None) -> NDArray[np.float32]:
    """Return what the file answers to some pictures, whatever their scale is meant to be."""
    channels = taken.image.channels
    some = done or Preprocessing(1 / 255, (0.0,) * channels, (1.0,) * channels)
    return Original(source, taken, output).answers(pool.pictures(taken.image)[::4], some)


def _asked(file: Path, missing: list[str], known: dict[str, str]) -> EdgecnnError:
    told = "".join(f"\n  known: {name} {text}" for name, text in known.items())
    wanted = "".join(f"\n  {one}" for one in missing)
    return EdgecnnError(
        f"{file}: this has to be said, as neither the file nor what lies beside it tells:{wanted}{told}"
    )


def _check_labels(file: Path, labels: tuple[str, ...], classes: int, known: dict[str, str]) -> None:
    told = f" ({known['labels']})" if "labels" in known else ""
    if len(labels) != classes:
        raise EdgecnnError(
            f"{file}: answers {classes} classes, and there are {len(labels)} labels{told}. Say one for each, in the "
            "order of the answers, with --labels."
        )
    if len(set(labels)) != classes or not all(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1 or not label})
        raise EdgecnnError(f"{file}: labels that are empty or there twice{told}: {', '.join(map(repr, twice[:5]))}.")


def _proven(plan: Plan, images: Images) -> tuple[bytes, Same, bool]:
    """Return the wrapped graph that answers as the original does: one for any batch if that holds, else for one image.

    Raises ParityError, or ModelError for a file that takes several images at once and no other number.
    """
    tolerance = proof.TOLERANCE[plan.taken.kind]
    pictures_nhwc = images.parity_nhwc
    original_nk = plan.original.answers(pictures_nhwc, plan.done)
    parts = (plan.source, plan.taken, plan.done, plan.answers)
    free = wrapped(*parts, dynamic=True)
    if not plan.source.batch_dependent and proof.takes_batches(free, pictures_nhwc, tolerance):
        return free, proof.compared(free, original_nk, pictures_nhwc, plan.answers, tolerance), True
    if plan.taken.batch not in (None, 1):
        raise ModelError(
            f"{plan.source.path}: takes {plan.taken.batch} images at a time and no other number, and its graph does "
            "not allow to change that. Export it again with a batch of 1, or one that is not fixed."
        )
    one = wrapped(*parts, dynamic=False)
    return one, proof.compared(one, original_nk, pictures_nhwc, plan.answers, tolerance), False


def _write(target: Path, graph: bytes, card: ModelCard, source: Source) -> None:
    with files.replacing(target) as partial, files.replacing(cards.beside(target)) as partial_card:
        onnx_file.write_with_card(graph, card, partial)
        try:
            onnx_file.check(partial, domains=source.foreign)
        except ParityError as error:
            raise ParityError(f"adopt {source.path}: {error} No file was written.") from error
        partial_card.write_bytes(card.to_json().encode())


def _target(file: Path, output: str | Path | None) -> Path:
    target = Path(output or f"{file.stem}-adopted.onnx")
    if target.suffix != ".onnx" or (file.exists() and target.resolve() == file.resolve()):
        raise EdgecnnError(f"{target}: expected another file than the original, ending in .onnx, for -o.")
    return target


def _adopted(target: Path, plan: Plan, images: Images, same: Same, card: ModelCard, any_batch: bool) -> Adopted:
    return Adopted(
        path=target,
        card_path=cards.beside(target),
        size_bytes=target.stat().st_size,
        sha256=files.sha256(target),
        form=card.form,
        labels=len(card.labels),
        preprocessing=str(plan.done),
        output=same.output,
        max_abs_gap=same.max_abs_gap,
        agreement=same.agreement,
        parity_images=same.images,
        parity_source=images.source,
        any_batch=any_batch,
        test_score=card.score("test"),
        known=plan.known,
        remarks=[*plan.remarks, *_remarks(plan, card, any_batch)],
    )


def _answers_alike(card: ModelCard) -> bool:
    answers_nk = card.golden.probabilities_nk
    return len(answers_nk) > 1 and bool(np.ptp(answers_nk, axis=0).max() < ALIKE)


def _remarks(plan: Plan, card: ModelCard, any_batch: bool) -> list[str]:
    """Say what a user of the file has to mind."""
    found = []
    overflow = card.quantization.overflow if card.quantization else None
    if overflow is not None and not overflow.safe:
        found.append(
            "its int8 sums may saturate on x86 processors without VNNI: edgecnn computes it exactly there, other "
            "programs do not. Where the float32 original is at hand, adopt that and quantize it."
        )
    if plan.source.foreign:
        found.append(
            f"it has operators of {', '.join(plan.source.foreign)}, which other runtimes than ONNX Runtime lack."
        )
    if _answers_alike(card):
        found.append("it answers the same to every picture here, so the comparison shows little.")
    if plan.source.batch_dependent:
        found.append("it takes one image at a time: it ranges its activations over all that come together.")
    elif not any_batch:
        found.append("it takes one image at a time: its graph does not allow other batches.")
    if not card.dataset.is_known:
        found.append("its card names no data set: golden images are noise and edge cases. Say one with --data.")
    return found
