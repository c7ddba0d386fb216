"""The copies that are kept beside an original: two thumbnails, and the picture with what was found drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fotofila.core.images.annotate import Annotation, draw_annotations
from fotofila.core.images.scaling import encode_webp, shrink, to_image

LARGE_SIDE = 1024
SMALL_SIDE = 256
MEDIA_TYPE = "image/webp"
"""Of every rendition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renditions:
    """WebP files, without metadata. No rendition is larger than its original."""

    large: bytes
    """Long side 1024."""

    small: bytes
    """Long side 256."""

    annotated: bytes
    """The large one with the boxes on it: sharing its pixels saves a third of the cost of a size of its own."""


def make_renditions(pixels: NDArray[np.uint8], annotations: Sequence[Annotation]) -> Renditions:
    """Return the renditions of (height, width, 3) upright sRGB pixels. Same pixels, same version: same bytes."""
    large = shrink(to_image(pixels), LARGE_SIDE)
    # Encoded before anything is drawn on it; a copy for that would only cost.
    large_webp = encode_webp(large)
    small_webp = encode_webp(shrink(large, SMALL_SIDE))
    if not annotations:  # nothing to draw: the same picture need not be encoded twice
        return Renditions(large=large_webp, small=small_webp, annotated=large_webp)
    draw_annotations(large, annotations)
    return Renditions(large=large_webp, small=small_webp, annotated=encode_webp(large))
