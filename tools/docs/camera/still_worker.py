"""One way of reading in a process of its own: pictures from files; what is read, seconds and peak memory as JSON.

    python still_worker.py --detector FILE --model FILE (--detail D | --peer FOLDER) PICTURE...

A corner of the first picture is read before, so that no time has the start in it.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from camera import reading
from edgecnn.digits import Reader
from edgecnn.machine.memory import peak_bytes
from edgecnn.runtime.image import read_image

CORNER = 320  # pixels


def main() -> None:
    """Read and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--detail", type=float, default=0.0)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+")
    options = parser.parse_args()
    read = reading.peer(options.peer) if options.peer else None
    if options.peer and read is None:
        raise SystemExit(f"{options.peer}: has no rapidocr")
    read = read or reading.still(Reader(options.detector, options.model), options.detail)
    digits, seconds = [], []
    read(np.ascontiguousarray(read_image(options.pictures[0])[:CORNER, :CORNER]))
    for path in options.pictures:
        image_hwc = read_image(path)
        started = time.perf_counter()
        digits.append(read(image_hwc).digits)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"digits": digits, "seconds": seconds, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
