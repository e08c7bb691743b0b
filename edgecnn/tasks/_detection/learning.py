"""What a detector learns: its maps' targets, the loss against them, and what true and false positives are.

Focal loss on a heat map of centers, weakened near each of them (Law and Deng 2018, "CornerNet"; Zhou et al. 2019,
"Objects as points"), and the absolute error of box and offset. Boxes that no one could read are left out of all three:
to detect them is neither right nor wrong.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from edgecnn.data.boxes import EXCUSED, IGNORED, NOTHING, RIGHT, THING
from edgecnn.networks.finder import STRIDE, UNIT
from edgecnn.train.augment import Batch

SPREAD, NARROWEST = 0.09, 0.6  # a center's Gaussian: deviation by the box's side, and at least, in cells
NEAR = 0.5  # cells whose Gaussian is above this learn the box
BOX_WEIGHT = 1.0
CANDIDATES, THRESHOLD = 160, 0.3


@dataclass(frozen=True)
class Targets:
    """What the maps of a batch should be. ``weight_nhw`` is 0 where the heat map is not judged."""

    heat_nhw: Tensor
    weight_nhw: Tensor
    boxes_nchw: Tensor
    box_weight_nhw: Tensor


def targets(boxes_nb5: Tensor, height: int, width: int) -> Targets:
    """Draw boxes (N, B, 5), x, y, width, height in pixels and what they are, on maps of height x width cells.

    A Gaussian is the product of one along the rows and one along the columns, so that hundreds per page are cheap.
    """
    x, y, wide, high, what = boxes_nb5.unbind(2)
    is_thing = (what == THING).float()
    center_x, center_y = (x + wide / 2) / STRIDE, (y + high / 2) / STRIDE
    columns, rows = (torch.arange(cells, device=x.device) + 0.5 for cells in (width, height))
    along_x, along_y = _gaussian(center_x, wide, columns), _gaussian(center_y, high, rows) * is_thing[..., None]
    heat, nearest = (along_y[..., None] * along_x[:, :, None]).max(1)
    inside_x, inside_y = _inside(center_x, wide, columns), _inside(center_y, high, rows)
    covered = torch.bmm((inside_y * (what == IGNORED)[..., None]).transpose(1, 2), inside_x) > 0

    def of_nearest(values_nb: Tensor) -> Tensor:
        return values_nb.gather(1, nearest.flatten(1)).reshape(nearest.shape)

    logs = ((side.clamp(min=1) / UNIT).log() for side in (wide, high))
    values = (of_nearest(center_x) - columns, of_nearest(center_y) - rows[:, None], *(of_nearest(log) for log in logs))
    judged = (~covered | (heat > 0.05)).float()
    return Targets(heat, judged, torch.stack(values, 1), torch.where(heat > NEAR, heat, 0.0))


def _gaussian(center_nb: Tensor, side_nb: Tensor, cells: Tensor) -> Tensor:
    """Return (N, B, cells): 1 at the center's own cell."""
    away = center_nb[..., None] - cells
    spread = (side_nb / STRIDE * SPREAD).clamp(min=NARROWEST)[..., None]
    return torch.where((away >= -0.5) & (away < 0.5), 1.0, torch.exp(-0.5 * (away / spread) ** 2))


def _inside(center_nb: Tensor, side_nb: Tensor, cells: Tensor) -> Tensor:
    return ((center_nb[..., None] - cells).abs() <= side_nb[..., None] / STRIDE / 2).float()


def loss_sum(maps_nchw: Tensor, boxes_nb5: Tensor) -> Tensor:
    """Return the loss summed over the images: focal, a share of each thing, plus the boxes' absolute error."""
    wanted = targets(_trimmed(boxes_nb5), *maps_nchw.shape[2:])
    logit_nhw = maps_nchw[:, 0]
    is_center = wanted.heat_nhw == 1
    there, gone = F.logsigmoid(logit_nhw), F.logsigmoid(-logit_nhw)
    likely = logit_nhw.sigmoid()
    focal = torch.where(
        is_center, -there * (1 - likely) ** 2, -gone * likely**2 * (1 - wanted.heat_nhw) ** 4 * wanted.weight_nhw
    )
    off = (maps_nchw[:, 1:] - wanted.boxes_nchw).abs().sum(1) * wanted.box_weight_nhw
    centers = is_center.sum().clamp(min=1)
    per_thing = focal.sum() / centers + BOX_WEIGHT * off.sum() / wanted.box_weight_nhw.sum().clamp(min=1)
    return per_thing * len(maps_nchw)


def decode(maps_nchw: Tensor, count: int = CANDIDATES, *, window: tuple[int, int] = (3, 3)) -> tuple[Tensor, Tensor]:
    """Return the ``count`` strongest peaks as boxes (N, count, 4) in pixels and scores (N, count).

    A peak is the largest of the ``window`` of cells (rows, columns) around it.
    """
    heat = maps_nchw[:, :1].sigmoid()
    peaks = torch.where(F.max_pool2d(heat, window, 1, (window[0] // 2, window[1] // 2)) == heat, heat, 0.0).flatten(1)
    scores, cells = peaks.topk(min(count, peaks.shape[1]))
    width = maps_nchw.shape[3]
    dx, dy, wide, high = maps_nchw[:, 1:].flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).unbind(1)
    center_x, center_y = (cells % width + 0.5 + dx) * STRIDE, (cells // width + 0.5 + dy) * STRIDE
    wide, high = wide.clamp(-4, 4).exp() * UNIT, high.clamp(-4, 4).exp() * UNIT
    return torch.stack((center_x - wide / 2, center_y - high / 2, wide, high), 2), scores


class DetectionTally:
    """Loss, and true positives, false positives and false negatives so far, kept on the device. A detection is right
    when it overlaps a thing that no better detection has by half of their union."""

    def __init__(self, device: torch.device) -> None:
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.pairs = torch.zeros(
            4, dtype=torch.int64, device=device
        )  # true positives, false positives, false negatives, images

    def add(self, loss_sum: Tensor, boxes_nb5: Tensor, maps_nchw: Tensor) -> None:
        """Count a batch; ``loss_sum`` is summed over its images."""
        self.loss_sum += loss_sum.double()
        boxes_nb5 = _trimmed(boxes_nb5)
        boxes, scores = decode(maps_nchw.detach().float())
        most = max(int((scores > THRESHOLD).sum(1).max()), 1)
        boxes, scores = boxes[:, :most], scores[:, :most]
        confident = scores > THRESHOLD
        overlap = _overlap(boxes, boxes_nb5[..., :4]) * confident[..., None]
        what = boxes_nb5[..., 4]
        is_thing, ignored = what == THING, what == IGNORED
        right = (overlap > RIGHT) & is_thing[:, None]  # (N, candidates, B)
        hits = right.any(1).sum()
        excused = ((overlap > EXCUSED) & ignored[:, None]).any(2) & ~right.any(2)
        images = torch.as_tensor(len(maps_nchw), device=hits.device)
        self.pairs += torch.stack((hits, confident.sum() - hits - excused.sum(), is_thing.sum() - hits, images))

    @property
    def mean_loss(self) -> float:
        """The mean loss of the images so far."""
        return float(self.loss_sum) / max(int(self.pairs[3]), 1)

    def figures(self) -> dict[str, float]:
        """Return F1, precision and recall of all boxes."""
        true_positives, false_positives, false_negatives = (int(count) for count in self.pairs[:3])
        precision = true_positives / max(true_positives + false_positives, 1)
        recall = true_positives / max(true_positives + false_negatives, 1)
        return {"f1": 2 * precision * recall / max(precision + recall, 1e-12), "precision": precision, "recall": recall}


@dataclass(frozen=True)
class DetectionObjective:
    """Boxes on each image."""

    device: torch.device

    def tally(self) -> DetectionTally:
        """Return an empty tally."""
        return DetectionTally(self.device)

    def mean_loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of heat map and boxes."""
        return loss_sum(answers, batch.labels_n) / len(answers)

    def loss_sum(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of heat map and boxes."""
        return loss_sum(answers, targets)


def _trimmed(boxes_nb5: Tensor) -> Tensor:
    """Leave out the columns in which no page has anything; what there is comes first."""
    return boxes_nb5[:, : max(int((boxes_nb5[..., 4] != NOTHING).sum(1).max()), 1)]


def _overlap(boxes_nm4: Tensor, others_nb4: Tensor) -> Tensor:
    """Return intersection over union, (N, M, B)."""
    first, second = boxes_nm4[:, :, None], others_nb4[:, None]
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = first[..., 2:].prod(-1) + second[..., 2:].prod(-1) - shared
    return shared / union.clamp(min=1e-6)
