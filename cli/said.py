"""What users say of pixels and answers, as options have it: numbers, fractions, sizes, kinds of answers."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from edgecnn.adopt.said import Answering


def number(text: str, option: str) -> float:
    """Read a number or a fraction.

    >>> number("1/255", "--scale") == 1 / 255
    True
    """
    above, _, below = text.partition("/")
    try:
        return float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(f"'{text}' is no number such as 0.5 or 1/255", param_hint=option) from None


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Read numbers or fractions between commas or blanks."""
    return tuple(number(part, option) for part in text.replace(",", " ").split())


def size(text: str) -> tuple[int, int]:
    """Read a size.

    >>> size("48x192"), size("224")
    ((48, 192), (224, 224))
    """
    sides = text.lower().split("x")
    if not 1 <= len(sides) <= 2 or not all(side.isdecimal() for side in sides):
        raise typer.BadParameter(f"'{text}' is no size such as 224x224", param_hint="--resize")
    return int(sides[0]), int(sides[-1])


def shape(text: str) -> tuple[int, int, int]:
    """Read what pictures a module takes.

    >>> shape("28x28x1")
    (28, 28, 1)
    """
    sides = text.lower().split("x")
    if len(sides) != 3 or not all(side.isdecimal() and int(side) for side in sides):
        raise typer.BadParameter(
            f"'{text}' is no height, width and channels such as 28x28x1 or 224x224x3", param_hint="--input"
        )
    return int(sides[0]), int(sides[1]), int(sides[2])


def answers(text: str | None) -> "tuple[str | None, Answering | None]":
    """Read what an output has, and its name where that is said.

    >>> answers("prob=probabilities"), answers("log-probabilities")
    (('prob', 'probabilities'), (None, 'logits'))
    """
    if text is None:
        return None, None
    name, _, kind = text.rpartition("=")
    kinds: dict[str, Answering] = {"logits": "logits", "log-probabilities": "logits", "probabilities": "probabilities"}
    if kind not in kinds:
        raise typer.BadParameter(f"'{kind}' is none of {', '.join(kinds)}", param_hint="--answers")
    return name or None, kinds[kind]
