"""The time by kind of kernel, of one file or of two side by side."""

from collections.abc import Iterable
from dataclasses import dataclass

from edgecnn.audit.ran import Kernel
from edgecnn.insight.graph import ACTIVATIONS, LAYOUT, NORMS

CONVOLUTIONS, DENSE = "convolutions", "dense layers"
POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax", "LpPool")
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Concat")
RESIZES = ("Resize", "Upsample")


@dataclass(frozen=True)
class Kind:
    """What kernels of one kind take of an image, in all. The reference's part is None where there is no reference."""

    kind: str
    kernels: int
    microseconds: float
    share: float
    reference_kernels: int | None
    reference_microseconds: float | None


def kind_of(kernel: Kernel) -> str:
    """Return the kind of a kernel, in words."""
    operator = kernel.operator.removeprefix("QLinear").removeprefix("Nhwc")
    if kernel.is_product:
        return f"{kernel.precision} {CONVOLUTIONS if kernel.is_convolution else DENSE}"
    if kernel.is_quantizer:
        return "quantizing and back"
    if kernel.is_layout:
        return "changes of layout"
    for kind, operators in OPERATORS.items():
        if operator in operators:
            return kind
    return "other"


OPERATORS: dict[str, Iterable[str]] = {
    "activations": ACTIVATIONS,
    "norms": NORMS,
    "pooling": POOLS,
    "resizing": RESIZES,
    "arithmetic": ARITHMETIC,
    "moves": (*LAYOUT, "Slice", "Split", "Pad", "Gather"),
}


def of_any_precision(kind: str) -> str:
    """Return a kind without the precision of its products.

    >>> of_any_precision("int8 convolutions"), of_any_precision("pooling")
    ('convolutions', 'pooling')
    """
    return next((name for name in (CONVOLUTIONS, DENSE) if kind.endswith(name)), kind)


def by_kind(kernels: Iterable[Kernel], reference: Iterable[Kernel] | None) -> list[Kind]:
    """Return the kinds of both, those first that take most of either."""
    own, other = _sums(kernels), None if reference is None else _sums(reference)
    total = sum(taken for _, taken in own.values()) or 1.0
    names = sorted(
        own.keys() | (other or {}).keys(),
        key=lambda name: -max(own.get(name, NONE)[1], (other or {}).get(name, NONE)[1]),
    )
    return [
        Kind(
            kind=name,
            kernels=own.get(name, NONE)[0],
            microseconds=own.get(name, NONE)[1],
            share=own.get(name, NONE)[1] / total,
            reference_kernels=None if other is None else other.get(name, NONE)[0],
            reference_microseconds=None if other is None else other.get(name, NONE)[1],
        )
        for name in names
    ]


NONE = (0, 0.0)


def _sums(kernels: Iterable[Kernel]) -> dict[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for kernel in kernels:
        count, taken = found.get(kind_of(kernel), NONE)
        found[kind_of(kernel)] = count + 1, taken + kernel.microseconds
    return found
