"""Python with numpy and onnxruntime alone."""

from edgecnn.card import ModelCard

TEMPLATES = {"classification": ("python",), "detection": ("python_detection",)}
SELFTEST = ("pip install -r requirements.txt", "python selftest.py")


def generated(card: ModelCard) -> dict[str, str]:
    """Nothing: Python reads the card."""
    return {}
