"""The pixels of a JPEG, written side by side from the start.

Pillow decodes with the same library, but keeps four bytes a pixel and packs them when they are asked for: two
megapixels cost it 9.8 ms of CPU, and 7.0 here, for the same pixels (ADR 23).
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def read_pixels(file: BinaryIO, image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the stored pixels (height, width, 3), RGB, of a colour JPEG that Pillow has opened.

    None where the decoder has anything to say: which mistakes are forgiven, and what a truncated file is told, is for
    Pillow to judge, which then decodes it anew.
    """
    import simplejpeg  # noqa: PLC0415 - a child loads the decoders that it needs

    file.seek(0)
    try:
        # Strict: a warning of libjpeg's, as of data that end early, raises like an error.
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(file.read(), strict=True)
    except (ValueError, RuntimeError):
        return None
    if pixels.shape != (image.height, image.width, 3):
        return None
    pixels.flags.writeable = False
    return pixels
