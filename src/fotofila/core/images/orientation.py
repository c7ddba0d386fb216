"""Turning stored pixels upright (EXIF 3.0, section 4.6.5, tag 0x0112)."""

from __future__ import annotations

from PIL import Image

from fotofila.core.images.containers.source import Source
from fotofila.core.images.containers.tiff import integer, read_directory, read_header

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(exif: Source) -> int:
    """Return the orientation (1-8) that an EXIF block names; 1 where it names none, or nonsense."""
    header = read_header(exif)
    directory = read_directory(exif, header, header.first) if header else None
    value = integer(exif, header, directory, _ORIENTATION) if header and directory else None
    return value if value in _TURNS and value is not None else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture as it is meant to be seen; orientation 1 returns the same object."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)
