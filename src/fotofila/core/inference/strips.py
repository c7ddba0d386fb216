"""A picture in strips: what a network reads of it at a time, so that its large first layers stay in the cache.

The detector's rewrite cuts its first layers so; its inputs are the strips themselves, made in the one pass that turns
bytes into numbers. Colours stay abreast as they are in the photo: to take them apart costs three times as much.
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


def cut(pixels: NDArray[Any], *, multiple_of: int) -> dict[str, NDArray[np.float32]]:
    """(H, W, 3) of any type to `strip_0`, `strip_1` ..., each (1, 1, rows, 3 * W') float32, a pixel's colours abreast.

    Black is added at the right and below up to the multiple, and below up to `LEAST_ROWS`.
    """
    height, width, _ = pixels.shape
    full_height, full_width = max(height + -height % multiple_of, LEAST_ROWS), width + -width % multiple_of
    strips = {}
    for number, strip in enumerate(strips_of(full_height)):
        made = np.empty((strip.bottom - strip.top, full_width, 3), np.float32)
        rows = max(min(strip.bottom, height) - strip.top, 0)
        _fill(made[:rows, :width], pixels[strip.top : strip.top + rows])
        # Only what is beyond the picture is cleared: clearing all of it first costs half as much again.
        made[rows:] = 0
        made[:rows, width:] = 0
        strips[f"strip_{number}"] = made.reshape(1, 1, -1, 3 * full_width)
    return strips


def _fill(room: NDArray[np.float32], pixels: NDArray[Any]) -> None:
    """Copy (rows, W, 3): in one go where colours lie abreast, plane by plane where they do not (half the time)."""
    if pixels.flags.c_contiguous:
        room[:] = pixels
        return
    for channel in range(3):
        room[:, :, channel] = pixels[:, :, channel]
