"""PNG of raw pixels, without a codec: nothing is decoded in this process."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_of(pixels: bytes, width: int, height: int) -> bytes:
    """Write RGB pixels, row by row, as PNG (ISO/IEC 15948), each row unfiltered."""
    line = width * 3
    rows = b"".join(b"\0" + pixels[at : at + line] for at in range(0, height * line, line))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """Write a chunk: length, kind, content, checksum of the last two."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
