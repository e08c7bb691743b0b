"""Augmented images per second: whole batches against torchvision's transforms, image by image; at least 20 times.

The peers are what the usual CIFAR-10 script does in its data set, PIL image by PIL image with torchvision's first
transforms, and its second version on uint8 tensors; either stacks its batch. Both sides run in this process, on the
threads that a training gets; a loader's workers would multiply the peers by what cores are left. Extra info: images per
second; the ratio is that of one group's rows.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms as v1
from torchvision.transforms import v2

from edgecnn.machine import threads
from edgecnn.recipes.schema import Augment
from edgecnn.train.augment import augment

BATCH = 128  # a recipe's default
Color, GRAY = (32, 32, 3), (28, 28, 1)
BILINEAR = v1.InterpolationMode.BILINEAR

Transforms = list[Callable]


def shift_and_flip(kind: object) -> Transforms:
    return [kind.RandomCrop(32, padding=4), kind.RandomHorizontalFlip()]


def turn_and_scale(kind: object) -> Transforms:
    return [kind.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1), interpolation=BILINEAR)]


def flip_and_light(kind: object) -> Transforms:
    return [kind.RandomHorizontalFlip(), kind.ColorJitter(0.2, 0.2, 0.2), kind.RandomAdjustSharpness(1.5, p=1.0)]


CASES = [
    pytest.param(Color, {"flip": "random", "translate": 0.125}, shift_and_flip, id="shift, flip"),
    pytest.param(GRAY, {"rotate": 10, "translate": 0.1, "scale": 0.1}, turn_and_scale, id="rotate, translate, scale"),
    pytest.param(
        Color,
        {"flip": "random", "brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "sharpness": 0.5},
        flip_and_light,
        id="flip, light, sharpness",
    ),
]
of_each_case = pytest.mark.parametrize(("shape", "wanted", "transforms"), CASES)


@pytest.fixture
def measure(benchmark, request: pytest.FixtureRequest) -> Callable[[Callable[[], Tensor]], None]:
    """Time a batch a round, in the group of the case, and note images per second."""

    def run(make: Callable[[], Tensor]) -> None:
        torch.set_num_threads(threads.available())
        benchmark.group = f"augment {BATCH} images: {request.node.callspec.id}"
        made = benchmark.pedantic(make, rounds=40, warmup_rounds=5)
        assert len(made) == BATCH
        benchmark.extra_info["images_per_second"] = round(BATCH / benchmark.stats.stats.median)

    return run


def images_of(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (BATCH, *shape), dtype=np.uint8)


@of_each_case
def test_augment(measure, shape: tuple[int, int, int], wanted: dict, transforms: Callable) -> None:
    images, labels, settings = torch.from_numpy(images_of(shape)), torch.zeros(BATCH), Augment(**wanted)
    measure(lambda: augment(images, labels, settings).images_nhwc)


@of_each_case
def test_torchvision_v1_of_pil_images(measure, shape: tuple[int, int, int], wanted: dict, transforms: Callable) -> None:
    images, change = images_of(shape).squeeze(), v1.Compose([*transforms(v1), v1.ToTensor()])
    measure(lambda: torch.stack([change(Image.fromarray(image)) for image in images]))


@of_each_case
def test_torchvision_v2_of_tensors(measure, shape: tuple[int, int, int], wanted: dict, transforms: Callable) -> None:
    images, change = torch.from_numpy(images_of(shape)).permute(0, 3, 1, 2).contiguous(), v2.Compose(transforms(v2))
    measure(lambda: torch.stack([change(image) for image in images]))
