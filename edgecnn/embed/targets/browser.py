"""A web page with onnxruntime-web, WebAssembly on one thread; the same test runs in Node.js."""

from edgecnn.card import ModelCard

TEMPLATES = {
    "classification": ("javascript", "browser", "browser_classification"),
    "detection": ("browser", "browser_detection"),
}
SELFTEST = ("npm install --ignore-scripts", "npm test")
COPIED = ("model.onnx", "card.json")


def generated(card: ModelCard, model: bytes) -> dict[str, str]:
    """Nothing: JavaScript reads the card."""
    return {}
