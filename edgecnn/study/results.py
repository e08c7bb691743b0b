"""What a study found: a row for each run, a mean for each label, and the same as JSON, CSV and Markdown.

All figures are of the training and validation split at the kept epoch. A study never opens a test split.
"""

import csv
import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from edgecnn import documents, files, metrics
from edgecnn.documents import formerly, later
from edgecnn.study import searched
from edgecnn.study.plan import PlannedRun
from edgecnn.study.searched import SearchResult, Stopped
from edgecnn.text import csv_text, lines, markdown
from edgecnn.text import table as markdown_table
from edgecnn.train.figures import LOSS

DOCUMENT = "study.json"
COLUMNS = ("run", "seed", "parameters", "layers", "kept epoch", "s/epoch", "train loss", "loss")
NO_METRIC = "score"  # what is called so where no run came to have one
ACCURACY = later(lambda found: "accuracy")  # the only metric that 0.1.0 knew in a study


@dataclass(frozen=True)
class Finished:
    """The figures of a finished run. ``layers`` are those with weights. ``train`` and ``validation`` have the loss and
    the metrics of the kept epoch by name, and ``metric`` is the one that training followed; those of ``train`` are
    running figures of that epoch."""

    parameters: int
    layers: int
    best_epoch: int
    epochs: int
    seconds_per_epoch: float
    seconds: float
    train: dict[str, float]
    validation: dict[str, float]
    validation_images: int
    device: str
    precision: str
    threads: int
    processor: str
    versions: dict[str, str]
    metric: str = field(metadata=ACCURACY)

    @property
    def score(self) -> float:
        """The value of the metric on the validation split."""
        return self.validation[self.metric]


@dataclass(frozen=True)
class RunResult:
    """One run: ``finished``, or why it ``failed``, or where a search has ``stopped`` it. ``stated`` is the source's
    figure in percent."""

    label: str
    seed: int
    settings: dict[str, Any]
    stated: float | None
    stated_on: str
    run: Path
    failed: str | None
    finished: Finished | None
    stopped: Stopped | None = field(default=None, metadata=later(lambda found: None))

    @property
    def figures(self) -> Finished | Stopped | None:
        """The figures that there are of it."""
        return self.finished or self.stopped


@dataclass(frozen=True)
class LabelResult:
    """One label over its seeds: mean and standard deviation (of more than one) of the validation scores."""

    label: str
    runs: int
    metric: str = field(metadata=ACCURACY)
    mean: float | None = field(metadata=formerly("accuracy_mean"))
    deviation: float | None = field(metadata=formerly("accuracy_deviation"))
    stated: float | None
    stated_on: str


@dataclass(frozen=True)
class StudyResult:
    """All of it. ``quick`` has what the quick size set, or nothing for the full size; ``search`` what stopped runs
    early, where something did."""

    SCHEMA: ClassVar[int] = 2

    study: str
    size: str
    description: str
    source: str
    quick: dict[str, Any]
    changes: dict[str, Any]
    folder: Path
    runs: list[RunResult]
    labels: list[LabelResult]
    search: SearchResult | None = field(default=None, metadata=later(lambda found: None))

    @property
    def failed(self) -> list[RunResult]:
        """The runs that failed."""
        return [run for run in self.runs if run.failed is not None]

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the runs followed: one metric, or several where they are of several tasks."""
        return tuple(dict.fromkeys(run.finished.metric for run in self.runs if run.finished)) or (NO_METRIC,)

    @property
    def picture(self) -> Path:
        """Where the picture belongs."""
        return self.folder / "study.png"


def run_result(
    run: PlannedRun, folder: Path, *, failed: str | None, finished: Finished | None, stopped: Stopped | None = None
) -> RunResult:
    """Put a planned run and what came of it together."""
    return RunResult(run.label, run.seed, run.settings, run.stated, run.stated_on, folder, failed, finished, stopped)


def by_label(runs: Sequence[RunResult]) -> list[LabelResult]:
    """Return the mean and the deviation over the seeds of each label, in order."""
    labels = dict.fromkeys(run.label for run in runs)
    return [_of_label([run for run in runs if run.label == label]) for label in labels]


def write(result: StudyResult) -> None:
    """Write study.json, study.csv and study.md into the study's folder."""
    files.write_text(result.folder / DOCUMENT, documents.to_json(as_document(result)) + "\n")
    files.write_text(result.folder / "study.csv", _csv(result))
    files.write_text(result.folder / "study.md", _markdown(result))


def as_document(result: StudyResult) -> dict[str, Any]:
    """Return what study.json has, with the runs' folders relative to the study's."""
    document: dict[str, Any] = documents.encode(result)
    for run, found in zip(document["runs"], result.runs, strict=True):
        run["run"] = found.run.relative_to(result.folder).as_posix()
    return document


def read(folder: Path) -> StudyResult:
    """Read what a study has written, wherever its folder lies now. Raises DocumentError, or OSError."""
    found = documents.read(StudyResult, folder / DOCUMENT)
    return replace(found, folder=folder, runs=[replace(run, run=folder / run.run) for run in found.runs])


def table(result: StudyResult) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return columns and rows; a failed run has its label and seed alone, and what is stated a column where it is."""
    score = score_column(result)
    columns = (*COLUMNS, "train %" if score.endswith("%") else f"train {score}", score, "stated %")
    shown = len(columns) - all(run.stated is None for run in result.runs)
    return columns[:shown], [_row(run)[:shown] for run in result.runs]


def score_column(result: StudyResult) -> str:
    """Return the heading of the column that has the validation scores."""
    return " or ".join(map(metrics.column, result.metrics))


def notes(result: StudyResult) -> list[str]:
    """Return what must be known to read the table."""
    names = " and ".join(map(metrics.title, result.metrics))
    said = [f"Loss and {names} are of the validation split at the kept epoch; a study never opens a test split."]
    if result.search is not None:
        said.append(searched.said(result.search))
    stated = {run.stated_on for run in result.runs if run.stated is not None}
    if "test" in stated:
        said.append(
            "Stated figures are of the test split" + ("." if len(stated) == 1 else ", or of the validation split.")
        )
    if result.quick:
        said.append(f"Quick size ({_listed(result.quick)}): it shows that the study runs, not what comes out.")
    if result.changes:
        said.append(f"Changed: {_listed(result.changes)}.")
    machines = [_machine(run.finished) for run in result.runs if run.finished]
    if machines:
        said.append("Trained on " + "; ".join(dict.fromkeys(machines)) + ".")
    if len({run.finished.precision for run in result.runs if run.finished}) > 1:
        said.append("The runs differ in precision; compare them with --set precision=fp32.")
    return said


def means(result: StudyResult) -> list[tuple[str, str, str]]:
    """Return label, number of runs, and mean ± deviation, where there is more than one seed."""
    if len({run.seed for run in result.runs}) < 2:
        return []
    return [(label.label, str(label.runs), mean_text(label)) for label in result.labels]


def mean_text(label: LabelResult) -> str:
    """Write mean ± deviation."""
    if label.mean is None:
        return "-"
    spread = "" if label.deviation is None else f" ± {metrics.cell(label.metric, label.deviation)}"
    return metrics.cell(label.metric, label.mean) + spread


def _of_label(runs: Sequence[RunResult]) -> LabelResult:
    finished = [run.finished for run in runs if run.finished]
    scores = [found.score for found in finished]
    return LabelResult(
        label=runs[0].label,
        runs=len(scores),
        metric=finished[0].metric if finished else NO_METRIC,
        mean=statistics.mean(scores) if scores else None,
        deviation=statistics.stdev(scores) if len(scores) > 1 else None,
        stated=runs[0].stated,
        stated_on=runs[0].stated_on,
    )


def _row(run: RunResult) -> tuple[str, ...]:
    stated = "" if run.stated is None else f"{run.stated:g}"
    found = run.figures
    if found is None:
        return (run.label, str(run.seed), *["-"] * len(COLUMNS), stated)
    sizes = (f"{run.finished.parameters:,}", str(run.finished.layers)) if run.finished else ("-", "-")
    return (
        run.label,
        str(run.seed),
        *sizes,
        f"{found.best_epoch} of {found.epochs}" + (", stopped" if run.stopped else ""),
        f"{found.seconds_per_epoch:.1f}",
        f"{found.train[LOSS]:.4f}",
        f"{found.validation[LOSS]:.4f}",
        metrics.cell(found.metric, found.train[found.metric]),
        metrics.cell(found.metric, found.score),
        stated,
    )


def _machine(found: Finished) -> str:
    threads = f"{found.threads} thread{'s' if found.threads > 1 else ''}"
    where = f"{found.processor}, {threads}" if found.device == "cpu" else found.device
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    return f"{where}, {found.precision}, {versions}"


def _listed(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())


def _csv(result: StudyResult) -> str:
    settings, stops = list(result.runs[0].settings), ["stopped"] if result.search else []
    figures = (
        "parameters", "layers", "best_epoch", "epochs", "seconds_per_epoch", "seconds",
        "device", "precision", "threads",
    )  # fmt: skip
    names = (LOSS, *result.metrics)
    scores = [f"{split}_{name}" for split in ("train", "validation") for name in names]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["label", "seed", *settings, *figures, *scores, "stated_percent", "stated_on", "failed", *stops])
    for run in result.runs:
        found, values = run.figures, [run.settings[key] for key in settings]
        measured: list[Any] = [""] * (len(figures) + len(scores))
        if found is not None:
            measured = [getattr(found, name, "") for name in figures]
            measured += [split.get(name, "") for split in (found.train, found.validation) for name in names]
        stated = ("", "") if run.stated is None else (run.stated, run.stated_on)
        why = [run.stopped.why if run.stopped else ""] if stops else []
        table.writerow(csv_text([run.label, run.seed, *values, *measured, *stated, run.failed or "", *why]))
    return text.getvalue()


def _markdown(result: StudyResult) -> str:
    size = " (quick size)" if result.quick else ""
    parts = [f"# {markdown(result.study)}{size}\n"]
    parts += [f"{lines(prose)}\n".replace("<", r"\<") for prose in (result.description, result.source) if prose]
    parts.append("![Learning curves and the scores of the kept epochs](study.png)\n")
    parts.append(_escaped(*table(result)))
    if means(result):
        parts.append(_escaped(("run", "seeds", score_column(result)), means(result)))
    if result.search is not None:
        parts += [f"{markdown(searched.heading(result.search))}:\n", _escaped(*searched.ladder(result.search))]
    if result.failed:
        failed = ((markdown(run.label), run.seed, markdown(run.failed or "")) for run in result.failed)
        parts.append("".join(f"- {label}, seed {seed}: {reason}\n" for label, seed, reason in failed))
    parts.append("".join(f"- {note}\n" for note in notes(result)))
    return "\n".join(parts)


def _escaped(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = ([markdown(cell) for cell in row] for row in rows)
    return markdown_table([markdown(column) for column in columns], cells, left=1) + "\n"
