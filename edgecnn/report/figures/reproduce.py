"""How to get each number again: commands, seeds, machine and versions."""

from edgecnn import files
from edgecnn.report.figure import Figure, Numbers, Shown
from edgecnn.report.subject import Subject

TITLE = "How to get these numbers again"
PLACE = 95
TASKS = ()


def draw(subject: Subject) -> Figure:
    """List the commands, and what they were run on."""
    source, found = subject.source, subject.machine
    data = f" --data {source.dataset}" if source.dataset else ""
    verify = f"edgecnn verify {source.reference} {source.model}{data}" if source.reference else ""
    rows = [
        ("this page", source.command),
        ("accuracy, precision, recall", f"edgecnn evaluate {source.model}{data}"),
        ("the same as its reference", verify),
        ("golden images", f"edgecnn selftest {source.model}"),
        ("latency, memory", f"edgecnn bench {' '.join(map(str, subject.models))}"),
        ("layers, size", f"edgecnn inspect {source.model}"),
        ("file", f"SHA-256 {files.sha256(source.file)}"),
        ("machine", f"{found.processor}, {found.threads_available} threads, {found.system}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in found.versions.items())),
    ]
    rows = [row for row in rows if row[1]]
    return Figure(
        caption="Each command prints figures of this page again; those of latency hold for this machine.",
        numbers=Numbers(("what", "how"), rows),
        command=source.command,
        table=Shown(("what", "how"), rows, left=2),
    )
