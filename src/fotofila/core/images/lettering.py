"""Text on pictures. Letters and words are rendered once a size: they cost more than all the frames did."""

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
    left, middle = left_middle
    image.paste(colour, (left, middle + round(_CAPITAL_HEIGHT * size / 2) - size), _word(text, size))


@lru_cache(maxsize=2048)
def _word(text: str, size: int) -> Image.Image:
    """Return a text as a mask with its baseline at `size`; ages and genders are the same words again and again."""
    mask = Image.new("L", (text_width(text, size) + 1, math.ceil(1.4 * size)))
    x = 0.0
    for char in text:
        letter, advance = _letter(char, size)
        mask.paste(255, (round(x), 0), letter)
        x += advance
    return mask


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
