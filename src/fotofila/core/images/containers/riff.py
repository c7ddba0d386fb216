"""The chunks of a WebP (RFC 9649, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fotofila.core.images.containers.source import Source, little_endian

_MAX_CHUNKS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk; `offset` and `size` are of its data."""

    kind: bytes
    offset: int
    size: int


def is_webp(head: bytes) -> bool:
    """Return whether a file that starts so is a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def chunks(source: Source) -> Iterator[Chunk]:
    """Yield the chunks in order; the last may reach past the end of the source."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        kind = source.read(position, 4)
        size = little_endian(source, position + 4, 4)
        if size is None:
            return
        yield Chunk(kind=kind, offset=position + 8, size=size)
        position += 8 + size + (size & 1)


def promised_size(source: Source) -> int | None:
    """Return how many bytes the file says it has, header included."""
    size = little_endian(source, 4, 4)
    return None if size is None else size + 8
