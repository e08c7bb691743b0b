"""A web page with onnxruntime-web, WebAssembly on one thread; the same test runs in Node.js."""

from edgecnn.card import ModelCard

TEMPLATES = {
    "classification": ("javascript", "browser", "browser_classification"),
    "detection": ("browser", "browser_detection"),
}
SELFTEST = ("npm install --ignore-scripts", "npm test")


def generated(card: ModelCard) -> dict[str, str]:
    """Nothing: JavaScript reads the card."""
    return {}
