"""What flipped: images that the model and its reference answer differently."""

from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.report.figures import _strip
from edgecnn.report.figures._strip import Sample
from edgecnn.report.verdict import changed

TITLE = "What flipped"
PLACE = 55
TASKS = ("classification",)
COUNT = 10
COLUMNS = ("image", "true", "reference_said", "reference_probability", "said", "probability")


def draw(subject: ClassifiedSubject) -> Figure | Missing:
    """Draw the flips that cost an answer apart from those that mended one; the surest first."""
    comparison = subject.comparison
    if comparison is None:
        return Missing(f"There is no reference. Name one: edgecnn report {subject.source.model} REFERENCE")
    images = compared(subject)
    found = [_flip(subject, flip.index) for flip in comparison.flips]  # by their place among those compared
    if not found:
        return _nothing(subject, images)
    groups = {
        "harmful: the reference is right, the model is not": [one for one in found if one.said[0][1] == one.true],
        "beneficial: the model is right, the reference is not": [one for one in found if one.said[1][1] == one.true],
        "both wrong, differently": [one for one in found if one.true not in (one.said[0][1], one.said[1][1])],
    }
    shown = [(f"{name} ({len(own):,})", _surest(own)) for name, own in groups.items() if own]
    harmful, beneficial, _ = (len(own) for own in groups.values())
    return Figure(
        caption=(
            f"Of {images}, {harmful} are lost against {subject.source.reference} and {beneficial} are won: accuracy "
            f"{changed(comparison.drop_pp)}. Each image has the reference's answer first; shown are those "
            "of which the model is surest."
        ),
        numbers=Numbers(COLUMNS, [one.numbers for one in found]),
        command=f"{subject.source.command} --only flips",
        picture=_strip.draw(shown),
        alt=f"Images answered differently: {harmful} lost, {beneficial} won.",
    )


def compared(subject: ClassifiedSubject) -> str:
    """Say how many images both models answered."""
    some, images = len(subject.compared_m), len(subject.split)
    drawn = f" of the {images:,}, drawn with seed 0 (name the reference to compare all)" if some < images else ""
    return f"{some:,} images{drawn}"


def _surest(found: list[Sample]) -> list[Sample]:
    return sorted(found, key=lambda one: -one.said[1][2])[:COUNT]


def _nothing(subject: ClassifiedSubject, images: str) -> Figure:
    return Figure(
        caption=f"Nothing flipped: {subject.source.reference} gives the same answer for all {images}.",
        numbers=Numbers(COLUMNS, []),
        command=f"{subject.source.command} --only flips",
    )


def _flip(subject: ClassifiedSubject, member: int) -> Sample:
    names, before_mk, place = subject.split.names, subject.reference_probabilities_mk, int(subject.compared_m[member])
    assert before_mk is not None
    both = (("was", before_mk[member]), ("is", subject.probabilities_nk[place]))
    said = tuple((role, names[found_k.argmax()], float(found_k.max())) for role, found_k in both)
    return Sample(place, subject.split.images_nhwc[place], names[subject.split.labels_n[place]], said)
