"""Instructions that this process executes, as Linux' perf_event_open counts them where processor and kernel allow it.

A count is the same on a busy machine: where time cannot tell two programs apart, instructions often can. Virtual
machines mostly have no counters, and containers forbid the call.
"""

import ctypes
import os
import platform
import struct
from dataclasses import dataclass

NUMBERS = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "armv7l": 364}  # of the system call, by machine
HARDWARE, INSTRUCTIONS = 0, 1
SIZE = 128  # of perf_event_attr in its seventh version; the kernel takes older sizes too
INHERIT, EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6
PARANOID = "/proc/sys/kernel/perf_event_paranoid"


@dataclass(frozen=True)
class Counter:
    """A running count of this process and of the threads that it starts from now on."""

    descriptor: int

    def read(self) -> int:
        """Return what was counted since it was opened."""
        return int(struct.unpack("Q", os.read(self.descriptor, 8))[0])

    def close(self) -> None:
        """Stop counting."""
        os.close(self.descriptor)


def opened(kind: int = HARDWARE, event: int = INSTRUCTIONS) -> Counter | str:
    """Start to count an event (as linux/perf_event.h numbers them), or say why this machine does not count it."""
    number = NUMBERS.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        return f"not counted on {platform.system()} {platform.machine()}"
    attributes = ctypes.create_string_buffer(SIZE)
    flags = INHERIT | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR
    struct.pack_into("IIQQQQQ", attributes, 0, kind, SIZE, event, 0, 0, 0, flags)
    try:
        system = ctypes.CDLL(None, use_errno=True)
    except OSError:
        return "not counted: there is no C library to ask the kernel through"
    descriptor = system.syscall(number, attributes, 0, -1, -1, ctypes.c_ulong(8))  # 8: closed when another program runs
    if descriptor >= 0:
        return Counter(int(descriptor))
    reason = os.strerror(ctypes.get_errno())
    if ctypes.get_errno() in (1, 13):  # EPERM, EACCES
        return f"not counted: the kernel forbids it ({reason}; see {PARANOID}, or the container's rules)"
    return f"not counted: this machine has no counter for it ({reason}), as most virtual machines"
