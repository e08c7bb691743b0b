"""What the seconds of a training are.

Of the wall, by default. A training that is stopped and continued, or runs behind whatever else the machine does, takes
processor time instead, by thread: what it would have taken with the processor to itself.
"""

import time
from typing import Literal

import torch

Clock = Literal["wall", "processor"]


def now(clock: Clock) -> float:
    """Return seconds since some moment of the past; the threads are those that PyTorch has now."""
    return time.perf_counter() if clock == "wall" else time.process_time() / torch.get_num_threads()
