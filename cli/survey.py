"""What a data set of the user's own has, shown before a training starts."""

from typing import TYPE_CHECKING

from edgecnn.text import printable

from . import console

if TYPE_CHECKING:
    from edgecnn.data.facts import Facts
    from edgecnn.data.inspected.headers import Sizes
    from edgecnn.data.survey import Survey

MOST_CLASSES = 20
FEWEST = 5
NAMED = 3
GRAY = 0.5  # levels that channels differ by, in the mean


def show(found: "Survey | None", remarks: tuple[str, ...]) -> None:
    """Print images by class and split, what was left out, doubles, and what else is to be known."""
    if found is not None:
        _show_classes(found)
        for line in (*_left_out(found), *_assumed(found), *_doubles(found)):
            console.warn(line)
    for remark in remarks:
        console.warn(remark)


def found(facts: "Facts") -> str:
    """Say what was found before anything is read whole."""
    colors = "in color" if facts.colorfulness >= GRAY else "gray"
    classes = f"{len(facts.labels):,} {'class' if len(facts.labels) == 1 else 'classes'}"
    return f"{facts.dataset}: {classes}, {facts.images:,} pictures to learn from, {sizes(facts.sizes)}, {colors}"


def sizes(found: "Sizes") -> str:
    """Say how large pictures are."""
    if found.different == 1:
        return f"{pixels(found.common)}, all"
    return (
        f"{pixels(found.smallest)} to {pixels(found.largest)}, {found.different:,} different ones; most often "
        f"{pixels(found.common)} ({found.with_common:,})"
    )


def pixels(size: tuple[int, int]) -> str:
    """Write height and width."""
    return f"{size[0]}x{size[1]}"


def _show_classes(found: "Survey") -> None:
    classes = found.classes
    title = f"{len(classes)} classes"
    if len(classes) > MOST_CLASSES:
        title += f", here the {FEWEST} with the fewest images to learn from"
        classes = tuple(sorted(classes, key=lambda one: one.train)[:FEWEST])
    sources = found.sources
    rows = [
        (printable(one.label), *(f"{count:,}" for count in (one.train, one.validation, one.test))) for one in classes
    ]
    totals = [sum(getattr(one, split) for one in found.classes) for split in ("train", "validation", "test")]
    console.show_table(
        f"{title}; train: {sources.train}; validation: {sources.validation}; test: {sources.test}",
        ("class", "train", "validation", "test"),
        [*rows, ("all", *(f"{total:,}" for total in totals))],
    )


def _left_out(found: "Survey") -> list[str]:
    from edgecnn.data.names import alike

    left, lines = found.left, []
    if found.unreadable:
        lines.append(f"left out, cannot be read: {some(found.unreadable, '; ')}")
    if left.unlisted:
        lines.append(f"left out, cannot be listed: {some(left.unlisted, '; ')}")
    if left.hidden:
        lines.append(f"left out, hidden: {some(left.hidden)}")
    if left.passed_over:
        kinds = [f"{count:,} {suffix}" for suffix, count in left.passed_over.items()]
        lines.append(f"left out, no pictures that are read: {some(kinds)}")
    if left.unread:
        lines.append(f"not read, of no split or class: {some(left.unread)}")
    lines += [f"two classes: {sentence}" for sentence in alike(one.label for one in found.classes)]
    for split in ("validation", "test"):
        without = [one.label for one in found.classes if getattr(one, split) == 0]
        if without and len(without) < len(found.classes):  # a split that is not there lacks nothing
            lines.append(f"{split} has no image of {some(without)}; its figures are those of the other classes")
    return lines


def _assumed(found: "Survey") -> list[str]:
    lines = [f"{console.counted(count, 'picture')}: {assumed}" for assumed, count in found.assumed.items()]
    if len(found.assumed) > 1:
        lines.append("pictures of which different things were assumed may differ in brightness by that alone")
    return lines


def _doubles(found: "Survey") -> list[str]:
    lines = []
    if found.repeated:
        lines.append(f"{found.repeated:,} of the training images {_are(found.repeated)} in train twice, pixel by pixel")
    for one in found.shared:
        lines.append(
            f"{one.images:,} of the {one.split} images {_are(one.images)} in {one.other} too, pixel "
            f"by pixel, so {one.split} figures will be too good: {printable(one.example[0])} is "
            f"{printable(one.example[1])}"
        )
    if found.conflicting:
        first = found.conflicts[0]
        lines.append(
            f"{console.counted(found.conflicting, 'picture')} with two labels: {printable(first.images[0])} "
            f"({printable(first.labels[0])}) is {printable(first.images[1])} ({printable(first.labels[1])})"
        )
    return lines


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def some(names: "tuple[str, ...] | list[str]", between: str = ", ") -> str:
    """Return the first few names, and how many more there are."""
    rest = len(names) - NAMED
    return between.join(printable(name) for name in names[:NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
