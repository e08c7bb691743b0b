"""Where training runs, in which precision, and never silently elsewhere."""

import torch

from edgecnn.errors import ProviderError


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


def runs_bf16(device: torch.device, precision: str) -> bool:
    """Tell whether to train in bfloat16: on request, and for ``auto`` where the hardware has it natively."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
