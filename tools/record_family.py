#!/usr/bin/env python3
"""Measure quantized models of the zoo against their parents on this machine: tools/record_family.py [NAME ...]

What is found goes into their cards as that of this family of processors, beside what other families have there, so that
``edgecnn list models`` and ``edgecnn doctor`` know whether the preferred form is the right one here. Nothing else may
run meanwhile. ``tools/processor.py avx2 -- tools/record_family.py`` does the same for the kernels of that family.
"""

import argparse
import sys
from pathlib import Path

from edgecnn import zoo
from edgecnn.errors import EdgecnnError
from edgecnn.quantize.record import record


def main() -> None:
    """Measure those that were named, or all that have another form than their parent's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="default: every model with a quantized form")
    parser.add_argument("--data-root", type=Path, metavar="FOLDER", help="folder that holds the data sets")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long latency is measured")
    given = parser.parse_args()
    forms = {model.name: model.forms for model in zoo.models() if len(model.forms) > 1}
    try:
        for name in given.names or forms:
            found = record(Path(name), Path(name, "fp32"), root=given.data_root, seconds=given.seconds)
            low, high = found.latency_ratio_ci95
            print(
                f"{name}: {found.verdict} on {found.family}, latency x {found.latency_ratio:.2f} "
                f"({low:.2f}..{high:.2f}), drop {found.drop_pp:+.2f} points on {found.images:,} images: "
                f"{'' if found.preferred else 'not '}preferred"
            )
    except EdgecnnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
