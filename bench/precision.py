"""Average precision of detections against labelled boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.labelled import LEAST_HEIGHT, Boxes
from fotofila.faces.fusion import SCORE, Detections, overlap

HIT = 0.5


def average_precision(found: Sequence[Detections], labelled: Sequence[Boxes], *, strict: bool) -> float:
    """Area under the interpolated precision-recall curve at IoU 0.5, all points.

    A detection on a label that does not count is neither hit nor miss. So is, unless `strict`, one that hits nothing
    and is less high than 20 pixels itself: the size range is then applied to both sides, as COCO does it.
    """
    outcomes = np.concatenate(
        [_outcomes(rows, boxes, strict=strict) for rows, boxes in zip(found, labelled, strict=True)]
    )
    outcomes = outcomes[np.argsort(-outcomes[:, 0], kind="stable")]
    total = sum(int(boxes.counts.sum()) for boxes in labelled)
    hits = np.cumsum(outcomes[:, 1])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(hits / total, prepend=0) * precision))


def outcomes_of(found: Sequence[Detections], labelled: Sequence[Boxes]) -> NDArray[np.float64]:
    """(n, 2): score, and 1 for a hit or 0 for a miss, of every detection that counts in the strict sense."""
    return np.concatenate([_outcomes(rows, boxes, strict=True) for rows, boxes in zip(found, labelled, strict=True)])


def _outcomes(rows: Detections, boxes: Boxes, *, strict: bool) -> NDArray[np.float64]:
    free = boxes.counts.copy()
    outcomes = []
    for row in rows[np.argsort(-rows[:, SCORE], kind="stable")]:
        shared = overlap(row, boxes.corners)
        best = int(np.argmax(np.where(free, shared, 0)))
        if free[best] and shared[best] >= HIT:
            free[best] = False
            outcomes.append((float(row[SCORE]), 1.0))
        elif np.max(np.where(boxes.counts, 0, shared)) < HIT and (strict or row[3] - row[1] >= LEAST_HEIGHT):
            outcomes.append((float(row[SCORE]), 0.0))
    return np.array(outcomes, np.float64).reshape(-1, 2)
