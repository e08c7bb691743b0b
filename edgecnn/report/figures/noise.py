"""Error by layer: where a quantized file loses signal against the float32 one."""

from edgecnn.insight import noise
from edgecnn.insight.graph import Network
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.report.figures import _images
from edgecnn.report.inside import noise as drawing

TITLE = "Where the integers lose signal"
PLACE = 68
TASKS = ("classification",)
COUNT = 64


def draw(subject: ClassifiedSubject) -> Figure | Missing:
    """Compare the values of both files, layer by layer."""
    pair = _pair(subject)
    if pair is None:
        return Missing(
            f"There is no float32 file and a quantized one. Name both: edgecnn report {subject.source.model} REFERENCE"
        )
    images = _images.some(subject, COUNT)
    rows = noise.measure(*pair, images.images_nhwc)
    if not any(row.snr_db is not None for row in rows):
        return Missing("Both files hand on the same values in every layer.")
    worst = drawing.marked(rows)
    said = "; ".join(f"layer {row.index}, {row.title}, by {row.fall_db:.0f} dB" for row in worst)
    return Figure(
        caption=(
            f"Signal to noise of {pair[1].name} against {pair[0].name} on {len(images.images_nhwc)} images of "
            f"{images.source}: 20 dB are an error of a tenth of the signal, 40 dB one of a hundredth. "
            + (f"It falls most at {said}." if worst else "No layer loses half of it.")
        ),
        numbers=Numbers(
            ("layer", "type", "value", "integers", "snr_db", "fall_db", "beyond_the_range"),
            [
                (row.index, row.title, row.name, int(row.integers), row.snr_db, row.fall_db, row.saturated)
                for row in rows
            ],
        ),
        command=f"{subject.source.command} --only noise",
        picture=drawing.draw(rows),
        alt=f"Signal to noise by layer, from {rows[0].title} to {rows[-1].title}.",
    )


def _pair(subject: ClassifiedSubject) -> tuple[Network, Network] | None:
    """Return the float32 file and the quantized one, whichever of the two is the model."""
    own, other = subject.network, subject.reference_network
    if other is None or own.quantized == other.quantized:
        return None
    return (other, own) if own.quantized else (own, other)
