"""A web page with onnxruntime-web, WebAssembly on one thread; the same test runs in Node.js."""

from edgecnn.card import ModelCard

TEMPLATES = ("javascript", "browser")
SELFTEST = ("npm install --ignore-scripts", "npm test")


def generated(card: ModelCard) -> dict[str, str]:
    """Nothing: JavaScript reads the card."""
    return {}
