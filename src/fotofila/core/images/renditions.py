"""The copies that are kept beside an original: two thumbnails, and the picture with what was found drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.images.annotate import Annotation, draw_layout, lay_out_legibly
from fotofila.core.images.scaling import encode_webp, fitted, shrink, shrink_pixels

LARGE_SIDE = 1024
SMALL_SIDE = 256
ANNOTATED_SIDES = (640, 768, LARGE_SIDE)
"""The smallest at which faces and labels can be told: the fewer pixels, the less CPU."""
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
    """Long side 640, 768 or 1024, as its labels need, with the boxes on it; the large one itself where there is nothing
    to draw."""


def make_renditions(pixels: NDArray[np.uint8], annotations: Sequence[Annotation]) -> Renditions:
    """Return the renditions of (height, width, 3) upright sRGB pixels. Same pixels, same version: same bytes."""
    large = shrink_pixels(pixels, LARGE_SIDE)
    large_webp = encode_webp(large)
    small_webp = encode_webp(shrink(large, SMALL_SIDE))
    if not annotations:  # nothing to draw: the same picture need not be encoded twice
        return Renditions(large=large_webp, small=small_webp, annotated=large_webp)
    annotated = annotate_large(large, annotations)
    return Renditions(large=large_webp, small=small_webp, annotated=encode_webp(annotated, quality=ANNOTATED_QUALITY))


def annotate_large(large: Image.Image, annotations: Sequence[Annotation]) -> Image.Image:
    """Return the large picture with annotations, as small as they allow; where it is not shrunk, it is drawn on."""
    sizes = [fitted(large.size, side) for side in ANNOTATED_SIDES if side < max(large.size)]
    layout = lay_out_legibly(annotations, [*sizes, large.size])
    image = large if layout.size == large.size else shrink_pixels(np.asarray(large), max(layout.size))
    draw_layout(image, layout)
    return image
