"""What PyTorch has once for the process, its threads and its random state: borrowed for some work, then as before.

Whoever calls edgecnn may be in the middle of work of their own.
"""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def thread_count(count: int) -> Iterator[None]:
    """Compute with that many threads in here."""
    before = torch.get_num_threads()
    if count != before:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count != before:
            torch.set_num_threads(before)


def random_state(device: torch.device) -> contextlib.AbstractContextManager[None]:
    """Draw in here, on the CPU and on the device, without moving what others draw after."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def current_device(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Compute in here on that CUDA device, where it has a number."""
    return torch.cuda.device(device) if device.index is not None else contextlib.nullcontext()


def seed(number: int, device: torch.device) -> None:
    """Seed what a training on the device draws from. ``torch.manual_seed`` would seed every device that there is."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)
