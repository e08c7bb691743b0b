"""What the images look like that a model learned from, for its card: of the training images, where they are at hand."""

from pathlib import Path

from edgecnn import data
from edgecnn.card import Appearance, DatasetRecord, ImageInput
from edgecnn.errors import DataError
from edgecnn.runtime.appearance import measured
from edgecnn.verify.compare import read_for


def of_training_images(
    record: DatasetRecord, wanted: ImageInput, *, dataset: str | None = None, root: str | Path | None = None
) -> Appearance | None:
    """Measure the images that a classifier was trained on, in its own size; None where they are not at hand.

    Nothing is downloaded or rendered for it.
    """
    name = dataset or record.name
    if data.is_named(name) and not data.is_here(name, data.data_root(root), ("train",)):
        return None
    try:
        train = read_for(record, wanted.shape, "train", dataset=dataset, root=root)
    except DataError:
        return None
    return measured(train.images_nhwc)
