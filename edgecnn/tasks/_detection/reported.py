"""The subject of a detector's report: images with boxes, and what the model and its reference find on each."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgecnn import progress
from edgecnn.data.boxes import Boxes
from edgecnn.report.subject import Quality, Subject
from edgecnn.runtime.detector import Detector
from edgecnn.tasks._detection import comparison as detectors
from edgecnn.tasks._detection.comparison import DetectionComparison
from edgecnn.tasks._detection.matching import Match, match_on

SCORE_INPUT = 4  # of NonMaxSuppression: the threshold on the score


@dataclass(frozen=True, eq=False)
class Answer:
    """What a detector answers to one image, the better first, and how it counts."""

    boxes_m4: NDArray[np.float32]
    scores_m: NDArray[np.float32]
    match: Match


class DetectedSubject(Subject):
    """A detector on all images of a split."""

    @cached_property
    def detector(self) -> Detector:
        """The opened model."""
        return detectors.opened(self.source.file)

    @cached_property
    def reference(self) -> Detector | None:
        """The opened reference."""
        return None if self.source.reference is None else detectors.opened(self.source.reference)

    @cached_property
    def threshold(self) -> float | None:
        """The score above which the file answers a box; None where its graph does not say."""
        found = next((node for node in self.network.model.graph.node if node.op_type == "NonMaxSuppression"), None)
        if found is None or len(found.input) <= SCORE_INPUT:
            return None
        constant = self.network.constants.array(found.input[SCORE_INPUT])
        return None if constant is None else float(constant.item())

    @property
    def split(self) -> Boxes:
        """The images with their boxes."""
        return self._images[0]

    @cached_property
    def answers(self) -> list[Answer]:
        """What the model answers to each image."""
        self.source.say(f"detecting on {len(self.split):,} images")
        each = zip(progress.told(self.split.images_nhwc), self.split.boxes_nb4, self.split.what_nb, strict=True)
        return [self._answer(image_hwc, boxes_b4, what_b) for image_hwc, boxes_b4, what_b in each]

    @cached_property
    def counts_n3(self) -> NDArray[np.int64]:
        """True positives, false positives and false negatives of each image."""
        return np.array([answer.match.counts for answer in self.answers], np.int64)

    @cached_property
    def reference_counts_n3(self) -> NDArray[np.int64] | None:
        """The same of the reference."""
        if self.reference is None:
            return None
        self.source.say(f"detecting on {len(self.split):,} images with the reference")
        return detectors.count_detections(self.reference, self.split)

    @cached_property
    def quality(self) -> Quality:
        """The F1, with the interval over images that a comparison has as well."""
        boxes, dataset, part = self._images
        low_pp, high_pp = detectors.interval_pp(detectors.f1_shares(self.counts_n3), len(boxes))
        interval = (max(low_pp / 100, 0.0), min(high_pp / 100, 1.0))
        value = detectors.scores_of(self.detector, self.counts_n3).f1
        return Quality("f1", value, interval, len(boxes), part, dataset)

    @cached_property
    def comparison(self) -> DetectionComparison | None:
        """The model against its reference."""
        if self.reference is None or self.reference_counts_n3 is None:
            return None
        boxes, dataset, part = self._images
        return detectors.compare_counts(
            (self.reference, self.reference_counts_n3),
            (self.detector, self.counts_n3),
            boxes,
            self.source.max_drop_pp,
            dataset=dataset,
            split=part,
        )

    def _answer(
        self, image_hwc: NDArray[np.uint8], boxes_b4: NDArray[np.float32], what_b: NDArray[np.float32]
    ) -> Answer:
        found = self.detector.detect(image_hwc)
        return Answer(found.boxes_m4, found.scores_m, match_on(found.boxes_m4, boxes_b4, what_b))

    @cached_property
    def _images(self) -> tuple[Boxes, str, str]:
        self.source.say("reading images")
        source = self.source
        return detectors.boxes_for(self.detector, source.dataset, source.root, source.split)
