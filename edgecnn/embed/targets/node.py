"""Node.js with onnxruntime-node."""

from edgecnn.card import ModelCard

TEMPLATES = {"classification": ("javascript", "node")}
SELFTEST = ("npm install --ignore-scripts", "npm test")


def generated(card: ModelCard) -> dict[str, str]:
    """Nothing: JavaScript reads the card."""
    return {}
