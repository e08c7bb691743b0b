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

from edgecnn.bench.worker import serve
from edgecnn.contender import ClassifierContender
from edgecnn.metadata import read_card
from edgecnn.runtime import engine

Way = tuple[Path, NDArray[Any], Callable[[NDArray[Any]], Any], str]  # file, what goes in, what is called, what runs it


def opened(folder: Path, way: str, threads: int) -> tuple[ClassifierContender, None]:
    """Return a network in one of the ways."""
    card = read_card(folder / "fp32.onnx")
    file, images, answer, runs = WAYS[way](folder, threads)
    return ClassifierContender(
        name=f"{folder.name}, {way}",
        file=file,
        engine="onnx",
        form="fp32",
        labels=tuple(card.labels),
        input=card.input,
        dataset=card.dataset,
        golden_images_nhwc=images,
        provider=runs,
        threads=threads,
        answer=answer,
        size_bytes=file.stat().st_size,
    ), None


def compiled(folder: Path, threads: int) -> Way:
    """torch.compile of the module that takes pixels."""
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # in this process, which counts as ours
    import torch

    from edgecnn import checkpoint

    torch.set_num_threads(threads)
    found = checkpoint.read(folder / "checkpoint.safetensors")
    module = torch.compile(found.build().eval())

    def answer(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = module(torch.from_numpy(images_nhwc)).numpy()
            return logits

    images_nhwc = found.golden_images_nhwc.numpy()
    for _ in range(3):
        answer(images_nhwc[:1])
    return folder / "checkpoint.safetensors", images_nhwc, answer, f"PyTorch {torch.__version__}, compiled"


def plain(folder: Path, threads: int) -> Way:
    """A default session on the plain export."""
    ort = engine.onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    file = folder / "plain.onnx"
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def answer(pixels_nchw: NDArray[np.float32]) -> Any:
        return session.run(None, {"pixels": pixels_nchw})[0]

    return file, np.load(folder / "plain.npy"), answer, f"ONNX Runtime {ort.__version__}, plain"


WAYS = {"compiled": compiled, "plain": plain}

if __name__ == "__main__":
    serve(lambda: None, functools.partial(opened, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
