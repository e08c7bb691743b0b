"""Intel's OpenVINO on the CPU, held to float32 so that its figures compare with the other providers'."""

ORT_NAME = "OpenVINOExecutionProvider"
EXTRA = "openvino"


def options(threads: int) -> dict[str, str]:
    """Run on the CPU with that many threads, without its silent bfloat16."""
    return {"device_type": "CPU", "num_of_threads": str(threads), "precision": "FP32"}


def prepare() -> None:
    """Nothing to load."""
