"""Augmentation: each kind against torchvision's, image by image, and the laws of drawing."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as peer

from edgecnn.recipes.schema import Augment
from edgecnn.train.augment import (
    Placement,
    add_noise,
    alternating_flips,
    augment,
    blur,
    cut_out,
    flip,
    gathered,
    place,
    recolor,
    sharpen,
    shift,
)

COUNT = 16
SHAPES = [(12, 12, 3), (12, 12, 1), (9, 14, 3), (14, 9, 1)]  # height, width, channels
SETTINGS = {
    "flip": "random",
    "translate": 0.2,
    "rotate": 30,
    "scale": 0.3,
    "shear": 20,
    "brightness": 0.5,
    "contrast": 0.5,
    "saturation": 0.5,
    "sharpness": 1.0,
    "blur": 1.0,
    "noise": 0.2,
    "cutout": 0.5,
    "mixup": 1.0,
    "cutmix": 1.0,
}
OF_Color_ALONE = {"saturation"}
OF_THE_BATCH = {"mixup", "cutmix"}  # one draw for all


def pictures(count: int = COUNT, shape: tuple[int, int, int] = (12, 12, 3)) -> Tensor:
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))


def smooth_planes(count: int = 4, height: int = 24, width: int = 36) -> Tensor:
    """Pictures without sharp edges, so that a sample a hair beside its place reads nearly the same."""
    rough = torch.rand(count, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(5)) * 255
    return torch.nn.functional.interpolate(rough, size=(height, width), mode="bicubic").clamp(0, 255)


def planes_of(images_nhwc: Tensor) -> Tensor:
    return images_nhwc.permute(0, 3, 1, 2)


def varied(images_nhwc: Tensor, seed: int = 0, **wanted: object) -> Tensor:
    torch.manual_seed(seed)
    return augment(images_nhwc, torch.arange(len(images_nhwc)), Augment(**wanted)).images_nhwc


def placement(count: int, **given: float) -> Placement:
    keys = {"shear_n": 0.0, "scale_n": 1.0, "angle_n": 0.0, "right_n": 0.0, "down_n": 0.0}
    numbers = {key: torch.full((count,), float(given.get(key.removesuffix("_n"), by))) for key, by in keys.items()}
    return Placement(mirrored_n=torch.full((count,), bool(given.get("mirrored", False))), **numbers)


def inside(planes: Tensor, border: int) -> Tensor:
    return planes[..., border:-border, border:-border]


# --- Against torchvision ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [(1.4, 1, 1), (0.3, 1, 1), (1, 1.6, 1), (1, 0.2, 1), (1, 1, 1.8), (1, 1, 0.0)])
def test_colors_are_torchvisions(factors: tuple[float, float, float]) -> None:
    planes = planes_of(pictures())
    expected = planes.float() / 255
    for adjust, by in zip((peer.adjust_brightness, peer.adjust_contrast, peer.adjust_saturation), factors, strict=True):
        expected = torch.stack([adjust(image, by) for image in expected]) if by != 1 else expected
    found = recolor(planes, *(torch.full((COUNT,), float(by)) for by in factors))
    torch.testing.assert_close(found, expected * 255, atol=0.1, rtol=0)  # its gray sums to 0.9999


def test_colors_follow_one_another_as_torchvisions() -> None:
    planes = (80 + pictures() // 8).permute(0, 3, 1, 2)  # far from 0 and 255, where torchvision clips in between
    expected = planes.float() / 255
    expected = peer.adjust_saturation(peer.adjust_contrast(peer.adjust_brightness(expected, 1.2), 0.7), 1.3)
    found = recolor(planes, *(torch.full((COUNT,), by) for by in (1.2, 0.7, 1.3)))
    torch.testing.assert_close(found, expected * 255, atol=0.1, rtol=0)


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_sharpness_is_torchvisions(factor: float, shape: tuple[int, int, int]) -> None:
    planes = planes_of(pictures(shape=shape))
    expected = peer.adjust_sharpness(planes.float() / 255, factor) * 255
    torch.testing.assert_close(sharpen(planes, torch.full((COUNT,), factor)), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 1.5])
def test_blur_is_torchvisions_away_from_the_border(sigma: float) -> None:
    planes = planes_of(pictures(4, (30, 40, 3)))
    expected = peer.gaussian_blur(planes.float(), kernel_size=[15, 15], sigma=[sigma, sigma])
    found = blur(planes, torch.full((4,), sigma))
    torch.testing.assert_close(inside(found, 8), inside(expected, 8), atol=1e-2, rtol=0)


PLACES = [
    {"angle": 0.3},
    {"angle": -2.0},
    {"scale": 1.3},
    {"scale": 0.7},
    {"shear": 0.4},
    {"right": 0.25},
    {"down": -0.25},
    {"right": 1 / 12, "down": 1 / 8, "scale": 1.4},
    {"angle": 0.5, "scale": 1.2, "shear": -0.3, "right": 0.1, "down": -0.2},
]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("where", PLACES, ids=lambda where: "-".join(where))
def test_place_is_torchvisions_affine_also_of_oblong_and_mirrored_pictures(where: dict, mirrored: bool) -> None:
    planes = smooth_planes()
    height, width = planes.shape[2:]
    expected = peer.affine(
        planes.flip(3) if mirrored else planes,
        angle=math.degrees(where.get("angle", 0)),
        translate=[where.get("right", 0) * width, where.get("down", 0) * height],
        scale=where.get("scale", 1.0),
        shear=[math.degrees(where.get("shear", 0)), 0.0],
        interpolation=InterpolationMode.BILINEAR,
        fill=-1000.0,
    )
    seen = torch.nn.functional.max_pool2d((expected < 0).float(), 3, 1, 1) == 0  # a pixel's distance from the fill
    found = place(planes.permute(0, 2, 3, 1), placement(4, **where, mirrored=mirrored), "zero").permute(0, 3, 1, 2)
    assert seen.float().mean() > 0.3
    torch.testing.assert_close(found[seen], expected[seen], atol=0.05, rtol=0)


@pytest.mark.parametrize("fill", ["zero", "reflect"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shift_is_torchvisions_padding_and_cropping(shape: tuple[int, int, int], fill: str) -> None:
    images, (height, width, _) = pictures(shape=shape), shape
    down, right = (torch.randint(-5, 6, (COUNT,), generator=torch.Generator().manual_seed(at)) for at in (1, 2))
    found = shift(shift(images, down, 1, fill), right, 2, fill)
    padded = peer.pad(planes_of(images), [5], padding_mode="reflect" if fill == "reflect" else "constant")
    for index, (by_down, by_right) in enumerate(zip(down.tolist(), right.tolist(), strict=True)):
        expected = peer.crop(padded[index], 5 - by_down, 5 - by_right, height, width)
        assert torch.equal(found[index].permute(2, 0, 1), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_flip_mirrors_the_marked_images_alone(shape: tuple[int, int, int]) -> None:
    images, marked = pictures(shape=shape), torch.arange(COUNT) % 3 == 0
    found = planes_of(flip(images, marked))
    assert torch.equal(found[marked], peer.horizontal_flip(planes_of(images))[marked])
    assert torch.equal(found[~marked], planes_of(images)[~marked])


@pytest.mark.parametrize("fill", ["zero", "reflect"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_gpus_one_gather_is_flips_and_shifts(shape: tuple[int, int, int], fill: str) -> None:
    images, marked = pictures(shape=shape), torch.arange(COUNT) % 3 == 0
    down, right = (torch.randint(-5, 6, (COUNT,), generator=torch.Generator().manual_seed(at)) for at in (1, 2))
    expected = shift(shift(flip(images, marked), down, 1, fill), right, 2, fill)
    assert torch.equal(gathered(images, marked, (down, right), fill), expected)
    assert torch.equal(gathered(images, None, (None, right), fill), shift(images, right, 2, fill))


# --- Where there is no peer ------------------------------------------------------------------------------------------


def test_noise_has_the_asked_deviation_and_no_offset() -> None:
    deviation = torch.tensor([0.0, 0.05, 0.1])
    added = add_noise(torch.full((3, 1, 200, 200), 128, dtype=torch.uint8), deviation) - 128
    torch.testing.assert_close(added.std((1, 2, 3)), 255 * deviation, rtol=0.02, atol=0)
    assert added.mean((1, 2, 3)).abs().max() < 0.5


@pytest.mark.parametrize("shape", SHAPES)
def test_cutout_is_one_rectangle_of_the_batchs_mean_color(shape: tuple[int, int, int]) -> None:
    planes = planes_of(pictures(200, shape) // 2 + 128)
    planes[:, 0] -= 100  # so that colors differ
    torch.manual_seed(0)
    found = cut_out(planes, 0.5)
    mean = planes.float().mean((0, 2, 3)).round().to(torch.uint8)[:, None, None]
    length = torch.tensor([round(side / 2) for side in shape[:2]])
    sizes = set()
    for image, original in zip(found, planes, strict=True):
        places = (image != original).any(0).nonzero()
        (top, left), (bottom, right) = places.min(0).values, places.max(0).values + 1
        assert (image[:, top:bottom, left:right] == mean).all()
        sizes.add((int(bottom - top), int(right - left)))
    assert max(sizes) == tuple(length.tolist())  # whole squares
    assert min(rows for rows, _ in sizes) < length[0]  # and such as lie partly outside


def mixed(seed: int, **wanted: float) -> tuple[Tensor, Tensor, Tensor, float]:
    """Mix images of which each pixel is the label; return the pixels of label, of partner, and the share."""
    labels = torch.arange(COUNT)
    images = labels.to(torch.uint8)[:, None, None, None].expand(COUNT, 12, 12, 3).contiguous()
    torch.manual_seed(seed)
    batch = augment(images, labels, Augment(**wanted))
    assert batch.partners_n is not None
    assert torch.equal(batch.labels_n, labels)
    assert torch.equal(batch.partners_n.sort().values, labels)
    return batch.images_nhwc.float(), labels.float(), batch.partners_n.float(), batch.share


@pytest.mark.parametrize("seed", range(5))
def test_mixup_adds_up_by_share(seed: int) -> None:
    images, labels, partners, share = mixed(seed, mixup=0.8)
    expected = share * labels + (1 - share) * partners
    torch.testing.assert_close(images, expected[:, None, None, None].expand_as(images))


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_puts_in_a_rectangle_whose_area_is_the_partners_share(seed: int) -> None:
    images, labels, partners, share = mixed(seed, cutmix=1.0)
    of_partner = images == partners[:, None, None, None]
    assert (of_partner | (images == labels[:, None, None, None])).all()
    other = labels != partners
    areas = of_partner[other].float().mean((1, 2, 3))
    torch.testing.assert_close(areas, torch.full_like(areas, 1 - share))
    places = of_partner[other][0, ..., 0].nonzero()
    assert len(places) == (places.max(0).values - places.min(0).values + 1).prod() if len(places) else share == 1


def test_shares_follow_the_beta_distribution() -> None:
    shares = torch.tensor([mixed(seed, mixup=0.4)[3] for seed in range(400)])
    assert shares.mean() == pytest.approx(0.5, abs=0.06)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.02)


# --- Laws --------------------------------------------------------------------------------------------------------


def test_nothing_asked_changes_nothing() -> None:
    images = pictures()
    found = varied(images)
    assert found.dtype == torch.uint8
    assert torch.equal(found, pictures())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SETTINGS)
def test_each_keeps_shape_and_range_and_leaves_its_input_alone(name: str, shape: tuple[int, int, int]) -> None:
    images = pictures(shape=shape)
    found = varied(images, **{name: SETTINGS[name]})
    assert found.shape == images.shape
    assert found.dtype in (torch.uint8, torch.float32)
    assert 0 <= found.min() <= found.max() <= 255
    assert torch.equal(images, pictures(shape=shape))
    changed = not torch.allclose(found.float(), images.float(), atol=1e-3)
    assert changed == (shape[2] == 3 or name not in OF_Color_ALONE)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_seed_decides(name: str) -> None:
    images = pictures()
    first, same, other = (varied(images, seed, **{name: SETTINGS[name]}) for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - OF_THE_BATCH - {"flip"}))
def test_each_image_is_drawn_its_own(name: str) -> None:
    found = varied(pictures(1).expand(COUNT, -1, -1, -1).contiguous(), **{name: SETTINGS[name]})
    different = torch.unique(found.flatten(1), dim=0)
    assert len(different) > COUNT // 2


@given(st.sets(st.sampled_from(sorted(SETTINGS)), min_size=2), st.sampled_from(["zero", "reflect"]), st.integers(0, 99))
@settings(max_examples=40)
def test_any_of_them_together_keep_shape_and_range(names: set[str], fill: str, seed: int) -> None:
    wanted = {name: SETTINGS[name] for name in names if name != "mixup" or "cutmix" not in names}
    found = varied(pictures(5, (9, 14, 3)), seed, fill=fill, **wanted)
    assert found.shape == (5, 9, 14, 3)
    assert 0 <= found.min() <= found.max() <= 255


@given(st.integers(0, 255), st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=25)
def test_one_gray_stays_what_it_is_unless_its_light_changes(level: int, channels: int, seed: int) -> None:
    flat = torch.full((4, 8, 10, channels), level, dtype=torch.uint8)
    found = varied(flat, seed, contrast=0.9, saturation=1, sharpness=1, blur=3, rotate=90, shear=45, fill="reflect")
    torch.testing.assert_close(found, flat.float(), atol=1e-2, rtol=0)


def test_random_flip_mirrors_about_half() -> None:
    images = pictures(400)
    mirrored = (varied(images, flip="random") == images.flip(2)).flatten(1).all(1)
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize("epoch", [0, 1, 6])
def test_alternating_flip_shows_each_image_once_each_way_in_two_epochs(epoch: int) -> None:
    first, second = (alternating_flips(400, seed=3, epoch=at) for at in (epoch, epoch + 1))
    assert torch.equal(first, ~second)
    assert 150 < first.sum() < 250
    assert not torch.equal(first, alternating_flips(400, seed=4, epoch=epoch))


@pytest.mark.parametrize("further", [{}, {"translate": 0.2}, {"rotate": 1e-6}])
def test_alternating_flip_mirrors_the_marked(further: dict) -> None:
    bright = torch.zeros(COUNT, 12, 12, 1, dtype=torch.uint8)
    bright[:, 4:8, 1:4] = 200  # on the left; a shift by 2 leaves it there
    marked = torch.arange(COUNT) % 2 == 0
    found = augment(bright, torch.zeros(COUNT), Augment(flip="alternating", **further), marked).images_nhwc.float()
    right_of_middle = found[:, :, 6:].sum((1, 2, 3)) > found[:, :, :6].sum((1, 2, 3))
    assert torch.equal(right_of_middle, marked)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("fill", ["zero", "reflect"])
def test_translation_is_by_whole_pixels_and_no_further_than_asked(fraction: float, fill: str) -> None:
    point = torch.zeros(300, 9, 12, 1, dtype=torch.uint8)
    point[:, 4, 6] = 200
    found = varied(point, translate=fraction, fill=fill)
    assert set(found.unique().tolist()) <= {0, 200}
    if fill == "zero":
        _, rows, columns, _ = found.nonzero().T
        reach = [round(fraction * side) for side in (9, 12)]
        assert rows.sub(4).unique().tolist() == [by for by in range(-reach[0], reach[0] + 1) if 0 <= 4 + by < 9]
        assert columns.sub(6).unique().tolist() == [by for by in range(-reach[1], reach[1] + 1) if 0 <= 6 + by < 12]
    else:
        assert (found > 0).any((1, 2, 3)).all() or fraction > 0.4


def moments(found: Tensor) -> tuple[Tensor, Tensor]:
    """Return center (N, 2; x, y from the middle) and covariance (N, 2, 2) of the light of gray images."""
    light = found[..., 0].double()
    count, height, width = light.shape
    y, x = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    places = torch.stack((x, y), dim=-1).reshape(1, -1, 2).double()
    weights = (light / light.sum((1, 2), keepdim=True)).reshape(count, -1, 1)
    center = (weights * places).sum(1)
    apart = places - center[:, None]
    return center, (weights * apart).mT @ apart


def bar(count: int = 300) -> Tensor:
    """A lying bar in the middle of a wide picture."""
    images = torch.zeros(count, 41, 61, 1, dtype=torch.uint8)
    images[:, 18:23, 20:41] = 200
    return images


def test_rotation_reaches_what_is_asked_either_way() -> None:
    _, spread = moments(varied(bar(), rotate=30))
    degrees = torch.rad2deg(0.5 * torch.atan2(2 * spread[:, 0, 1], spread[:, 0, 0] - spread[:, 1, 1]))
    assert -30.5 < degrees.min() < -28
    assert 28 < degrees.max() < 30.5
    assert degrees.mean().abs() < 3


def test_scale_reaches_what_is_asked_either_way() -> None:
    before, after = moments(bar())[1], moments(varied(bar(), scale=0.3))[1]
    sizes = (after[:, 0, 0] / before[:, 0, 0]).sqrt()
    assert 0.69 < sizes.min() < 0.72
    assert 1.28 < sizes.max() < 1.32


def test_shear_reaches_what_is_asked_either_way_along_the_rows() -> None:
    before, after = moments(bar())[1], moments(varied(bar(), shear=40))[1]
    degrees = torch.rad2deg(torch.atan(after[:, 0, 1] / after[:, 1, 1]))
    torch.testing.assert_close(after[:, 1, 1], before[:, 1, 1], rtol=0.1, atol=0)
    assert -41 < degrees.min() < -36
    assert 36 < degrees.max() < 41


def test_translation_with_rotation_is_of_the_side_at_most() -> None:
    center, _ = moments(varied(bar(), translate=0.2, scale=0.3, rotate=20))
    reach = center.abs().max(0).values / torch.tensor([61, 41])
    assert (reach > 0.18).all()
    assert (reach < 0.205).all()


@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_light_reaches_what_is_asked_either_way(name: str) -> None:
    images = pictures(300) // 4 + 64
    before, after = images.float(), varied(images, **{name: 0.4})
    measure = (lambda x: x.mean((1, 2, 3))) if name == "brightness" else (lambda x: x.std((1, 2, 3)))
    factors = measure(after) / measure(before)
    assert 0.59 < factors.min() < 0.65
    assert 1.35 < factors.max() < 1.41
