#!/usr/bin/env python3
"""What it costs that int8 weights cannot saturate: tools/int8_safety.py [NAME ...] [--latency] [-o OUT.json]

For each float32 file of the zoo the static form is built twice, with safe weights (seven bits) and with the full range
(eight), and both are compared with the parent on the whole test set: as any program runs the file, and where this
processor saturates also in edgecnn's exact way. ``tools/processor.py avx2 -- tools/int8_safety.py`` says the same of a
processor without VNNI. With ``--latency`` nothing else may run meanwhile.
"""

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

from edgecnn import zoo
from edgecnn.errors import EdgecnnError, Int8Warning
from edgecnn.machine import family, processor
from edgecnn.quantize import quantize
from edgecnn.runtime import int8
from edgecnn.verify import Comparison, FinderComparison, compare_either


@dataclass(frozen=True)
class Cost:
    """One form of one model here. ``accuracy`` is F1 for a finder; ``way`` is plain, as any program runs the file, or
    exact. A latency is the median's ratio over float32, one image, None where it was not asked for."""

    model: str
    form: str
    way: str
    family: str
    processor: str
    images: int
    float_accuracy: float
    accuracy: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    size_bytes: int
    float_size_bytes: int
    largest_pair_sum: int
    latency_ratio: float | None
    latency_ratio_ci95: tuple[float, float] | None


def main() -> None:
    """Measure one model after the other; what is finished is written at once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="default: every model of the zoo")
    parser.add_argument("--data-root", type=Path, metavar="FOLDER")
    parser.add_argument("--latency", action="store_true", help="keep the latencies, measured for two seconds each")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.json")
    given = parser.parse_args()
    warnings.simplefilter("ignore", Int8Warning)
    costs: list[Cost] = []
    try:
        for name in given.names or [model.name for model in zoo.models() if "fp32" in model.forms]:
            for cost in costs_of(name, given.data_root, latency=given.latency):
                costs.append(cost)
                print(_line(cost), flush=True)
                if given.output:
                    given.output.write_text(json.dumps([asdict(one) for one in costs], indent=1) + "\n")
    except EdgecnnError as error:
        sys.exit(f"error: {error}")


def costs_of(name: str, root: Path | None, *, latency: bool) -> Iterator[Cost]:
    """Build both forms of a model and measure each, in each way that there is here."""
    parent = zoo.find(f"{name}/fp32")
    with tempfile.TemporaryDirectory() as folder:
        for method in ("static", "static-full"):
            file = Path(folder) / f"{method}.onnx"
            built = quantize(parent, file, method=method, root=root, seconds=2.0 if latency else 0.05).candidates[0]
            ways = ["plain"] if built.overflow.safe or not int8.saturates() else ["plain", "exact"]
            for way in ways:
                found = _compared(parent, file, root, plain=way == "plain")
                own, other = _accuracies(found)
                measured = latency and (way == ways[-1])  # a worker opens the file as edgecnn does
                yield Cost(
                    model=name,
                    form=built.form,
                    way=way,
                    family=family(),
                    processor=processor(),
                    images=found.images if isinstance(found, Comparison) else found.pages,
                    float_accuracy=own,
                    accuracy=other,
                    drop_pp=found.drop_pp,
                    drop_pp_ci95=found.drop_pp_ci95,
                    size_bytes=built.size_bytes,
                    float_size_bytes=parent.stat().st_size,
                    largest_pair_sum=built.overflow.largest_pair_sum,
                    latency_ratio=built.latency_ratio if measured else None,
                    latency_ratio_ci95=built.latency_ratio_ci95 if measured else None,
                )


def _compared(parent: Path, file: Path, root: Path | None, *, plain: bool) -> Comparison | FinderComparison:
    if not plain:
        return compare_either(parent, file, root=root)
    with mock.patch.object(int8, "saturates", return_value=False):  # as a program that does not know of it
        return compare_either(parent, file, root=root)


def _accuracies(found: Comparison | FinderComparison) -> tuple[float, float]:
    if isinstance(found, Comparison):
        return found.reference.accuracy, found.candidate.accuracy
    return found.reference.f1, found.candidate.f1


def _line(cost: Cost) -> str:
    low, high = cost.drop_pp_ci95
    text = (
        f"{cost.model} {cost.form} ({cost.way}) on {cost.family}: {cost.accuracy:.2%}, "
        f"float32 {cost.float_accuracy:.2%}, drop {cost.drop_pp:+.2f} points ({low:+.2f}..{high:+.2f}) on "
        f"{cost.images:,}; {cost.size_bytes:,} bytes, float32 {cost.float_size_bytes:,}"
    )
    return text if cost.latency_ratio is None else f"{text}; latency x {cost.latency_ratio:.2f}"


if __name__ == "__main__":
    main()
