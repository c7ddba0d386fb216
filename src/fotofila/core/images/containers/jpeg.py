"""The marker segments of a JPEG, up to the start of the picture data (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fotofila.core.images.containers.source import Source, big_endian

SIGNATURE = b"\xff\xd8\xff"
SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1
SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})

_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MAX_SEGMENTS = 4096
_MAX_JUNK_BYTES = 4096
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment; `offset` and `size` are of its payload, without marker and length."""

    marker: int
    offset: int
    size: int


def segments(source: Source) -> Iterator[Segment]:
    """Yield the segments in order and stop after SOS, EOI, the end of the source, or too many of them."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        skipped = _junk_before_marker(source, position)
        if skipped is None:
            return
        position += skipped
        marker = big_endian(source, position + 1, 1)
        if marker is None:
            return
        if marker in _WITHOUT_LENGTH:
            position += 2
            continue
        size = 2 if marker == EOI else big_endian(source, position + 2, 2)
        if size is None or size < 2:  # noqa: PLR2004 - the length counts itself
            return
        yield Segment(marker=marker, offset=position + 4, size=size - 2)
        if marker in {SOS, EOI}:
            return
        position += 2 + size


def _junk_before_marker(source: Source, position: int) -> int | None:
    """Return how many bytes to skip: decoders pass over stray bytes and fill bytes (0xFF), so we do."""
    for reach in (2, 64, _MAX_JUNK_BYTES):
        found = _MARKER.search(source.read(position, reach))
        if found:
            return found.start()
    return None
