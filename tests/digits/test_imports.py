"""What reads digits takes the runtime alone."""

import subprocess
import sys

import pytest

from edgecnn import digits

UNIMPORTABLE = ("cv2", "torch", "torchvision", "onnx", "sklearn", "scipy", "matplotlib", "pydantic", "typer", "rich")
READ = f"""
import sys
for name in {UNIMPORTABLE}:
    sys.modules[name] = None  # whoever imports it gets an ImportError
from PIL import Image, ImageDraw, ImageFont
import numpy as np
from edgecnn.digits import Reader, VideoReader
page = Image.new("RGB", (320, 240), "white")
ImageDraw.Draw(page).text((60, 90), "2 7 5", fill="black", font=ImageFont.load_default(48))
reader = Reader("digit-finder", "digits-webcam")
film = VideoReader(reader)
print(reader.read(np.asarray(page)).text, [film.read(page).text for _ in range(3)])
print([name for name in sys.modules if name.startswith(("edgecnn.data", "edgecnn.digits.pages", "edgecnn.webcam"))])
"""


def test_a_frame_is_read_where_neither_opencv_nor_torch_is() -> None:
    done = subprocess.run([sys.executable, "-c", READ], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["275 ['', '275', '275']", "[]"]


def test_importing_the_room_and_its_thresholds_brings_in_nothing() -> None:
    script = "import edgecnn.digits.defaults, sys; print({'numpy', 'onnxruntime', 'PIL', 'cv2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_the_room_offers_what_it_lists_and_nothing_else() -> None:
    assert dir(digits) == ["Digit", "Reader", "Reading", "Seen", "VideoReader"]
    assert [getattr(digits, name).__name__ for name in dir(digits)] == dir(digits)
    with pytest.raises(AttributeError, match=r"^module 'edgecnn.digits' has no attribute 'Detector'$"):
        digits.Detector  # noqa: B018
