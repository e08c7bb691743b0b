"""The feature maps of every layer for two images, beside those of the reference."""

from collections.abc import Iterator

from edgecnn.insight.activations import activations
from edgecnn.insight.graph import Network
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Cell, Figure, Numbers
from edgecnn.report.figures import _images
from edgecnn.report.inside import maps

TITLE = "What the layers see"
PLACE = 66
TASKS = ("classification",)


def draw(subject: ClassifiedSubject) -> Figure:
    """Draw the maps for an image that is right and for the surest mistake."""
    images = _images.right_and_wrong(subject)
    files = [_file(name, network, images) for name, network in _networks(subject)]
    first, last = files[0], files[-1]
    caption = (
        f"The maps that vary most, from {images.source}: {'; '.join(images.names)}. Dark is low and yellow is high, in "
        "one scale for each layer."
    )
    if len(files) > 1:
        caption += f" In each layer {first.name} is above, {last.name} below."
    layers = subject.network.layers
    return Figure(
        caption=caption,
        numbers=Numbers(
            ("file", "image", "layer", "value", "channel", "least", "mean", "largest"),
            [row for file in files for row in _statistics(file, images, subject.network)],
        ),
        command=f"{subject.source.command} --only maps",
        picture=maps.draw(images.images_nhwc, layers, files),
        alt=f"Maps of {len(maps.shown(layers, first.values))} layers for {len(images.names)} images.",
    )


def _networks(subject: ClassifiedSubject) -> list[tuple[str, Network]]:
    """Return what is shown: the reference first, where it is a file with layers of the same values."""
    own = (subject.source.model, subject.network)
    other = subject.reference_network
    if other is None or not {layer.name for layer in other.layers} & {layer.name for layer in own[1].layers}:
        return [own]
    return [(subject.source.reference or "", other), own]


def _file(name: str, network: Network, images: _images.Images) -> maps.File:
    return maps.File(name, activations(network, images.images_nhwc))


def _statistics(file: maps.File, images: _images.Images, network: Network) -> Iterator[tuple[Cell, ...]]:
    """Yield what each channel comes to, of layers that are shown."""
    for layer in maps.shown(network.layers, file.values):
        every = file.values[layer.name]
        for image, values in zip(images.names, every, strict=True):
            for channel, one in enumerate(values.reshape(values.shape[0], -1) if values.ndim else values.reshape(1, 1)):
                numbers = float(one.min()), float(one.mean()), float(one.max())
                yield file.name, image, layer.index, layer.name, channel, *numbers
