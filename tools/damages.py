#!/usr/bin/env python3
"""What the self-test notices: tools/damages.py --data-root ROOT [MODEL/FORM ...] writes docs/results/selftest.md

Every file of the zoo is damaged in some hundred ways (edgecnn/damage.py); validation images say what each damage costs,
the golden images in the card whether the self-test notices. Beside it stands what was noticed before: ten golden
images, four of CIFAR's size, by their probabilities. A file that is in docs/records/selftest.json with the same content
is not damaged again, so this can be stopped and run again. False alarms are looked for under tools/processor.py
too, and int8 weights at full range are run there, where their sums saturate.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn import damage, files, golden, zoo
from edgecnn.card import Golden
from edgecnn.contender import in_batches
from edgecnn.data.boxes import Boxes
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.detector import load_detector
from edgecnn.runtime.load import load_model
from edgecnn.runtime.selftest import judged, selftest
from edgecnn.tasks._detection.comparison import f1_on
from edgecnn.tasks._detection.examples import read
from edgecnn.verify.compare import read_for

ROOT = Path(__file__).resolve().parents[1]
ZOO, FOUND, PAGE = (
    ROOT / "exported",
    ROOT / "docs" / "records" / "selftest.json",
    ROOT / "docs" / "results" / "selftest.md",
)
COSTLY_PP = 0.5
BEFORE_BYTES, BEFORE_MOST, BEFORE_ALLOWED = 12_288, 10, {False: 1e-4, True: 0.05}
LEVELS = ("avx2", "sse")
PAGES_A_TIME = 10  # a page has some digits and costs as much time as so many images
SATURATED = """
import os
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import sys, numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
images = np.load(sys.argv[2])
np.save(sys.argv[3], np.concatenate([session.run(["probabilities"], {"image": image[None]})[0] for image in images]))
"""


@dataclass(frozen=True)
class Row:
    """One damage: what it costs in points of accuracy (of a detector, of F1), and whether it was and is noticed."""

    kind: str
    place: str
    cost_pp: float
    before: bool
    now: bool


@dataclass(frozen=True)
class Condition:
    """The whole file somewhere else: what its self-test said."""

    where: str
    passed: bool
    largest: float | None
    mean: float | None


@dataclass(frozen=True)
class Tried:
    """One file."""

    sha256: str
    images: int
    intact: float
    golden_images: int
    card_bytes: int
    log_tolerance: float
    rms_tolerance: float
    rows: list[Row]
    conditions: list[Condition]


def main() -> None:
    """Damage what was not damaged yet, and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", help="such as mnist-c1/fp32; all of the zoo where none is given")
    parser.add_argument("--zoo", type=Path, default=ZOO, help="folder of the models")
    parser.add_argument("--data-root", type=Path, help="folder that holds the data sets")
    parser.add_argument("--images", type=int, default=2_000, help="validation images that say what a damage costs")
    given = parser.parse_args()
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
    forms = {f"{m.name}/{form}": path for m in zoo.models_in(given.zoo) for form, path in reversed(m.forms.items())}
    for name in given.names or list(forms):
        if found.get(name, {}).get("sha256") != files.sha256(forms[name]):
            found[name] = asdict(tried(forms[name], given.data_root, given.images))
            files.write_text(FOUND, json.dumps({key: found[key] for key in forms if key in found}, indent=1) + "\n")
            print(name, _summary(found[name]), flush=True)
    files.write_text(PAGE, page({key: found[key] for key in forms if key in found}))


def tried(path: Path, root: Path | None, images: int) -> Tried:
    """Do all damage to one file, and run it elsewhere."""
    model = load_model(path)
    own = model.card.golden
    count, intact, rows = (
        _classes(path, root, images) if isinstance(model, Classifier) else _detections(path, root, images // 10)
    )
    return Tried(
        sha256=files.sha256(path),
        images=count,
        intact=intact,
        golden_images=len(own.images_nhwc),
        card_bytes=len(model.card.to_json().encode()),
        log_tolerance=own.log_tolerance or own.tolerance,
        rms_tolerance=own.rms_tolerance or own.tolerance,
        rows=rows,
        conditions=[*_other_kernels(path), *_other_processors(path)],
    )


def _classes(path: Path, root: Path | None, most: int) -> tuple[int, float, list[Row]]:
    graph, card = path.read_bytes(), load_model(path).card
    split = read_for(card.dataset, card.input.shape, "validation", root=root)
    old = _as_before(graph, split.images_nhwc, split.labels_n)
    images_nhwc, labels_n = split.images_nhwc[:most], split.labels_n[:most]

    def right(damaged: bytes) -> float:
        logits_nk = in_batches(lambda part: golden.answers(damaged, [part]), images_nhwc)
        return float((logits_nk.argmax(axis=1) == labels_n).mean())

    intact, model = right(graph), onnx.load_model_from_string(graph)
    rows = []
    for one in damage.damages(model):
        damaged = one.done_to(model)
        cost_pp = round(100 * (intact - right(damaged)), 4)
        before, now = (
            not judged(own, own.probabilities_nk, golden.answers_alone(damaged, own.images_nhwc)).passed
            for own in (old, card.golden)
        )
        rows.append(Row(one.kind, one.place, cost_pp, before, now))
    return len(images_nhwc), intact, rows


def _as_before(graph: bytes, images_nhwc: NDArray[np.uint8], labels_n: NDArray[np.int64]) -> Golden:
    """Return golden images as they were chosen and judged at first: the first of each class, by probabilities."""
    count = max(2, min(BEFORE_MOST, BEFORE_BYTES // images_nhwc[0].size))
    first_of_class = np.unique(labels_n, return_index=True)[1][:count]
    chosen = images_nhwc[first_of_class]
    return Golden(
        chosen, {"probabilities": golden.answers_alone(graph, chosen)}, BEFORE_ALLOWED[golden.is_quantized(graph)]
    )


def _detections(path: Path, root: Path | None, most: int) -> tuple[int, float, list[Row]]:
    graph = path.read_bytes()
    whole, most = read("digit-pages", "validation", root), most // PAGES_A_TIME
    boxes = Boxes(whole.images_nhwc[:most], whole.boxes_nb4[:most], whole.what_nb[:most], whole.labels)

    intact, model = f1_on(boxes, load_detector(path)), onnx.load_model_from_string(graph)  # type: ignore[arg-type]
    rows = []
    for one in damage.pyramid_damages(model):
        detector = load_detector(one.done_to(model))
        cost_pp = round(100 * (intact - f1_on(boxes, detector)), 4)
        result = selftest(detector)
        before = not result.same_labels or result.max_abs_probability_gap > result.tolerance
        rows.append(Row(one.kind, one.place, cost_pp, before, not result.passed))
    return len(boxes), intact, rows


def _other_kernels(path: Path) -> list[Condition]:
    graph, own = path.read_bytes(), load_model(path).card.golden
    if own.boxes_m4 is not None:
        return []
    names = ("one batch", "one batch on two threads", "one by one without graph optimizations")
    verdicts = (judged(own, own.probabilities_nk, answers_nk) for answers_nk in golden.variants(graph, own.images_nhwc))
    return [
        Condition(name, verdict.passed, verdict.max_abs_log_gap, verdict.rms_log_gap)
        for name, verdict in zip(names, verdicts, strict=True)
    ]


def _other_processors(path: Path) -> list[Condition]:
    found = []
    for level in LEVELS:
        command = [
            sys.executable,
            str(ROOT / "tools" / "processor.py"),
            level,
            "--",
            sys.executable,
            "-m",
            "edgecnn_cli",
        ]
        told = subprocess.run([*command, "selftest", str(path), "--json"], capture_output=True, text=True, check=False)
        result: dict[str, Any] = json.loads(told.stdout)
        found.append(
            Condition(f"{level} kernels", result["passed"], result.get("max_abs_log_gap"), result.get("rms_log_gap"))
        )
    return found


def _summary(tried: dict[str, Any]) -> str:
    costly = [row for row in tried["rows"] if row["cost_pp"] >= COSTLY_PP]
    before, now = (sum(row[key] for row in costly) for key in ("before", "now"))
    return f"{len(tried['rows'])} damages, {len(costly)} cost half a point; noticed {before} before, {now} now"


HEAD = """# What the self-test notices

Generated by `python tools/damages.py --data-root ROOT`: every file of the zoo is damaged in many ways, one at a time.
Validation images say what a damage costs in points of accuracy (of a detector, of F1), and the golden images in the
file's card whether `edgecnn selftest` notices. *Before* is what ten golden images (four of CIFAR's size), the first of
each class, noticed by a gap of probabilities of 0.0001 (fp32) or 0.05 (int8).

"""


def page(found: dict[str, dict[str, Any]]) -> str:
    """Return the page."""
    rows = [row for tried in found.values() for row in tried["rows"]]
    costly = [row for row in rows if row["cost_pp"] >= COSTLY_PP]
    before, now = (sum(row[key] for row in costly) for key in ("before", "now"))
    kinds = dict.fromkeys(row["kind"] for row in rows)
    conditions = [condition for tried in found.values() for condition in tried["conditions"]]
    alarms = [condition for condition in conditions if not condition["passed"]]
    lines = [
        HEAD + f"{len(kinds)} kinds of damage, {len(rows):,} in all, of which {len(costly)} cost half a point or more: "
        f"**{now} of these are noticed ({now / max(len(costly), 1):.1%}), {before} were before "
        f"({before / max(len(costly), 1):.1%})**. The whole files, on other kernels, threads and batches, raised "
        f"{len(alarms)} false alarms in {len(conditions)} runs.",
        "",
        "## By file",
        "",
        "The gaps are of log-probabilities: the largest, and the root mean square. *Elsewhere* is the largest of the",
        "whole file on AVX2 and SSE kernels, without graph optimizations, in a batch and on two threads.",
        "",
        "| file | golden images | card, bytes | allowed | elsewhere | validation images | damages | "
        "cost ≥ 0.5 points | noticed before | noticed now |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_file_line(name, tried) for name, tried in found.items()),
        "",
        "## By kind",
        "",
        "Of the damages that cost half a point or more, over all files and places: how many, and how many are noticed.",
        "",
        "| damage | done | cost ≥ 0.5 points | largest cost | noticed before | noticed now | noticed now of all done |",
        "|---|---|---|---|---|---|---|",
        *(_kind_line(kind, [row for row in rows if row["kind"] == kind]) for kind in kinds),
        "",
        *_missed(found),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _file_line(name: str, tried: dict[str, Any]) -> str:
    costly = [row for row in tried["rows"] if row["cost_pp"] >= COSTLY_PP]
    largest, mean = (max((c[key] or 0 for c in tried["conditions"]), default=0) for key in ("largest", "mean"))
    cells = [
        name,
        tried["golden_images"],
        f"{tried['card_bytes']:,}",
        f"{tried['log_tolerance']:g}, {tried['rms_tolerance']:g}",
        f"{largest:.1e}, {mean:.1e}",
        f"{tried['images']:,}",
        len(tried["rows"]),
        len(costly),
        sum(row["before"] for row in costly),
        sum(row["now"] for row in costly),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _kind_line(kind: str, rows: list[dict[str, Any]]) -> str:
    costly = [row for row in rows if row["cost_pp"] >= COSTLY_PP]
    most = max(row["cost_pp"] for row in rows)
    noticed = [sum(row[key] for row in costly) for key in ("before", "now")]
    cells = [kind, len(rows), len(costly), f"{most:.1f}", *noticed, sum(row["now"] for row in rows)]
    return f"| {' | '.join(map(str, cells))} |"


def _missed(found: dict[str, dict[str, Any]]) -> list[str]:
    missed = [
        f"- {name}: {row['kind']}{', ' + row['place'] if row['place'] else ''} ({row['cost_pp']:.2f} points)"
        for name, tried in found.items()
        for row in tried["rows"]
        if row["cost_pp"] >= COSTLY_PP and not row["now"]
    ]
    return ["## Not noticed", "", *(missed or ["None of those that cost half a point."])]


if __name__ == "__main__":
    main()
