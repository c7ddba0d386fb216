"""The header of a PNG: IHDR comes first (W3C PNG, section 11.2.1)."""

from __future__ import annotations

from fotofila.core.images.containers.png import SIGNATURE
from fotofila.core.images.containers.source import Source
from fotofila.core.images.errors import MalformedImageError
from fotofila.core.images.formats import PNG
from fotofila.core.images.sniff.result import Header

_IHDR_END = 33
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}


def read(head: bytes, source: Source) -> Header | None:
    """Return the header of a PNG, or None for other bytes.

    Raises:
        MalformedImageError: the first chunk is not a sound IHDR.
    """
    if not head.startswith(SIGNATURE):
        return None
    first = source.read(0, _IHDR_END)
    if len(first) < _IHDR_END:
        raise MalformedImageError("This PNG ends within its header: upload it again.")
    if first[12:16] != b"IHDR":
        raise MalformedImageError("This PNG does not begin with its header: export it again.")
    depth, colour = first[24], first[25]
    if depth not in _DEPTHS.get(colour, ()):
        raise MalformedImageError(f"This PNG names a pixel format that does not exist ({colour}, {depth} bits).")
    return Header(media_type=PNG, width=int.from_bytes(first[16:20], "big"), height=int.from_bytes(first[20:24], "big"))
