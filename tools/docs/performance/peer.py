"""A network as others run it, in a process of its own: ``peer.py FOLDER WAY THREADS``, told what to do as
``edgecnn.bench.worker`` is.

compiled  its PyTorch module through torch.compile, pixels in
plain     what torch.onnx.export makes of it, in a default session of ONNX Runtime; pixels are normalized before calls
"""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import checkpoint, contender
from edgecnn.bench.worker import serve
from edgecnn.card import ImageInput
from edgecnn.contender import ClassifierContender
from edgecnn.runtime import engine


def opened(folder: Path, way: str, threads: int) -> tuple[ClassifierContender, None]:
    """Return a network in one of the ways."""
    found = checkpoint.read(folder / "checkpoint.safetensors")
    file, images, answer, runs = WAYS[way](folder, found, threads)
    return ClassifierContender(
        name=f"{folder.name}, {way}",
        file=file,
        engine="onnx",
        form="fp32",
        labels=found.labels,
        input=ImageInput(*found.input.shape),
        dataset=found.dataset,
        golden_images_nhwc=images,
        provider=runs,
        threads=threads,
        answer=answer,
        size_bytes=file.stat().st_size,
    ), None


Way = tuple[Path, NDArray[Any], Callable[[NDArray[Any]], Any], str]


def compiled(folder: Path, found: checkpoint.Checkpoint, threads: int) -> Way:
    """torch.compile of the module that takes pixels."""
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # in this process, which counts as ours
    import torch

    torch.set_num_threads(threads)
    module = torch.compile(found.build().eval())

    def answer(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = module(torch.from_numpy(images_nhwc)).numpy()
            return logits

    images_nhwc = found.golden_images_nhwc.numpy()
    for _ in range(3):
        answer(images_nhwc[:1])
    return folder / "checkpoint.safetensors", images_nhwc, answer, f"PyTorch {torch.__version__}, compiled"


def plain(folder: Path, found: checkpoint.Checkpoint, threads: int) -> Way:
    """A default session on the plain export."""
    ort = engine.onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    file = folder / "plain.onnx"
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def answer(pixels_nchw: NDArray[np.float32]) -> Any:
        return session.run(None, {"pixels": pixels_nchw})[0]

    return file, _normalized(found), answer, f"ONNX Runtime {ort.__version__}, plain"


def _normalized(found: checkpoint.Checkpoint) -> NDArray[np.float32]:
    pixels: NDArray[np.float32] = found.build().eval().normalized(found.golden_images_nhwc).numpy()
    return np.ascontiguousarray(pixels)


WAYS = {"compiled": compiled, "plain": plain}

if __name__ == "__main__":
    serve(
        lambda: contender.import_runtime_of("x.safetensors"),
        functools.partial(opened, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])),
    )
