"""On which part of an image an answer rests: occlusion against a loop, Grad-CAM against autograd by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from foreign import images

from edgecnn import checkpoint, data, load
from edgecnn.errors import CheckpointError
from edgecnn.insight import graph
from edgecnn.insight.gradients import grad_cam
from edgecnn.insight.occlusion import classifier, occlusion


@pytest.fixture(scope="module")
def digit(data_root: Path) -> np.ndarray:
    return data.read_split("digits", "test", root=data_root).images_nhwc[3]


def test_evidence_is_that_of_a_naive_loop(model: Path, digit: np.ndarray) -> None:
    loaded = load(model)
    found = occlusion(classifier(graph.read(model)), digit, 5)
    fill, whole = np.median(digit), float(loaded.probabilities(digit[None])[0, 5])
    total, count, least = np.zeros((28, 28)), np.zeros((28, 28)), 1.0
    for top in range(0, 28 - found.patch + 1, found.stride):
        for left in range(0, 28 - found.patch + 1, found.stride):
            covered = digit.copy()
            covered[top : top + found.patch, left : left + found.patch] = fill
            p = float(loaded.probabilities(covered[None])[0, 5])
            place = np.s_[top : top + found.patch, left : left + found.patch]
            total[place] += np.log(whole / (1 - whole)) - np.log(p / (1 - p))
            count[place] += 1
            least = min(least, p)
    assert (28 - found.patch) % found.stride == 0
    np.testing.assert_allclose(found.evidence_hw, total / count, atol=2e-3)
    assert (found.probability, found.least) == pytest.approx((whole, least), abs=1e-5)


def test_a_patch_that_alone_matters_is_found() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:14, 30:34] = 255

    def classify(images_nhwc: np.ndarray) -> np.ndarray:
        seen = images_nhwc[:, 10:14, 30:34].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - 0.9 * seen, 0.9 * seen], axis=1).astype(np.float32)

    found = occlusion(classify, image, 1)
    top, left = np.unravel_index(found.evidence_hw.argmax(), found.evidence_hw.shape)
    assert 10 <= top < 14
    assert 30 <= left < 34
    assert found.evidence_hw[30, 5] == 0
    assert found.evidence_hw.shape == (40, 60)


def test_answers_of_a_file_without_probabilities_sum_to_one(foreign) -> None:
    made = foreign("lenet")
    found = classifier(made.network)(made.images_nhwc)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    logits = torch.from_numpy(made.given[-1][1])
    np.testing.assert_allclose(found, logits.softmax(dim=1).numpy(), atol=1e-5)


def test_progress_ends_with_all_patches(model: Path, digit: np.ndarray) -> None:
    said: list[tuple[int, int]] = []
    occlusion(classifier(graph.read(model)), digit, 0, progress=lambda done, of: said.append((done, of)))
    assert said[-1][0] == said[-1][1] > 100


def test_grad_cam_is_that_of_autograd_by_hand(run: Path, digit: np.ndarray) -> None:
    found = grad_cam(checkpoint.read(run), digit, 5)
    network = checkpoint.read(run).build()
    parts = list(network.network)
    last = max(place for place, part in enumerate(parts) if isinstance(part, torch.nn.Conv2d))
    maps = torch.nn.Sequential(*parts[: last + 1])(network.normalized(torch.from_numpy(digit[None])))
    maps = maps.detach().requires_grad_()
    torch.nn.Sequential(*parts[last + 1 :])(maps)[0, 5].backward()
    weighed = (maps.grad.mean(dim=(2, 3), keepdim=True) * maps.detach()).sum(dim=1, keepdim=True).relu()
    large = torch.nn.functional.interpolate(weighed, size=(28, 28), mode="bilinear", align_corners=False)[0, 0]
    np.testing.assert_allclose(found.map_hw, (large / large.max()).numpy(), atol=1e-5)
    assert (found.layer, found.map_hw.max()) == (f"network.{last}", pytest.approx(1))


def test_a_network_without_convolutions_has_no_grad_cam(run: Path, digit: np.ndarray, monkeypatch) -> None:
    found = checkpoint.read(run)
    monkeypatch.setattr(checkpoint.Checkpoint, "build", lambda self: torch.nn.Flatten())
    with pytest.raises(CheckpointError, match="no convolution of this network"):
        grad_cam(found, images(1, side=28)[0], 0)
