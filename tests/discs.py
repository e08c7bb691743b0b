"""A small drawn data set of boxes: dark discs on light ground, labeled as COCO JSON or as YOLO text."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64


@dataclass(frozen=True)
class Drawn:
    """One picture with its boxes: x, y, width, height."""

    pixels_hw: np.ndarray
    boxes: list[tuple[int, int, int, int]]


def draw(seed: int, *, side: int = SIDE) -> Drawn:
    """Return a picture with one to three discs, a corner of the picture for each."""
    rng = np.random.default_rng(seed)
    picture = Image.new("L", (side, side), int(rng.integers(190, 250)))
    pen, half, boxes = ImageDraw.Draw(picture), side // 2, []
    for corner in rng.permutation(4)[: rng.integers(1, 4)]:
        size = int(rng.integers(12, half - 6))
        x, y = (int(rng.integers(1, half - size - 1)) + int(at) * half for at in divmod(int(corner), 2))
        pen.ellipse((x, y, x + size - 1, y + size - 1), fill=int(rng.integers(10, 90)))
        boxes.append((x, y, size, size))
    noise_hw = rng.normal(0, 4, (side, side))
    return Drawn((np.asarray(picture) + noise_hw).clip(0, 255).astype(np.uint8), boxes)


def write_coco(folder: Path, counts: dict[str, int]) -> Path:
    """Write parts of so many pictures as COCO lays them out."""
    (folder / "annotations").mkdir(parents=True)
    for number, (part, count) in enumerate(counts.items()):
        (folder / part).mkdir()
        images, annotations = [], []
        for index in range(count):
            drawn, name = draw(1000 * number + index), f"{index:04d}.png"
            Image.fromarray(drawn.pixels_hw).save(folder / part / name)
            images.append({"id": index, "file_name": name, "width": SIDE, "height": SIDE, "license": 1})
            annotations += [
                {"id": len(annotations) + at, "image_id": index, "category_id": 7, "bbox": list(box), "iscrowd": 0}
                for at, box in enumerate(drawn.boxes)
            ]
        document = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "disc"}]}
        (folder / "annotations" / f"instances_{part}.json").write_text(json.dumps(document))
    return folder


def write_yolo(folder: Path, count: int) -> Path:
    """Write so many pictures in one piece, as YOLO lays them out."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        drawn = draw(index)
        Image.fromarray(drawn.pixels_hw).save(folder / "images" / f"{index:04d}.png")
        lines = [
            f"0 {(x + wide / 2) / SIDE:.6f} {(y + high / 2) / SIDE:.6f} {wide / SIDE:.6f} {high / SIDE:.6f}"
            for x, y, wide, high in drawn.boxes
        ]
        (folder / "labels" / f"{index:04d}.txt").write_text("\n".join(lines))
    (folder / "data.yaml").write_text("path: .\nnc: 1\nnames:\n  0: disc  # dark\n")
    return folder
