"""The boxes of HEIC and AVIF files (ISO/IEC 14496-12, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fotofila.core.images.containers.source import Source

_MAX_BOXES = 16384
_END_UNKNOWN = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box; `start` and `end` are of its payload, in the positions of the source it was found in."""

    kind: bytes
    start: int
    end: int
    open_ended: bool = False
    """Its size is 0: it reaches to the end of the file."""


def boxes(source: Source, start: int = 0, end: int = _END_UNKNOWN) -> Iterator[Box]:
    """Yield the boxes between two positions; the last may reach past the end of the source."""
    position = start
    for _ in range(_MAX_BOXES):
        header = source.read(position, 16)
        if len(header) < 8 or position + 8 > end:  # noqa: PLR2004 - size and type
            return
        size, payload = int.from_bytes(header[:4], "big"), position + 8
        if size == 1:
            size, payload = int.from_bytes(header[8:16], "big"), position + 16
        stop = end if size == 0 else position + size
        if stop < payload:
            return
        yield Box(kind=header[4:8], start=payload, end=min(stop, end), open_ended=size == 0)
        position = stop


def brands(source: Source) -> tuple[bytes, frozenset[bytes]] | None:
    """Return the major brand and all compatible ones, or None where the source does not begin with `ftyp`."""
    box = next(boxes(source), None)
    if box is None or box.kind != b"ftyp":
        return None
    data = source.read(box.start, min(box.end - box.start, 1024))
    return data[:4], frozenset(data[at : at + 4] for at in range(8, len(data) - 3, 4))
