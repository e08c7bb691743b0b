"""A training in many processes, as ``torchrun`` starts them: each computes its part of a batch, the first one writes.

What a batch is, and how it was varied, every process draws by itself from the same seeds, as the one process of an
ordinary training does. Each then answers its part of the images; answers and gradients are put together, so that loss,
figures, optimizer and schedule see the whole batch everywhere. gloo carries what is exchanged between processors, nccl
between CUDA devices. Sums come in another order than in one process, so weights agree to rounding, not to the bit; with
the same number of processes, threads and machines they are the same bits.

A batch with fewer images than processes is computed by each of them.
"""

import contextlib
import os
import platform
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from edgecnn.errors import ConnectionLost, DataError, EdgecnnError, ProviderError

ABSENT = -1  # in place of a length
RUN_ID, UNNAMED = "TORCHELASTIC_RUN_ID", "none"
RESTARTS = "TORCHELASTIC_RESTART_COUNT"
MEETING = "edgecnn"
LOOK_SECONDS, PATIENCE_SECONDS = 0.05, 1_800


@dataclass(frozen=True)
class Place:
    """Which of how many processes this one is: of all, and of those on this machine. ``launch`` is what tells one call
    of torchrun from the next, the same when it starts processes ``anew``; "" without one."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1
    launch: str = ""
    anew: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0


def launched() -> Place:
    """Return the place that torchrun gave this process in its environment; without one it is alone.

    Raises ProviderError where its number is not one of those that there are.
    """
    given = {name: os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")}
    if not all(given.values()) or not (given["RANK"].isdecimal() and given["WORLD_SIZE"].isdecimal()):
        return Place()
    rank, count = int(given["RANK"]), int(given["WORLD_SIZE"])
    if rank >= count:
        raise ProviderError(
            f"this process is number {rank} (RANK) of {count} (WORLD_SIZE); expected 0..{count - 1}. Let torchrun set "
            "both, or unset them to train in one process."
        )
    numbers = (os.environ.get(name, "0") for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    local_rank, local_count = (int(number) if number.isdecimal() else 0 for number in numbers)
    return Place(rank, count, local_rank, max(local_count, 1), _launch(), os.environ.get(RESTARTS, "0") != "0")


def _launch() -> str:
    """Return the name that torchrun gave what it started, or where it gave none that it is this torchrun."""
    named = os.environ.get(RUN_ID, "")
    return named if named != UNNAMED else f"{platform.node()}:{os.getppid()}"


def device_of(place: Place, device: torch.device) -> torch.device:
    """Return the device of a process: of several on a machine with CUDA each has its own. Raises ProviderError."""
    if place.count == 1 or device.type != "cuda":
        return device
    if place.local_count > torch.cuda.device_count():
        raise ProviderError(
            f"{place.local_count} processes on a machine with {torch.cuda.device_count()} CUDA devices; each needs one "
            "of its own. Start as many as there are, or ask for --device cpu."
        )
    return torch.device("cuda", place.local_rank)


@contextlib.contextmanager
def joined(place: Place, device: torch.device) -> Iterator["Group"]:
    """Yield the processes of a training, which meet here and part at the end; a group that is there already is used."""
    if place.count == 1 or dist.is_initialized():
        yield Group(place, device)
        return
    # PyTorch's optimizers import this. Imported after the group is made, it holds the group to the end, and with it the
    # threads of gloo; one that lets go of a tensor while Python ends makes the process abort, all work done.
    import torch._dynamo  # noqa: F401
    from torch.distributed.distributed_c10d import PrefixStore  # a PyTorch without it trains alone
    from torch.distributed.rendezvous import rendezvous

    with _together():
        store, rank, count = next(rendezvous("env://"))
        meeting = PrefixStore(_agreed(store, place), store)
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=meeting, rank=rank, world_size=count)
    try:
        yield Group(place, device)
    finally:
        dist.destroy_process_group()


class _Store(Protocol):
    """What torchrun keeps for its processes: names with what they stand for."""

    def set(self, key: str, value: str) -> None: ...
    def get(self, key: str) -> bytes: ...
    def check(self, keys: list[str]) -> bool: ...


def _agreed(store: _Store, place: Place) -> str:
    """Return a name for this meeting that no other had: torchrun keeps its store when it starts processes anew, and in
    it stands still where the dead ones listened.

    Each process leaves a number that is drawn; the first one puts all on a list under its own, again and again until
    each found itself there. Raises ConnectionLost where one does not come.
    """
    own, others = uuid.uuid4().hex, [f"{MEETING}/{rank}" for rank in range(1, place.count)]
    if not place.is_first:
        store.set(others[place.rank - 1], own)
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        if place.is_first and store.check([f"{own}/{rank}" for rank in range(1, place.count)]):
            return own
        if place.is_first and store.check(others):
            store.set(MEETING, " ".join((own, *(str(store.get(one), "ascii") for one in others))))
        if not place.is_first and store.check([MEETING]):
            name, *there = str(store.get(MEETING), "ascii").split()
            if own in there:
                store.set(f"{name}/{place.rank}", "")
                return name
        time.sleep(LOOK_SECONDS)
    raise ConnectionLost(f"not all {place.count} processes came within {PATIENCE_SECONDS / 60:.0f} minutes.")


class Group:
    """The processes of one training. Alone, everything here returns what it is given."""

    def __init__(self, place: Place, device: torch.device) -> None:
        self.place, self.device = place, device
        self.is_first, self.count = place.is_first, place.count

    def shares(self, images: int) -> bool:
        """Tell whether a batch of so many images is divided: each process has at least one."""
        return 1 < self.count <= images

    def part(self, images: int) -> slice:
        """Return which images of a batch this process computes; parts differ by one image at most."""
        return slice(images * self.place.rank // self.count, images * (self.place.rank + 1) // self.count)

    def whole(self, own: Tensor, images: int) -> Tensor:
        """Put the parts of a batch together (N, …); gradients flow back into the own part alone."""
        part = self.part(images)
        found = own.new_zeros((images, *own.shape[1:]), requires_grad=False)
        found[part] = own.detach()
        self.add_up(found)
        return torch.cat((found[: part.start], own, found[part.stop :])) if own.requires_grad else found

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by the sum of those of all processes."""
        if self.count > 1:
            with _together():
                dist.all_reduce(tensor)

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Add up the gradients of all processes, as one message."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return
        together = torch.cat([gradient.reshape(-1) for gradient in gradients])
        self.add_up(together)
        parts = torch.split(together, [one.numel() for one in gradients])
        for gradient, summed in zip(gradients, parts, strict=True):
            gradient.copy_(summed.view(gradient.shape))  # in the order in which it lies in memory

    def any(self, flag: bool) -> bool:
        """Tell whether one of the processes says so; all get the same answer."""
        if self.count == 1:
            return flag
        found = torch.tensor(int(flag), device=self.device)
        self.add_up(found)
        return bool(found)

    def from_first(self, content: bytes | None) -> bytes | None:
        """Return what the first process has, bytes or nothing."""
        if self.count == 1:
            return content
        length = torch.tensor(ABSENT if content is None else len(content), device=self.device)
        with _together():
            dist.broadcast(length, 0)
            if int(length) == ABSENT:
                return None
            sent = torch.empty(int(length), dtype=torch.uint8, device=self.device)
            if self.is_first and content:
                sent.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
            dist.broadcast(sent, 0)
        return sent.cpu().numpy().tobytes()

    def take_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of the first process: machines may differ in the last digits."""
        for tensor in tensors if self.count > 1 else ():
            sent = tensor.detach().contiguous()
            with _together():
                dist.broadcast(sent, 0)
            tensor.detach().copy_(sent)

    def as_first(self, flag: bool) -> bool:
        """Return what the first process says."""
        return self.any(flag and self.is_first)

    def check_same(self, digest: bytes, what: str) -> None:
        """Raise DataError where a process has another digest of ``what`` than the first one."""
        if self.any(self.from_first(digest) != digest):
            raise DataError(
                f"{what} is not the same in all {self.count} processes; expected the same files on each machine. "
                "Copy them anew, or name a place that all read."
            )

    @contextlib.contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Have the first process carry out a block before the others begin it: what it gets or makes is there for them,
        and what it refuses, it says. Raises ConnectionLost in the others where it refused."""
        if not self.is_first:
            self._follow()
            yield
            return
        try:
            yield
        except EdgecnnError:
            self.any(True)
            raise
        self.any(False)

    def _follow(self) -> None:
        if self.any(False):
            raise ConnectionLost("the first process of this training did not begin, and says why.")


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Turn what gloo and nccl raise where a process is gone into ConnectionLost."""
    try:
        yield
    except RuntimeError as error:
        raise ConnectionLost(
            f"another process of this training is gone ({str(error).splitlines()[0]}). With torchrun --max-restarts N "
            "all start anew from the last state that was saved; or continue the run with --resume."
        ) from error
