"""The chunks of a PNG (W3C PNG, third edition, section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fotofila.core.images.containers.source import Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk; `offset` and `size` are of its data, which a CRC of 4 bytes follows."""

    kind: bytes
    offset: int
    size: int


def chunks(source: Source) -> Iterator[Chunk]:
    """Yield the chunks in order, IEND last; a chunk may reach past the end of the source."""
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        header = source.read(position, 8)
        if len(header) < 8:  # noqa: PLR2004 - length and type
            return
        size = int.from_bytes(header[:4], "big")
        yield Chunk(kind=header[4:], offset=position + 8, size=size)
        if header[4:] == b"IEND":
            return
        position += 12 + size
