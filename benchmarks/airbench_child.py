"""airbench94 (Jordan 2024) as its package has it, on a processor: python airbench_child.py FOLDER SEED [EPOCHS]

The package trains in float16 on CUDA alone. What is other here: it runs on the CPU, weights are float32, and layers
compute in bfloat16 where ``edgecnn train`` would; clocks of CUDA are the wall's. Its network, optimizer, schedule,
augmentation, lookahead and the six views of its evaluation are untouched. FOLDER has train.pt and test.pt as the
package keeps them. Prints one JSON line: seconds of the training, and accuracy on the test split, read once.
"""

import contextlib
import json
import sys
import time
from functools import partial
from pathlib import Path

import airbench.lib_airbench94 as recipe
import torch
from airbench import utils
from torch import Tensor, nn

from edgecnn.machine import threads
from edgecnn.train.device import TRIAL_IMAGES, keep_freed_memory, runs_bf16


class Event:
    """A moment, as CUDA's events are asked for it."""

    def __init__(self, enable_timing: bool) -> None:
        self.at = 0.0

    def record(self) -> None:
        """Be now."""
        self.at = time.perf_counter()

    def elapsed_time(self, other: "Event") -> float:
        """Return the milliseconds until another one."""
        return 1e3 * (other.at - self.at)


class Loader(utils.CifarLoader):
    """The package's images, here and in float32."""

    def __init__(self, path: str, **how: object) -> None:
        super().__init__(path, gpu="cpu", **how)
        self.images = self.images.float()


class Network(nn.Sequential):
    """The package's network, in bfloat16 where that is faster."""

    def __init__(self, *layers: nn.Module, bf16: bool) -> None:
        super().__init__(*layers)
        self.bf16 = bf16

    def forward(self, images: Tensor) -> Tensor:
        """Return logits in float32."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return super().forward(images).float()


def network(shown: Loader) -> Network:
    """Return the package's network on the CPU, in the precision that is the faster one for it."""
    layers = nn.Sequential(*recipe.make_net94().children())
    bf16 = runs_bf16(torch.device("cpu"), "auto", layers, shown.normalize(shown.images[:TRIAL_IMAGES]))
    return Network(*layers, bf16=bf16).to(memory_format=torch.channels_last)


def main() -> None:
    """Train, evaluate, print."""
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    epochs = float(sys.argv[3]) if len(sys.argv) > 3 else recipe.hyp["opt"]["train_epochs"]
    nn.Module.half = nn.Module.cuda = lambda module: module  # type: ignore[assignment, method-assign]
    torch.cuda.Event, torch.cuda.synchronize = Event, lambda: None  # type: ignore[assignment, misc]
    utils.CifarLoader = recipe.CifarLoader = Loader
    torch.set_num_threads(threads.available())
    keep_freed_memory()
    torch.manual_seed(seed)
    with contextlib.chdir(folder.parent):  # the package looks for its data in cifar10
        train_set = Loader(folder.name, train=True, batch_size=1024, aug=recipe.hyp["aug"], altflip=True)
        began = time.perf_counter()
        trained = recipe.train94(train_set, epochs=epochs, make_net=partial(network, train_set), verbose=False)
        seconds = time.perf_counter() - began
        accuracy = utils.evaluate(trained, Loader(folder.name, train=False), recipe.hyp["net"]["tta_level"])
    print(json.dumps({"seconds": seconds, "accuracy": accuracy}))


if __name__ == "__main__":
    main()
