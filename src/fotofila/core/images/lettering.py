"""Text on pictures. Each letter is rendered once a size: rendering whole labels cost more than all the frames did."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

_CAPITAL_HEIGHT = 0.71
"""Of the font that Pillow brings, as a share of its size: by it the text is centred."""


def text_width(text: str, size: int) -> int:
    """Return the width in pixels that `draw_text` takes for a text."""
    return math.ceil(sum(_letter(char, size)[1] for char in text))


def draw_text(
    image: Image.Image, left_middle: tuple[int, int], text: str, size: int, colour: tuple[int, int, int]
) -> None:
    """Draw a text on an RGB picture in place, from its left end, capitals and digits centred on the height given."""
    x, middle = float(left_middle[0]), left_middle[1]
    top = middle + round(_CAPITAL_HEIGHT * size / 2) - size
    for char in text:
        mask, advance = _letter(char, size)
        image.paste(colour, (round(x), top), mask)
        x += advance


@lru_cache(maxsize=2048)
def _letter(char: str, size: int) -> tuple[Image.Image, float]:
    """Return a letter as a mask with its baseline at `size`, and how far the next one is."""
    font = _font(size)
    advance = font.getlength(char)
    mask = Image.new("L", (max(1, math.ceil(advance) + 1), math.ceil(1.4 * size)))
    ImageDraw.Draw(mask).text((0, size), char, fill=255, font=font, anchor="ls")
    return mask, advance


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
