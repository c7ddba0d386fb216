"""SCRFD-2.5G, the detector of the pack `research`: what it sees at one size, decoded in numpy.

Guo, Deng, Lattas, Zafeiriou 2021, "Sample and Computation Redistribution for Efficient Face Detection". Each cell of
the strides 8, 16 and 32 has two anchors in its upper left corner; boxes are distances from there to the four sides and
points are offsets, all in strides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fotofila.core.inference.resampling import resample
from fotofila.core.inference.session import Session
from fotofila.faces.fusion import FIELDS, SCORE, Detections, Scale

CELL = 32
STRIDES = (8, 16, 32)
ANCHORS = 2
MEAN = np.float32(127.5)
SPREAD = np.float32(128)


def scrfd_candidates(session: Session, level: NDArray[np.uint8], scale: Scale, floor: float) -> Detections:
    """What SCRFD sees: rows in pixels of the scale, each face several times."""
    if scale.ratio == 1:
        planes = level.transpose(2, 0, 1)[None].astype(np.float32)
    else:
        planes = resample(level, width=scale.width, height=scale.height)
    planes = (_padded(planes) - MEAN) / SPREAD
    outputs = session.run(**{"input.1": planes})
    width = planes.shape[3]
    scores, boxes, points = outputs[:3], outputs[3:6], outputs[6:]
    return np.concatenate(
        [
            decode(score[0, :, 0], box[0], point[0], stride=stride, columns=width // stride, floor=floor)
            for score, box, point, stride in zip(scores, boxes, points, STRIDES, strict=True)
        ]
    )


def decode(
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    points: NDArray[np.float32],
    *,
    stride: int,
    columns: int,
    floor: float,
) -> Detections:
    """The candidates of one stride with a score of `floor` or more: (n,), (n, 4) and (n, 10), two rows a cell."""
    kept = np.flatnonzero(scores >= floor)
    cell = kept // ANCHORS
    x, y = (cell % columns) * stride, (cell // columns) * stride
    found = np.empty((len(kept), FIELDS), np.float32)
    near = boxes[kept] * stride
    found[:, 0], found[:, 1] = x - near[:, 0], y - near[:, 1]
    found[:, 2], found[:, 3] = x + near[:, 2], y + near[:, 3]
    found[:, SCORE] = scores[kept]
    found[:, 5::2] = points[kept, 0::2] * stride + x[:, None]
    found[:, 6::2] = points[kept, 1::2] * stride + y[:, None]
    return found


def _padded(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Black at the right and below, up to the next whole cell."""
    height, width = planes.shape[2:]
    if height % CELL == 0 and width % CELL == 0:
        return planes
    return np.pad(planes, ((0, 0), (0, 0), (0, -height % CELL), (0, -width % CELL)))
