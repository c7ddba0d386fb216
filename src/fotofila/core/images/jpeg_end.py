"""Where a JPEG really ends: the one format that does not say how long it is."""

from __future__ import annotations

import io

import numpy as np
from PIL import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from fotofila.core.images.containers import jpeg
from fotofila.core.images.containers.source import FileSource

_BLOCK_BYTES = 64 * 1024
_SHRINK = 8
_GRAY = 128
"""What libjpeg fills in for blocks that never came."""


def has_end(source: FileSource, start: int) -> bool:
    """Return whether an end marker lies behind `start`; within pixel data, the two bytes of it cannot occur.

    A copy that was broken off can be of full length, its rest zeros: decoders read those as pixels without complaint.
    """
    end = source.size
    while end > start:
        at = max(start, end - _BLOCK_BYTES)
        if b"\xff\xd9" in source.read(at, end - at + 1):
            return True
        end = at
    return False


def present_bytes(source: FileSource, start: int) -> int:
    """Return how many bytes there are from `start` until nothing but zeros follow."""
    end = source.size
    while end > start:
        at = max(start, end - _BLOCK_BYTES)
        kept = len(source.read(at, end - at).rstrip(b"\0"))
        if kept:
            return at + kept - start
        end = at
    return 0


def share_of_picture(source: FileSource, end: int) -> float | None:
    """Return how much of the picture (0-1) the first `end` bytes of a truncated JPEG hold, counted in rows.

    None for a progressive JPEG, which holds all of the picture coarsely before it holds any of it finely, and where it
    cannot be told.
    """
    if any(segment.marker in jpeg.PROGRESSIVE for segment in jpeg.segments(source)):
        return None
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        image = JpegImageFile(io.BytesIO(source.read(0, end)))
        image.draft("L", (max(1, image.width // _SHRINK), max(1, image.height // _SHRINK)))
        rows = np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError, LookupError, TypeError):
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
    decoded = np.flatnonzero((rows != _GRAY).any(axis=1) & (rows != 0).any(axis=1))
    return float((decoded[-1] + 1) / rows.shape[0]) if decoded.size else 0.0
