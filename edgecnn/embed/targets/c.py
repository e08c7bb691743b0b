"""C11 against the C API of ONNX Runtime."""

from edgecnn.card import ModelCard
from edgecnn.embed.targets import _header

TEMPLATES = {"classification": ("c",)}
SELFTEST = ("cmake -B build", "cmake --build build", "build/selftest")
COPIED = ("model.onnx", "card.json")


def generated(card: ModelCard, model: bytes) -> dict[str, str]:
    """The card's sizes, labels and golden images as headers."""
    return _header.headers(card)
