"""Python with numpy and onnxruntime alone."""

from edgecnn.card import ModelCard

TEMPLATES = {
    "classification": ("python", "golden_classification"),
    "detection": ("python_detection", "golden_detection"),
}
SELFTEST = ("pip install -r requirements.txt", "python selftest.py")
COPIED = ("model.onnx", "card.json")


def generated(card: ModelCard, model: bytes) -> dict[str, str]:
    """Nothing: Python reads the card."""
    return {}
