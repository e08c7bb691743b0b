"""Draw the pictures of the zoo's pages: samples, confusion, detections, and the place among models of the same data.

    python tools/docs/zoo_pictures.py --data-root DATA [--zoo exported] [MODEL ...]

Samples, confusion and detections are the figures of ``edgecnn report``, of the preferred form on the images of its
split; places come from the evidence that is kept with the models. The pages are written anew afterwards.
"""

import argparse
import io
from pathlib import Path

from matplotlib.figure import Figure as Picture
from PIL import Image

from edgecnn import files
from edgecnn.registry import FIGURES
from edgecnn.report import model_card, pareto, style
from edgecnn.report.figure import Figure
from edgecnn.report.subject import Source, subject_of
from edgecnn.zoo import ZooModel, models_in

DRAWN = ("samples", "confusion", "detections")
COLORS = 128  # of a palette, which makes a picture a third of its size


def main() -> None:
    """Draw, and write the pages."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("models", nargs="*", metavar="MODEL")
    wanted.add_argument("--data-root", type=Path, required=True)
    wanted.add_argument("--zoo", type=Path, default=Path("exported"))
    given = wanted.parse_args()
    models = models_in(given.zoo.resolve())
    with style.style():
        for model in models:
            if not given.models or model.name in given.models:
                _draw(model, given.data_root)
        _draw_places(models)
    model_card.write(given.zoo.resolve())


def _draw(model: ZooModel, root: Path) -> None:
    print(model.name, flush=True)
    subject = subject_of(Source(model.name, next(iter(model.forms.values())), root=root))
    for name in DRAWN:
        module = FIGURES.module(name)
        if subject.card.task in module.TASKS:
            figure = module.draw(subject)
            if isinstance(figure, Figure) and figure.picture is not None:
                write(model.folder / f"{name}.png", figure.picture)


def _draw_places(models: list[ZooModel]) -> None:
    summaries = {model.name: model_card.summary(model) for model in models}
    for dataset, board in model_card.boards(list(summaries.values())).items():
        own = [model for model in models if summaries[model.name].dataset == dataset]
        if len(own) > 1:
            write(own[0].folder.parent / model_card.picture_of(dataset), pareto.draw(board))
            for model in own:
                write(model.folder / model_card.FRONT, pareto.draw(board, marked=model.name))


def write(path: Path, picture: Picture) -> None:
    """Write a picture with a palette."""
    pixels = Image.open(io.BytesIO(style.png(style.laid_out(picture)))).convert("RGB")
    buffer = io.BytesIO()
    means = 3  # rounds of k-means: the colors of right and wrong, which have few pixels, stay what they are
    pixels.quantize(COLORS, kmeans=means, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    files.write_bytes(path, buffer.getvalue())


if __name__ == "__main__":
    main()
