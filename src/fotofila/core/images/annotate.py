"""Boxes and labels drawn on a picture, so that a person sees what the program saw."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fotofila.core.images.labels import Label, Rectangle, place_labels, printable
from fotofila.core.images.lettering import draw_text, text_width
from fotofila.core.images.scaling import shrink_pixels

DEFAULT_LONG_SIDE = 1280

_LINE = (255, 214, 10)
_DARK = (17, 17, 17)
"""Yellow between black: one of the two stands out on any ground, and a label brings its own."""

_MAX_BOXES, _MAX_LABELS = 1000, 200
"""The largest of a crowd; more could not be told apart, and their drawing would cost more than their finding."""

_OVERSAMPLING = 4
_SMALLEST_FONT = 11
_PADDING = 3
_LEGIBLE_HEIGHT = 28
"""Pixels of a box under which a face in it is hard to make out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A box as ratios of the picture's width and height (it may reach past the border), and what to write at it."""

    left: float
    top: float
    width: float
    height: float
    label: str | None = None


def annotate(
    pixels: NDArray[np.uint8], boxes: Sequence[Annotation], *, long_side: int = DEFAULT_LONG_SIDE
) -> Image.Image:
    """Return the picture of (height, width, 3) RGB pixels, no larger than `long_side`, with the boxes drawn on it."""
    image = shrink_pixels(pixels, long_side)
    draw_annotations(image, boxes)
    return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything goes on a picture of a size, in its pixels."""

    size: tuple[int, int]
    """(width, height)."""

    boxes: Sequence[Rectangle]
    labels: Sequence[tuple[Rectangle, str, int]]
    """Place, text, and size of the letters."""


def lay_out(boxes: Sequence[Annotation], size: tuple[int, int]) -> Layout:
    """Return where boxes and labels go. Boxes outside of the picture are left out, and the smallest of a crowd."""
    visible, texts = _visible(boxes, size)
    return Layout(size=size, boxes=visible, labels=[label for label, _ in _placed(visible, texts, size)])


def lay_out_legibly(boxes: Sequence[Annotation], sizes: Sequence[tuple[int, int]]) -> Layout:
    """Return the layout for the smallest size at which faces can be made out and told from their labels.

    That is one at which half of the boxes are at least 28 pixels high, and no label lies on a box or another label.

    Args:
        boxes: As of `lay_out`.
        sizes: One or more, the smallest first; where none will do, the last is taken.
    """
    for size in sizes[:-1]:
        visible, texts = _visible(boxes, size)
        if not visible or statistics.median(box.bottom - box.top for box in visible) < _LEGIBLE_HEIGHT:
            continue
        labels = []
        for label, covered in _placed(visible, texts, size):
            if covered:
                break
            labels.append(label)
        else:
            return Layout(size=size, boxes=visible, labels=labels)
    return lay_out(boxes, sizes[-1])


def draw_annotations(image: Image.Image, boxes: Sequence[Annotation]) -> None:
    """Draw the boxes, then their labels, on an RGB picture, in place. Boxes outside of it are left out."""
    draw_layout(image, lay_out(boxes, image.size))


def draw_layout(image: Image.Image, layout: Layout) -> None:
    """Draw what was laid out for a picture of its size, in place."""
    draw = ImageDraw.Draw(image)
    for box in layout.boxes:
        _draw_box(image, draw, box)
    for place, text, font_size in layout.labels:
        _draw_label(image, draw, place, text, font_size)


def _visible(boxes: Sequence[Annotation], size: tuple[int, int]) -> tuple[list[Rectangle], list[str]]:
    """Return the boxes that can be seen, the largest first, and what to write at the first of them."""
    visible = [(found, box.label) for box in boxes if (found := _in_pixels(box, size)) is not None]
    visible.sort(key=lambda each: -_area(each[0]))
    visible = visible[:_MAX_BOXES]
    return [box for box, _ in visible], [printable(label or "") for _, label in visible[:_MAX_LABELS]]


def _placed(
    boxes: Sequence[Rectangle], texts: Sequence[str], size: tuple[int, int]
) -> Iterator[tuple[tuple[Rectangle, str, int], int]]:
    """Yield the labels as a `Layout` has them, each with what it covers."""
    for label, place, covered in place_labels(boxes, _labels(boxes, texts, size), frame=size):
        yield (place, texts[label.box], _font_size(boxes[label.box], size)), covered


def _area(rectangle: Rectangle) -> int:
    return (rectangle.right - rectangle.left) * (rectangle.bottom - rectangle.top)


def _in_pixels(box: Annotation, size: tuple[int, int]) -> Rectangle | None:
    """Return the part of a box that lies in the picture, at least 3 pixels wide and high, or None."""
    edges = (box.left, box.top, box.left + box.width, box.top + box.height)
    if not all(math.isfinite(edge) for edge in edges) or box.width <= 0 or box.height <= 0:
        return None
    left, right = (round(min(1.0, max(0.0, edge)) * size[0]) for edge in (edges[0], edges[2]))
    top, bottom = (round(min(1.0, max(0.0, edge)) * size[1]) for edge in (edges[1], edges[3]))
    return Rectangle(left, top, right, bottom) if min(right - left, bottom - top) >= 3 else None  # noqa: PLR2004


def _draw_box(image: Image.Image, draw: ImageDraw.ImageDraw, box: Rectangle) -> None:
    """Draw a rounded frame: a line between two dark casings of one pixel, as wide as picture and box can bear."""
    short = min(box.right - box.left, box.bottom - box.top)
    line = max(1, min(round(max(image.size) / 450), short // 12))
    ring = line + 2
    radius = max(1, min(3 * ring, short // 4))
    left, top, right, bottom = box.left, box.top, box.right - 1, box.bottom - 1
    for inset, colour in ((0, _DARK), (1, _LINE)):
        near, far = inset, ring - 1 - inset
        draw.rectangle((left + radius, top + near, right - radius, top + far), fill=colour)
        draw.rectangle((left + radius, bottom - far, right - radius, bottom - near), fill=colour)
        draw.rectangle((left + near, top + radius, left + far, bottom - radius), fill=colour)
        draw.rectangle((right - far, top + radius, right - near, bottom - radius), fill=colour)
    for (colours, mask), at in zip(
        _corners(radius, line),
        (
            (left, top),
            (right - radius + 1, top),
            (left, bottom - radius + 1),
            (right - radius + 1, bottom - radius + 1),
        ),
        strict=True,
    ):
        image.paste(colours, at, mask)


@lru_cache(maxsize=64)
def _corners(radius: int, line: int) -> tuple[tuple[Image.Image, Image.Image], ...]:
    """Return the four corners of a frame as (colours, mask), drawn large and shrunk so that they are smooth."""
    scale, ring = _OVERSAMPLING, line + 2
    side = 2 * radius * scale
    masks = []
    for inset, width in ((0, ring), (1, line)):
        mask = Image.new("L", (side, side))
        reach = (inset * scale, inset * scale, side - 1 - inset * scale, side - 1 - inset * scale)
        ImageDraw.Draw(mask).ellipse(reach, outline=255, width=min(width * scale, side // 2 - inset * scale))
        masks.append(mask.reduce(scale))
    colours = Image.new("RGB", masks[1].size, _DARK)
    colours.paste(_LINE, mask=masks[1])
    quarters = [(x, y, x + radius, y + radius) for y in (0, radius) for x in (0, radius)]
    return tuple((colours.crop(quarter), masks[0].crop(quarter)) for quarter in quarters)


def _font_size(box: Rectangle, frame: tuple[int, int]) -> int:
    return max(_SMALLEST_FONT, min(round(max(frame) / 64), (box.right - box.left) // 4))


def _labels(boxes: Sequence[Rectangle], texts: Sequence[str], frame: tuple[int, int]) -> Iterator[Label]:
    """Yield a label for every text that fits into the frame."""
    for index, text in enumerate(texts):
        size = _font_size(boxes[index], frame)
        width, height = text_width(text, size) + 2 * _PADDING + 2, size + 2 * _PADDING
        if text and width <= frame[0] and height <= frame[1]:
            yield Label(box=index, width=width, height=height)


def _draw_label(image: Image.Image, draw: ImageDraw.ImageDraw, place: Rectangle, text: str, font_size: int) -> None:
    left, top, right, bottom = place.left, place.top, place.right - 1, place.bottom - 1
    # Pixel for pixel a rectangle with corners rounded by 3, at a quarter of the cost.
    across, down = (left, left + 2, right - 2, right), (top, top + 2, bottom - 2, bottom)
    corners = ((1, 0), (2, 0), (3, 1), (3, 2), (2, 3), (1, 3), (0, 2), (0, 1))
    draw.polygon([(across[x], down[y]) for x, y in corners], fill=_LINE, outline=_DARK)
    middle = (place.top + place.bottom) // 2
    draw_text(image, (place.left + _PADDING + 1, middle), text, font_size, _DARK)
