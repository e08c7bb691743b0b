"""Node.js with onnxruntime-node."""

from edgecnn.card import ModelCard

TEMPLATES = {"classification": ("javascript", "node")}
SELFTEST = ("npm install --ignore-scripts", "npm test")
COPIED = ("model.onnx", "card.json")


def generated(card: ModelCard, model: bytes) -> dict[str, str]:
    """Nothing: JavaScript reads the card."""
    return {}
