"""The features before the last layer on a map (t-SNE), colored by class."""

from edgecnn.insight import embedding
from edgecnn.insight.features import features
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.report.inside import scatter

TITLE = "How the network sorts the images"
PLACE = 58
TASKS = ("classification",)
MOST = 1_500


def draw(subject: ClassifiedSubject) -> Figure | Missing:
    """Lay out images of the split by what the network makes of them."""
    split = subject.split
    indices_n = embedding.chosen(split.labels_n, MOST)
    if len(indices_n) < embedding.FEWEST:
        return Missing(f"{len(indices_n)} images are too few for a map; {embedding.FEWEST} are the fewest.")

    def say(done: int, of: int) -> None:
        subject.source.say(f"features of {done:,} of {of:,} images")

    found_nd = features(subject.network, split.images_nhwc[indices_n], progress=say)
    subject.source.say(f"laying out {len(indices_n):,} images")
    found, labels_n = embedding.embed(found_nd, indices_n), split.labels_n[indices_n]
    points = zip(indices_n, labels_n, found.points_n2, strict=True)
    return Figure(
        caption=(
            f"{len(indices_n):,} images of the {subject.source.split} split by the {found_nd.shape[1]:,} numbers that "
            "the last layer gets (t-SNE): what is near each other is alike to the network. Distances between groups, "
            "and their sizes, mean nothing. A point among those of another class is one that the network takes for it."
        ),
        numbers=Numbers(
            ("image", "class", "x", "y"),
            [(int(index), split.names[label], float(x), float(y)) for index, label, (x, y) in points],
        ),
        command=f"{subject.source.command} --only features",
        picture=scatter.draw(found, labels_n, split.names),
        alt=f"A map of {len(indices_n):,} images with the names of {len(split.names)} classes at their groups.",
    )
