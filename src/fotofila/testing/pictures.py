"""Small pictures for tests, made on the spot."""

from __future__ import annotations

import io
import os

from PIL import Image


def jpeg(*, width: int = 64, height: int = 48, comment: bytes = b"") -> bytes:
    """Return a JPEG that no other call returns, with a comment (COM segment) in it."""
    image = Image.frombytes("RGB", (8, 6), os.urandom(8 * 6 * 3)).resize((width, height))
    out = io.BytesIO()
    image.save(out, "JPEG", comment=comment or None)
    return out.getvalue()
