"""A line ``[kind, seed, number]`` in, a line ``[outcome, what was said]`` out."""

import json
import os
import sys

from attempt import attempt
from cases import warm


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    warm()
    for line in sys.stdin:
        kind, seed, number = json.loads(line)
        outcome, said = attempt(kind, seed, number)
        answers.write(json.dumps([outcome, said[-3_000:]]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
