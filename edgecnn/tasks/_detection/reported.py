"""The subject of a detector's report: images with boxes, and what the model and its reference find on each."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.boxes import Boxes
from edgecnn.report.subject import Quality, Subject
from edgecnn.runtime.detector import Detector
from edgecnn.tasks._detection import comparison as detectors
from edgecnn.tasks._detection.comparison import DetectionComparison


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

    @property
    def split(self) -> Boxes:
        """The images with their boxes."""
        return self._images[0]

    @cached_property
    def counts_n3(self) -> NDArray[np.int64]:
        """True positives, false positives and false negatives of each image."""
        self.source.say(f"detecting on {len(self.split):,} images")
        return detectors.count_detections(self.detector, self.split)

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

    @cached_property
    def _images(self) -> tuple[Boxes, str, str]:
        self.source.say("reading images")
        source = self.source
        return detectors.boxes_for(self.detector, source.dataset, source.root, source.split)
