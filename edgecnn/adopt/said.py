"""What is to be known of a classifier of others beside its graph: said by its user, or by what comes with the file."""

from dataclasses import dataclass, fields, replace
from typing import Literal

Layout = Literal["nchw", "nhwc"]
Answering = Literal["logits", "probabilities"]


@dataclass(frozen=True)
class Said:
    """``scale`` is what pixels 0..255 are multiplied with; ``mean`` and ``std`` are of the scaled pixels, one for all
    channels or one for each; ``size`` is height and width; ``output`` names the output that answers.

    What is None is not known.
    """

    labels: tuple[str, ...] | None = None
    layout: Layout | None = None
    size: tuple[int, int] | None = None
    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    bgr: bool | None = None
    output: str | None = None
    answers: Answering | None = None

    def over(self, other: "Said") -> "Said":
        """Return this, with what it leaves open as the other has it."""
        return replace(other, **{name: getattr(self, name) for name in self.names()})

    def names(self) -> list[str]:
        """Return what is known, by name."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]
