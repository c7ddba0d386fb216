"""The copies that are kept beside an original: two thumbnails, and the picture with what was found drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fotofila.core.images.annotate import Annotation, draw_annotations
from fotofila.core.images.scaling import encode_webp, shrink, shrink_pixels

LARGE_SIDE = 1024
ANNOTATED_SIDE = 768
SMALL_SIDE = 256
ANNOTATED_QUALITY = 65
"""Less than of the others: it is looked at for its boxes, and costs a twelfth less CPU and an eighth fewer bytes."""
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
    """Long side 768, with the boxes on it, whose labels can be read in a group of thirty; the large one itself where
    there is nothing to draw."""


def make_renditions(pixels: NDArray[np.uint8], annotations: Sequence[Annotation]) -> Renditions:
    """Return the renditions of (height, width, 3) upright sRGB pixels. Same pixels, same version: same bytes."""
    large = shrink_pixels(pixels, LARGE_SIDE)
    large_webp = encode_webp(large)
    small_webp = encode_webp(shrink(large, SMALL_SIDE))
    if not annotations:  # nothing to draw: the same picture need not be encoded twice
        return Renditions(large=large_webp, small=small_webp, annotated=large_webp)
    # At the size of the large one it would cost half as much again as all the rest; from that it is shrunk quickest.
    annotated = shrink(large, ANNOTATED_SIDE)
    draw_annotations(annotated, annotations)
    return Renditions(large=large_webp, small=small_webp, annotated=encode_webp(annotated, quality=ANNOTATED_QUALITY))
