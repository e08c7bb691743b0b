"""Make the most of a GPU that is there for minutes: try the CUDA provider, train a list of recipes side by side.

python tools/gpu provider MODEL... --folder DIR              what the CUDA provider answers, beside the CPU's answers
python tools/gpu train --runs FILE --folder DIR --data-root DIR --minutes 8
python tools/gpu bring --folder DIR                          DIR.tar.gz: checkpoints, metrics and logs, nothing else

A run that is out of time saves its state; the same command goes on with it, here or on another machine. Both say first
which card it is, and write it into DIR/machine.json. With ``--device cpu`` and ``--provider cpu`` all of it can be
tried before.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT),
    str(ROOT / "tools" / "zoo_queue"),
]  # the edgecnn of this very checkout, and the queue's lists

import listing  # noqa: E402
import trying  # noqa: E402
from brought import bring  # noqa: E402
from training import train  # noqa: E402


def main() -> None:
    """Parse, and do one thing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("provider", "train", "bring"):
        command = verbs.add_parser(verb)
        command.add_argument("--folder", type=Path, required=True, help="where everything goes")
        if verb == "provider":
            command.add_argument("models", nargs="+", metavar="MODEL")
            command.add_argument("--provider", default="cuda")
        if verb == "train":
            command.add_argument("--runs", type=Path, required=True, help="a list as tools/zoo_queue/runs.toml")
            command.add_argument("--data-root", type=Path, required=True)
            command.add_argument("--minutes", type=float, default=8.0)
            command.add_argument("--at-once", type=int, default=8)
            command.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    wanted = parser.parse_args()
    folder = wanted.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if wanted.verb == "bring":
        print(bring(folder))
        return
    trying.machine(folder)
    if wanted.verb == "provider":
        trying.provider(wanted.models, wanted.provider, folder)
        return
    entries = listing.read(wanted.runs).entries
    train(entries, folder, wanted.data_root.resolve(), wanted.device, wanted.at_once, wanted.minutes * 60)


if __name__ == "__main__":
    main()
