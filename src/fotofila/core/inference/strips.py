"""A picture in strips: what a network reads of it at a time, so that its large first layers stay in the cache.

The detector's rewrite cuts its first layers so; its inputs are the strips themselves, made in the one pass that turns
bytes into planes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRIPS = 4
"""Of a photo of 1280 pixels a strip's largest tensor has 5 MB. More strips fit better and compute more rows twice."""

STAGES = 2
"""Of the network; what they make is eight times smaller than the picture."""

UNIT = 8
"""Pixel rows: a strip answers for whole rows of what the stages make."""

ABOVE = 19
BELOW = 18
"""Pixel rows read beyond a strip's own.

Four 3x3 convolutions at a quarter of the size, and two at half of it, the first of which reads every second row.
"""

LEAST_ROWS = 3 * UNIT * STRIPS
"""Of a picture: inside it no strip may want rows that its neighbour does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Pixel rows that one strip reads; `bottom` is the first that it does not."""

    top: int
    bottom: int


def strips_of(height: int) -> tuple[Strip, ...]:
    """The strips of a picture that is `height` pixels high, a multiple of `UNIT` and at least `LEAST_ROWS`."""
    units = height // UNIT
    edges = [UNIT * (units * number // STRIPS) for number in range(STRIPS + 1)]
    return tuple(
        Strip(top=max(top - ABOVE, 0), bottom=min(bottom + BELOW, height)) for top, bottom in itertools.pairwise(edges)
    )


def cut(planes: NDArray[Any], *, multiple_of: int) -> dict[str, NDArray[np.float32]]:
    """(3, H, W) of any type to `strip_0`, `strip_1` ..., each (1, 3, rows, W') float32.

    Black is added at the right and below up to the multiple, and below up to `LEAST_ROWS`.
    """
    _, height, width = planes.shape
    full_height, full_width = max(height + -height % multiple_of, LEAST_ROWS), width + -width % multiple_of
    strips = {}
    for number, strip in enumerate(strips_of(full_height)):
        made = np.empty((1, 3, strip.bottom - strip.top, full_width), np.float32)
        rows = max(min(strip.bottom, height) - strip.top, 0)
        made[0, :, :rows, :width] = planes[:, strip.top : strip.top + rows]
        # Only what is beyond the picture is cleared: clearing all of it first costs half as much again.
        made[0, :, rows:] = 0
        made[0, :, :rows, width:] = 0
        strips[f"strip_{number}"] = made
    return strips
