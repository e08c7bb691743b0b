"""The same digit over frames: boxes that overlap belong together, and their probabilities are averaged.

All tracks lie in arrays side by side, so that a page of digits costs what one digit costs.
"""

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps

SAME_IOU = 0.3  # least intersection over union of one digit in two frames
VOTES = 8  # frames whose probabilities are averaged
MEMORY = 3  # frames after which a digit that is not seen is forgotten
SMOOTHING = 0.5  # the share of the newest box
MEMORY_BITS = 2**MEMORY - 1
SEEN_COUNT = np.array([bits.bit_count() for bits in range(MEMORY_BITS + 1)])


class Tracker:
    """What has been seen in the last frames: ``boxes_t4``, averaged ``probabilities_tk`` and how often of late."""

    def __init__(self, classes: int) -> None:
        self.boxes_t4 = np.zeros((0, 4), np.float32)
        self._votes_tvk = np.zeros((0, VOTES, classes), np.float32)
        self._counts_t = np.zeros(0, np.int64)
        self._seen_t = np.zeros(0, np.int64)  # one bit per frame, the newest lowest

    def update(self, boxes_m4: NDArray[np.float32], probabilities_mk: NDArray[np.float32]) -> NDArray[np.int64]:
        """Take one frame's detections, and return the track of each: its row in the arrays, until the next update."""
        rows, detections = _pairs(overlaps(self.boxes_t4, boxes_m4))
        self._seen_t = (self._seen_t << 1) & MEMORY_BITS
        self._seen_t[rows] |= 1
        self.boxes_t4[rows] += SMOOTHING * (boxes_m4[detections] - self.boxes_t4[rows])
        self._votes_tvk[rows, self._counts_t[rows] % VOTES] = probabilities_mk[detections]
        self._counts_t[rows] += 1

        track_m = np.full(len(boxes_m4), -1)
        kept = self._seen_t > 0
        track_m[detections] = (np.cumsum(kept) - 1)[rows]
        new = np.flatnonzero(track_m < 0)
        track_m[new] = int(kept.sum()) + np.arange(len(new))
        self._keep_and_add(kept, boxes_m4[new], probabilities_mk[new])
        return track_m

    @property
    def probabilities_tk(self) -> NDArray[np.float32]:
        """The mean over each track's recent frames; rows sum to one."""
        result: NDArray[np.float32] = self._votes_tvk.sum(axis=1) / np.minimum(self._counts_t, VOTES)[:, None]
        return result

    @property
    def seen_t(self) -> NDArray[np.int64]:
        """In how many of the last three frames each track was seen."""
        return SEEN_COUNT[self._seen_t]

    def _keep_and_add(
        self, kept: NDArray[np.bool_], boxes_n4: NDArray[np.float32], probabilities_nk: NDArray[np.float32]
    ) -> None:
        votes_nvk = np.zeros((len(boxes_n4), *self._votes_tvk.shape[1:]), np.float32)
        votes_nvk[:, 0] = probabilities_nk
        ones = np.ones(len(boxes_n4), np.int64)
        self.boxes_t4 = np.concatenate([self.boxes_t4[kept], boxes_n4])
        self._votes_tvk = np.concatenate([self._votes_tvk[kept], votes_nvk])
        self._counts_t = np.concatenate([self._counts_t[kept], ones])
        self._seen_t = np.concatenate([self._seen_t[kept], ones])


def _pairs(overlaps_tm: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair rows with columns, the largest overlap first, each used once."""
    rows, columns = np.nonzero(overlaps_tm >= SAME_IOU)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for place in np.argsort(-overlaps_tm[rows, columns], kind="stable"):
        row, column = int(rows[place]), int(columns[place])
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return np.array(list(pairs), np.int64), np.array(list(pairs.values()), np.int64)
