"""The header of a WebP: one of three first chunks (RFC 9649, section 2.5 to 2.7; RFC 6386, section 9.1)."""

from __future__ import annotations

from fotofila.core.images.containers.riff import is_webp
from fotofila.core.images.containers.source import Source
from fotofila.core.images.errors import MalformedImageError
from fotofila.core.images.formats import WEBP
from fotofila.core.images.sniff.result import Header

_HEADER_END = 30


def read(head: bytes, source: Source) -> Header | None:
    """Return the header of a WebP, or None for other bytes.

    Raises:
        MalformedImageError: the first chunk is none of the three, or is cut off.
    """
    if not is_webp(head):
        return None
    first = source.read(0, _HEADER_END)
    size = _SIZES.get(first[12:16], _unknown)(first[20:])
    if size is None:
        raise MalformedImageError("This WebP has no sound header: export it again.")
    return Header(media_type=WEBP, width=size[0], height=size[1])


def _lossy(data: bytes) -> tuple[int, int] | None:
    if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a":  # noqa: PLR2004 - frame tag, start code, size
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


def _lossless(data: bytes) -> tuple[int, int] | None:
    if len(data) < 5 or data[0] != 0x2F:  # noqa: PLR2004 - signature, two sizes of 14 bits
        return None
    bits = int.from_bytes(data[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _extended(data: bytes) -> tuple[int, int] | None:
    if len(data) < 10:  # noqa: PLR2004 - flags, two sizes of 24 bits
        return None
    return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1


def _unknown(_data: bytes) -> None:
    return None


_SIZES = {b"VP8 ": _lossy, b"VP8L": _lossless, b"VP8X": _extended}
