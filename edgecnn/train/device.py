"""Where training runs, in which precision, and never silently elsewhere."""

import copy
import ctypes
import sys
import time

import torch
from torch import Tensor, nn

from edgecnn import torch_state
from edgecnn.errors import ProviderError

TRIAL_IMAGES, TRIALS = 64, 2
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h
WORTHWHILE = 0.8  # bfloat16 must take less than this share of float32's time


def pick_device(wanted: str) -> torch.device:
    """Return the device for auto, cpu or cuda; cuda that is not there is an error. Raises ProviderError."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ProviderError(
            f"asked for --device cuda, but torch {torch.__version__} finds no CUDA device. "
            "Check the driver with nvidia-smi, or ask for --device cpu."
        )
    return torch.device(wanted)


def keep_freed_memory() -> None:
    """Have glibc keep the memory of freed tensors for the next step, which asks for the same sizes again.

    Otherwise every large tensor is mapped and unmapped, and the page faults take a twentieth of a step's time, with
    batches of a thousand color images a quarter. Elsewhere than on Linux with glibc nothing happens.

    It is for the whole process and cannot be taken back, so a process that is there to train does it, and ``train``
    does not.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)  # never give back
        mallopt(M_TOP_PAD, 2**28)


def runs_bf16(device: torch.device, precision: str, classifier: nn.Module, images_nhwc: Tensor) -> bool:
    """Tell whether to train in bfloat16: on request, and for ``auto`` where this network gains by it here.

    A CPU that has the instructions may still be slower with them (seen: an Intel Xeon with AVX512_BF16 but without AMX
    trained at 0.75 times its float32 speed, an AMD EPYC faster; and with AMX plain convolutions at twice the speed, but
    EfficientNet-Lite0, whose time is in depthwise ones, at half), so on a CPU the network itself is tried both ways,
    on the first of the images. Neither it nor the random state is changed.
    """
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    if not (capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")):
        return False
    tried, images_nhwc = copy.deepcopy(classifier).train(), images_nhwc[:TRIAL_IMAGES]
    with torch_state.random_state(device):
        in_float32, in_bf16 = (_step_seconds(tried, images_nhwc, bf16=bf16) for bf16 in (False, True))
    return in_bf16 < WORTHWHILE * in_float32


def _step_seconds(classifier: nn.Module, images_nhwc: Tensor, *, bf16: bool) -> float:
    """Return the least time of a few forward and backward passes."""
    seconds = []
    for _ in range(TRIALS + 1):  # the first one warms up
        started = time.perf_counter()
        with torch.autocast(images_nhwc.device.type, torch.bfloat16, enabled=bf16):
            answers = classifier(images_nhwc)
        answers.float().sum().backward()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
