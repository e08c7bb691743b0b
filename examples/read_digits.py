"""All digits of a picture as text, line by line: edgecnn and a runtime, no OpenCV.

python read_digits.py PICTURE

Prints the text as one reads it, then label, probability and box (x, y, width, height) of each digit. For a video, give
its frames one after another to ``VideoReader(reader).read``: then the last frames vote.
"""

import sys

from edgecnn.digits import Reader


def main(picture: str) -> None:
    reading = Reader("digit-finder", "digits-webcam").read(picture)
    print(reading.text)
    for digit in reading.digits:
        print(f"{digit.label}  {digit.probability:.1%}  {' '.join(f'{side:.0f}' for side in digit.box)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
