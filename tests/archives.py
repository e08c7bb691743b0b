"""Small archives of pictures, dark and light ones, in WebDataset's layout and as Parquet."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from edgecnn.data import read_split
from edgecnn.data.shards import TEST_SHARE, share_of

LABELS = ("dark", "light")


def png(level: int, seed: int = 0) -> bytes:
    return as_png(np.random.default_rng(seed).integers(0, 100, (10, 12), np.uint8) + np.uint8(level))


def archive(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def samples(places: range) -> dict[str, bytes]:
    """Return members of a sample each: light pictures have odd numbers."""
    return {
        name: content
        for place in places
        for name, content in (
            (f"{place:06}.png", png(150 * (place % 2), place)),
            (f"{place:06}.cls", str(place % 2).encode()),
        )
    }


def shards(home: Path, count: int = 60, each: int = 20, part: str = "train-") -> str:
    for number, start in enumerate(range(0, count, each)):
        archive(home / f"{part}{number:06}.tar", samples(range(start, min(start + each, count))))
    (home / "classes.txt").write_text("\n".join(LABELS))
    return f"tar:{home}"


def table(home: Path, count: int = 60) -> str:
    """Write the same pictures as Parquet, in row groups of 10."""
    rows = {
        "image": [png(150 * (place % 2), place) for place in range(count)],
        "label": [LABELS[n % 2] for n in range(count)],
    }
    home.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(rows), home / "all.parquet", row_group_size=10)
    return f"parquet:{home / 'all.parquet'}"


def digits(home: Path, count: int = 600, each: int = 200) -> str:
    """Write handwritten digits as archives. A fifth of the keys are the test split, and one of these is broken."""
    split = read_split("digits", "train")
    broken = next(place for place in range(count) if share_of(f"{place:06}") < TEST_SHARE)
    for number, start in enumerate(range(0, count, each)):
        members = {}
        for place in range(start, start + each):
            members[f"{place:06}.png"] = b"broken" if place == broken else as_png(split.images_nhwc[place, ..., 0])
            members[f"{place:06}.cls"] = str(split.labels_n[place]).encode()
        archive(home / f"train-{number:06}.tar", members)
    return f"tar:{home}"


def as_png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
