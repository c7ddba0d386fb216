"""Many overlapping detections of the same faces become one each.

Within a scale the boxes and points of a cluster are averaged by score instead of being thrown away as non-maximum
suppression does. Across scales the clusters are joined by weighted box fusion (Solovyev, Wang, Gabruseva 2021,
"Weighted boxes fusion"), with one change: a scale counts, for or against a face, only as far as it can see faces of
that size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Detections = NDArray[np.float32]
"""(n, 15): left, top, right, bottom in pixels of the photo, score 0-1, five points x, y; best score first."""

SCORE = 4
FIELDS = 15
WITHIN_IOU = 0.45
ACROSS_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A size at which the photo is searched, and the face heights that can be trusted there."""

    width: int
    height: int
    ratio: float
    """Pixels here for one pixel of the photo, along its long side."""
    smallest: float = 0.0
    largest: float = 256.0
    """Height of a face in pixels at this scale; trust falls to none at half the smallest and at twice the largest."""


def trust(heights: NDArray[np.float32], scale: Scale) -> NDArray[np.float32]:
    """How much `scale` knows, 0-1, of faces that are `heights` pixels high in the photo."""
    here = heights * scale.ratio
    weight = np.clip(2 - here / scale.largest, 0, 1)
    if scale.smallest:
        weight = np.minimum(weight, np.clip(2 * here / scale.smallest - 1, 0, 1))
    trusted: NDArray[np.float32] = weight.astype(np.float32)
    return trusted


def average_overlaps(detections: Detections) -> Detections:
    """One row per cluster: boxes and points averaged by score, the score of the best."""
    rows = detections[np.argsort(-detections[:, SCORE], kind="stable")]
    clusters = list(_clusters(rows, WITHIN_IOU))
    if not clusters:
        return _stacked([])
    rows = rows[np.concatenate(clusters)]
    first = np.cumsum([0, *map(len, clusters[:-1])])
    weight = rows[:, SCORE : SCORE + 1]
    means = (np.add.reduceat(rows * weight, first) / np.add.reduceat(weight, first)).astype(np.float32, copy=False)
    means[:, SCORE] = rows[first, SCORE]
    return means


def fuse(found: Sequence[Detections], scales: Sequence[Scale]) -> Detections:
    """Join what was found at each of `scales`, in the same order; best score first.

    The score is the mean over the scales, weighted by their trust; where a scale that should have seen the face has
    nothing, its share is zero.
    """
    weights = [trust(rows[:, 3] - rows[:, 1], scale) for rows, scale in zip(found, scales, strict=True)]
    rows, weight = np.concatenate(found), np.concatenate(weights)
    origin = np.repeat(np.arange(len(found)), [len(part) for part in found])
    order = np.argsort(-rows[:, SCORE] * weight, kind="stable")
    order = order[weight[order] > 0]
    rows, weight, origin = rows[order], weight[order], origin[order]
    joined = []
    for members in _clusters(rows, ACROSS_IOU):
        face = _average(rows[members], rows[members, SCORE] * weight[members])
        face[SCORE] = _joint_score(face, rows[members, SCORE], weight[members], origin[members], scales)
        joined.append(face)
    result = _stacked(joined)
    best_first: Detections = result[np.argsort(-result[:, SCORE], kind="stable")]
    return best_first


def overlap(box: NDArray[np.float32], others: Detections) -> NDArray[np.float32]:
    """Intersection over union of one box (left, top, right, bottom) with each of (n, 4 or more)."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    ratios: NDArray[np.float32] = shared / ((box[2] - box[0]) * (box[3] - box[1]) + areas - shared)
    return ratios


def _joint_score(
    face: NDArray[np.float32],
    scores: NDArray[np.float32],
    weight: NDArray[np.float32],
    origin: NDArray[np.int64],
    scales: Sequence[Scale],
) -> float:
    height = face[3:4] - face[1:2]
    gained = total = 0.0
    for index, scale in enumerate(scales):
        mine = np.flatnonzero(origin == index)
        share = float(weight[mine[0]]) if mine.size else float(trust(height, scale)[0])
        gained += float(scores[mine[0]]) * share if mine.size else 0.0
        total += share
    return gained / total


def _clusters(rows: Detections, threshold: float) -> Iterator[NDArray[np.int64]]:
    """Indices of each cluster: the best row that is left, and every other that overlaps it by the threshold.

    The numbers are those of `overlap`; corners and areas are cut out once, for a photo has dozens of clusters.
    """
    corners = np.multiply(rows[:, :4].T, [[1], [1], [-1], [-1]], dtype=np.float32, order="C")
    areas = _area(corners)
    left = np.arange(len(rows))
    while left.size:
        shared = _area(np.maximum(corners, corners[:, :1]))
        near = shared >= threshold * (areas + areas[0] - shared)
        near[0] = True
        yield left[near]
        far = ~near
        left, corners, areas = left[far], corners[:, far], areas[far]


def _area(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of boxes (4, n): left, top, minus right, minus bottom; none where an edge is beyond its opposite."""
    sides = np.minimum(corners[:2] + corners[2:], 0)
    area: NDArray[np.float32] = sides[0] * sides[1]
    return area


def _average(rows: Detections, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(rows) == 1:
        only: NDArray[np.float32] = rows[0].copy()
        return only
    mean: NDArray[np.float32] = (weight @ rows) / weight.sum()
    mean[SCORE] = rows[0, SCORE]
    return mean


def _stacked(rows: list[NDArray[np.float32]]) -> Detections:
    return np.stack(rows) if rows else np.zeros((0, FIELDS), np.float32)
