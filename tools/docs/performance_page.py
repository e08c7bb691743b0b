"""docs/results/performance.md: the networks of the reports and the zoo beside every peer that is installed.

    python tools/docs/performance_page.py prepare --data-root ROOT --folder FOLDER [--only NETWORK...]
    python tools/docs/performance_page.py record --folder FOLDER [--only NETWORK...|roof] [--minutes M] [--again]
    python tools/docs/performance_page.py              write the page from docs/records/performance/

``prepare`` trains, exports and quantizes what FOLDER does not have yet; that takes hours without ``--epochs N`` or
``--brief``, and may be stopped at any time. ``record`` measures, on a quiet machine, and writes the page: the peers
that can be imported run (``pip install --no-deps --target PEERS openvino tract ncnn pnnx``, and PEERS in PYTHONPATH).
A network that others disturbed is not kept; one that was measured with the same file and versions is not measured again
without ``--again``. After M minutes nothing is begun any more, and the same command goes on.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from performance import measuring, networks, page, rates, record
from performance.record import Record, Roof

from edgecnn.files import write_text
from edgecnn.machine import facts
from edgecnn.machine.conditions import QUIET_OTHERS, Watch
from edgecnn.machine.environment import environment

ROOF = "roof"
MINUTES = 20.0


def measure(folder: Path, only: Sequence[str], minutes: float, *, threads: int, again: bool) -> None:
    """Measure what is asked for and not known yet, and keep it network by network."""
    until = time.monotonic() + 60 * minutes
    here = environment()
    path = record.path_of(here)
    kept = record.read(path) or Record(here, networks.MAX_DROP_PP, None, [])
    kept = replace(kept, environment=here)
    if (not only or ROOF in only) and (again or kept.roof is None):
        kept = _with_roof(kept, path)
    for known in networks.ready(folder):
        if (only and known.name not in only) or (not again and _is_known(kept, known, threads)):
            continue
        if time.monotonic() > until:
            print(f"{known.name}: not begun, {minutes:g} minutes are over; the same command goes on", file=sys.stderr)
            continue
        found = measuring.measure(folder / known.name, known, threads, teller(known.name))
        if found is not None:
            kept = record.with_network(kept, found)
            record.write(kept, path)


def _with_roof(kept: Record, path: Path) -> Record:
    watch = Watch()
    found = rates.measured()
    others = watch.conditions().others
    if others is not None and others > QUIET_OTHERS:
        print(f"{ROOF}: others took {others:.0%} of the processors: not kept", file=sys.stderr)
        return kept
    kept = replace(kept, roof=Roof(found, record.today()))
    record.write(kept, path)
    return kept


def _is_known(kept: Record, known: networks.Facts, threads: int) -> bool:
    found = record.named(kept.networks, known.name)
    installed = facts.installed(measuring.PACKAGES)
    return found is not None and (found.sha256, found.threads, found.versions) == (known.sha256, threads, installed)


def teller(name: str) -> measuring.Callable[[str], None]:
    """Return what says how far a network is."""
    return lambda text: print(f"{name}: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Do what is asked for, and write the page."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    preparing = commands.add_parser("prepare", help="train, export and quantize what is not there yet")
    preparing.add_argument("--data-root", type=Path, required=True)
    preparing.add_argument("--epochs", type=int, help="at most so many of each training")
    preparing.add_argument("--brief", action="store_true", help="a few images of each network, for latency alone")
    measured = commands.add_parser("record", help="measure, and write the record and the page")
    measured.add_argument("--minutes", type=float, default=MINUTES)
    measured.add_argument("--threads", type=int, default=1)
    measured.add_argument("--again", action="store_true", help="also what was measured before")
    for command in (preparing, measured):
        command.add_argument("--folder", type=Path, required=True)
        command.add_argument("--only", nargs="+", default=[], metavar="NETWORK")
    given = parser.parse_args()
    if given.command == "prepare":
        networks.prepare(given.folder, given.data_root, given.only, epochs=given.epochs, brief=given.brief)
        return
    if given.command == "record":
        measure(given.folder, given.only, given.minutes, threads=given.threads, again=given.again)
    write_text(page.PAGE, page.page(record.all_kept()))


if __name__ == "__main__":
    main()
