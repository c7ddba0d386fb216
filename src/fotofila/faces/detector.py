"""Find faces: a network at a few sizes, its answers decoded, averaged and fused.

Sizes (long side, pixels) by setting, chosen by `python -m bench faces-accuracy`:

- `accurate`: 1024 and 1600, which see faces of 10 to 256 pixels each and check one another;
- `fast`: 1280 alone;
- both: 384, for faces that fill the picture, of which the network sees nothing once they are higher than some 500
  pixels. It costs a thirtieth of the rest and has no say about faces under 64 pixels there.

No photo is enlarged more than twice; sides are rounded to the network's cells of 32, and one that is 1024 or less is
looked at as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.inference.resampling import resample
from fotofila.core.inference.session import Session
from fotofila.core.inference.strips import cut
from fotofila.faces.fusion import SCORE, Detections, Scale, average_overlaps, fuse

Detection = Literal["accurate", "fast"]
Pixels = NDArray[np.uint8]

CELL = 32
STRIDES = (8, 16, 32)
COARSE = 384
COARSE_SMALLEST = 64.0
NATIVE = 1024
LARGE = 1600
SINGLE = 1280
LARGEST_ENLARGEMENT = 2
MOST_CANDIDATES = 20_000
"""A crowd of a thousand faces gives some ten thousand; more is noise that would only cost time."""


def scales_for(width: int, height: int, detection: Detection) -> tuple[Scale, ...]:
    """The sizes at which a photo of this size is searched, largest first."""
    long_side = max(width, height)
    if detection == "fast":
        sides = [min(SINGLE, LARGEST_ENLARGEMENT * long_side)]
    else:
        sides = [min(LARGE, LARGEST_ENLARGEMENT * long_side), min(NATIVE, long_side)]
    scales = [_scale(width, height, side) for side in sides]
    if sides[-1] > COARSE:
        scales.append(_scale(width, height, COARSE, smallest=COARSE_SMALLEST))
    return tuple(scales)


Candidates = Callable[[Session, Pixels, Scale, float], Detections]
"""Of a reduction of the photo, a scale and the least score: rows in pixels of the scale, each face several times."""


def detect(
    session: Session,
    pixels: Pixels,
    scales: tuple[Scale, ...],
    *,
    floor: float,
    candidates: Candidates | None = None,
) -> Detections:
    """Faces in pixels of the photo, best first. `floor` is the score under which a candidate is not looked at.

    `candidates` asks the network; that of YuNet is asked unless another is given.
    """
    ask = candidates or yunet_candidates
    found = [
        average_overlaps(_in_photo(ask(session, level, scale, floor), scale, pixels))
        for scale, level in zip(scales, _pyramid(pixels, scales), strict=True)
    ]
    return fuse(found, scales) if len(scales) > 1 else found[0]


def decode(cells: NDArray[np.float32], stride: int, floor: float) -> Detections:
    """The candidates of one output of the network, (16, h, w), with a score of `floor` or more.

    score = sqrt(class * object), centre = (cell + d) * stride, size = exp(d) * stride, points = (cell + d) * stride
    (Wu, Peng, Yu 2023, "YuNet: A tiny millisecond-level face detector").
    """
    # A score of f needs class and object of f^2 each, so most cells are left out before any exponential is taken.
    least = np.float32(_logit(floor * floor))
    rows, columns = np.nonzero((cells[0] >= least) & (cells[1] >= least))
    cell = cells[:, rows, columns]
    scores = np.sqrt(1 / ((1 + np.exp(-cell[0])) * (1 + np.exp(-cell[1]))))
    keep = scores >= floor
    rows, columns, cell = rows[keep], columns[keep], cell[:, keep]
    found = np.empty((len(rows), 15), np.float32)
    centre_x, centre_y = (columns + cell[2]) * stride, (rows + cell[3]) * stride
    half_width, half_height = np.exp(cell[4]) * (stride / 2), np.exp(cell[5]) * (stride / 2)
    found[:, 0], found[:, 1] = centre_x - half_width, centre_y - half_height
    found[:, 2], found[:, 3] = centre_x + half_width, centre_y + half_height
    found[:, SCORE] = scores[keep]
    found[:, 5::2] = ((cell[6::2] + columns) * stride).T
    found[:, 6::2] = ((cell[7::2] + rows) * stride).T
    return found


def yunet_candidates(session: Session, level: NDArray[Any], scale: Scale, floor: float) -> Detections:
    """What YuNet sees."""
    if scale.ratio != 1:
        level = resample(level, width=scale.width, height=scale.height)[0].transpose(1, 2, 0)
    outputs = session.run(**cut(level, multiple_of=CELL))
    return np.concatenate([decode(cells[0], stride, floor) for cells, stride in zip(outputs, STRIDES, strict=True)])


def _in_photo(found: Detections, scale: Scale, photo: Pixels) -> Detections:
    """The best candidates, brought from pixels of the scale to those of the photo."""
    if scale.ratio != 1:
        found[:, [0, 2, 5, 7, 9, 11, 13]] *= photo.shape[1] / scale.width
        found[:, [1, 3, 6, 8, 10, 12, 14]] *= photo.shape[0] / scale.height
    if len(found) > MOST_CANDIDATES:
        found = found[np.argsort(-found[:, SCORE])[:MOST_CANDIDATES]]
    return found


def _pyramid(pixels: Pixels, scales: tuple[Scale, ...]) -> Iterator[Pixels]:
    """For each scale the photo in whole-number reductions, less than twice as large as the scale."""
    level = pixels
    for scale in scales:
        factor = min(level.shape[1] // scale.width, level.shape[0] // scale.height)
        if factor > 1:
            level = np.asarray(Image.fromarray(level).reduce(factor))
        yield level


def _scale(width: int, height: int, long_side: int, *, smallest: float = 0.0) -> Scale:
    ratio = long_side / max(width, height)
    if ratio == 1:
        # In its own size a photo is not resampled but padded.
        return Scale(width=width + -width % CELL, height=height + -height % CELL, ratio=1.0, smallest=smallest)
    return Scale(
        width=max(CELL, round(width * ratio / CELL) * CELL),
        height=max(CELL, round(height * ratio / CELL) * CELL),
        ratio=ratio,
        smallest=smallest,
    )


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
