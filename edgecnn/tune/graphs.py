"""The forms of a model with their scores on the validation images, made once: a search that was stopped goes on from
them, and so does the next one with the same content, data and versions."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from edgecnn import documents, files, onnx_file
from edgecnn.card import ModelCard, Overflow
from edgecnn.errors import EdgecnnError
from edgecnn.metadata import read_card
from edgecnn.quantize import forms
from edgecnn.quantize.build import build
from edgecnn.quantize.figures import SAFE, Lost
from edgecnn.quantize.forms import Form, Parent
from edgecnn.quantize.trial import Trial
from edgecnn.quantize.yardstick import Yardstick
from edgecnn.verify import Verdict
from edgecnn.version import __version__


@dataclass(frozen=True)
class Scored:
    """What a form comes to on the validation images against its parent; see ``verify.Compared``."""

    score: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    verdict: Verdict
    images_needed: int | None


@dataclass(frozen=True)
class Graph:
    """A form that was written to ``path``, with what it comes to."""

    form: str
    path: Path
    card: ModelCard
    overflow: Overflow
    scored: Scored


def of_parent(file: Path, original: Parent, score: float) -> Graph:
    """Return the model itself as one of its forms."""
    return Graph(original.card.form, file, original.card, SAFE, Scored(score, 0.0, (0.0, 0.0), "within", None))


def made(
    wanted: Sequence[Form],
    original: Parent,
    yardstick: Yardstick,
    max_drop_pp: float,
    *,
    fresh: bool,
    on_stage: Callable[[str], None],
) -> tuple[list[Graph], list[Lost]]:
    """Make each form and score it, or take it from an earlier search. Returns those that could be made, and the others.

    ``fresh`` takes nothing from earlier searches.
    """
    folder = _folder(original, yardstick, max_drop_pp)
    graphs: list[Graph] = []
    lost: list[Lost] = []
    for form in wanted:
        drops_pp = {graph.form: graph.scored.drop_pp for graph in graphs}
        if not forms.is_needed(form, wanted, drops_pp, max_drop_pp):
            continue
        on_stage(f"building and scoring {form.NAME}")
        known = None if fresh else _known(form, folder)
        found = known or _made(form, original, yardstick, max_drop_pp, folder, on_stage)
        graphs += [found] if isinstance(found, Graph) else []
        lost += [found] if isinstance(found, Lost) else []
    return graphs, lost


def _folder(original: Parent, yardstick: Yardstick, max_drop_pp: float) -> Path:
    """Return where the forms of a model are kept: by its content, what they are scored on, and what makes them."""
    versions = onnx_file.runtime_versions() | {"edgecnn": __version__}
    asked = (original.sha256, yardstick.metric, yardstick.images, yardstick.parent_score(), max_drop_pp, versions)
    digest = hashlib.sha256(repr(asked).encode()).hexdigest()
    return Path(platformdirs.user_cache_dir("edgecnn")) / "tune" / digest[:32]


def _known(form: Form, folder: Path) -> Graph | None:
    """Return a form as an earlier search left it, or None; what is broken is made again."""
    path = _path(form, folder)
    try:
        scored = documents.read(Scored, path.with_suffix(".json"))
        card = read_card(path)
    except (OSError, EdgecnnError):
        return None
    assert card.quantization is not None
    return Graph(form.NAME, path, card, card.quantization.overflow or SAFE, scored)


def _made(
    form: Form,
    original: Parent,
    yardstick: Yardstick,
    max_drop_pp: float,
    folder: Path,
    on_stage: Callable[[str], None],
) -> Graph | Lost:
    path = _path(form, folder)
    images_nhwc, calibration = yardstick.calibration() if form.CALIBRATED else (np.zeros((0, 1, 1, 1), np.uint8), None)
    with files.temporary_folder("tune") as scratch:
        written = scratch / path.name
        trial = Trial(original, yardstick, max_drop_pp, scratch / "trial.onnx", on_stage)
        built = build(form, original, written, images_nhwc, calibration, yardstick.golden, trial)
        if isinstance(built, Lost):
            return built
        found = yardstick.compare(written, max_drop_pp)
        with files.replacing(path) as partial:
            partial.write_bytes(written.read_bytes())
    scored = Scored(found.candidate_score, found.drop_pp, found.drop_pp_ci95, found.verdict, found.images_needed)
    files.write_text(path.with_suffix(".json"), documents.to_json(scored))
    return Graph(form.NAME, path, built.card, built.overflow, scored)


def _path(form: Form, folder: Path) -> Path:
    return folder / f"{form.NAME}.onnx"
