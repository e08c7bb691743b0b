"""C++17 against OpenVINO, whose Python wheel brings headers and CMake files, or ONNX Runtime, whichever is found."""

from edgecnn.card import ModelCard
from edgecnn.embed.targets import _header

TEMPLATES = {"classification": ("cpp",)}
SELFTEST = ("cmake -B build", "cmake --build build", "build/selftest")
COPIED = ("model.onnx", "card.json")


def generated(card: ModelCard, model: bytes) -> dict[str, str]:
    """The card's sizes, labels and golden images as headers."""
    return _header.headers(card)
