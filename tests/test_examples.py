"""The examples run."""

import subprocess
import sys
from pathlib import Path

import edgecnn

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_minimal_answers_as_the_classifier(model: Path) -> None:
    classifier = edgecnn.load(model)
    answers = classifier.predict_batch(classifier.card.golden.images_nhwc)
    command = [sys.executable, str(EXAMPLES / "minimal.py"), str(model)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [f"{answer.label}  {answer.probability:.1%}" for answer in answers]
