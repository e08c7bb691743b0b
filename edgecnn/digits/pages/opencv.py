"""OpenCV as the pages use it, or the message that says which extra brings it."""

from edgecnn.errors import missing_package

try:
    import cv2
except ModuleNotFoundError:
    raise missing_package("cv2") from None

__all__ = ["cv2"]
