"""One epoch of A1 on 60,000 images: edgecnn's loop against the plain DataLoader loop, same batch, same optimizer.

The peer is what tutorials show: a Dataset that makes a PIL image and applies torchvision's ToTensor and Normalize to
it, a DataLoader with batch 64 (with two workers and without), float32. Extra info: images per second.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from edgecnn import networks
from edgecnn.data import Split
from edgecnn.machine import threads
from edgecnn.recipes.read import read
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.train.device import keep_freed_memory
from edgecnn.train.examples import Examples
from edgecnn.train.loop import Loop

BATCH = 64

Epoch = Callable[[], None]


class Pictures(Dataset):
    """Images one by one through PIL, as torchvision's MNIST gives them."""

    def __init__(self, examples: Examples) -> None:
        self.images, self.labels = examples.images_nhwc[..., 0], examples.targets
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def examples(split: Split) -> Examples:
    return Examples(split.images_nhwc, split.labels_n, split.names)


def plain_epoch(split: Split, workers: int) -> None:
    network = networks.build("twoconv", {}, size=(28, 28), channels=1, classes=10).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for images, labels in DataLoader(Pictures(examples(split)), BATCH, shuffle=True, num_workers=workers):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()


@pytest.fixture
def rounds(benchmark, mnist_like: Split) -> Callable[[Epoch, Epoch], None]:
    """Time one epoch once, warmed up by a short one, and note images per second."""

    def run(epoch: Epoch, warm_up: Epoch) -> None:
        torch.set_num_threads(threads.available())
        warm_up()
        started = time.perf_counter()
        benchmark.pedantic(epoch, rounds=1, iterations=1)
        benchmark.extra_info["images_per_second"] = round(len(mnist_like) / (time.perf_counter() - started))

    return run


@pytest.mark.benchmark(group="one epoch of A1, 60,000 images")
@pytest.mark.parametrize("workers", [0, 2])
def test_plain_dataloader_loop(rounds, mnist_like: Split, workers: int) -> None:
    few = mnist_like.take(np.arange(len(mnist_like) // 30))
    rounds(lambda: plain_epoch(mnist_like, workers), lambda: plain_epoch(few, workers))


@pytest.mark.benchmark(group="one epoch of A1, 60,000 images")
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_edgecnn_loop(rounds, mnist_like: Split, tmp_path: Path, precision: str) -> None:
    changes = {
        "epochs": 1,
        "batch_size": BATCH,
        "optimizer.learning_rate": 1e-3,
        "precision": precision,
        "data.name": "digits",
        "data.validation": 100,
    }
    recipe = read("mnist-a1", changes)
    digits = prepare(recipe, tmp_path)
    nothing = {"on_progress": lambda p: None, "on_epoch": lambda r: None, "should_stop": lambda: False}

    def epoch_on(split: Split, name: str) -> Epoch:
        (tmp_path / name).mkdir()
        prepared = replace(digits, train=examples(split))
        loop = Loop(recipe, tmp_path / name, torch.device("cpu"), prepared)
        return lambda: loop.run_to_end(**nothing)

    keep_freed_memory()
    few = mnist_like.take(np.arange(len(mnist_like) // 30))
    rounds(epoch_on(mnist_like, "run"), epoch_on(few, "warm-up"))
