"""Where a queue and each of its runs stand, as text."""

import json
import tomllib
from pathlib import Path

import listing
import log
import running
from listing import Entry

HEAD = ("run", "state", "epochs", "validation %", "processor hours")
MARKS = ("makes way", "goes on", "started", "stopped", "nothing is left")


def shown(folder: Path) -> str:
    """Return a line on the queue and a table of the runs, in their order."""
    rows = [HEAD, *(_row(entry, folder) for entry in listing.read().entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([_now(folder), "", *table])


def _now(folder: Path) -> str:
    found = running.found(folder)
    mark = next((line for line in reversed(log.lines(folder)) if line["what"] in MARKS), None)
    if found is None:
        return f"does not run; {mark['what']} at {mark['at']}" if mark else "does not run"
    doing = f"makes way for {mark['why']} since {mark['at']}" if mark and mark["what"] == "makes way" else "trains"
    return f"{doing}; process {found.pid}, commit {found.commit}"


def _row(entry: Entry, folder: Path) -> tuple[str, ...]:
    run, state = folder / "runs" / entry.name, entry.state(folder)
    metrics = run / "metrics.jsonl"
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()] if metrics.exists() else []
    epochs = tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8"))["epochs"] if rows else ""
    failed = folder / "failed" / f"{entry.name}.txt"
    found = [row["validation"] for row in rows]
    best = max((each["accuracy"] if "accuracy" in each else each["f1"] for each in found), default=0.0)
    return (
        entry.name,
        f"failed: {failed.read_text(encoding='utf-8').strip()}" if state == "failed" else state,
        f"{len(rows)} of {epochs}" if rows else "",
        f"{100 * best:.2f}" if rows else "",
        f"{rows[-1]['seconds'] / 3600:.2f}" if rows else "",
    )
