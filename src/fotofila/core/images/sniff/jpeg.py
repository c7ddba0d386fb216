"""The header of a JPEG: its size stands in the frame segment (ITU-T T.81, B.2.2)."""

from __future__ import annotations

from fotofila.core.images.containers.jpeg import SIGNATURE, SOF_MARKERS, segments
from fotofila.core.images.containers.source import Source
from fotofila.core.images.errors import MalformedImageError
from fotofila.core.images.formats import JPEG
from fotofila.core.images.sniff.result import Header


def read(head: bytes, source: Source) -> Header | None:
    """Return the header of a JPEG, or None for other bytes.

    Raises:
        MalformedImageError: the picture data start before any size was told.
    """
    if not head.startswith(SIGNATURE):
        return None
    for segment in segments(source):
        if segment.marker in SOF_MARKERS:
            frame = source.read(segment.offset, 5)
            if len(frame) < 5 or segment.size < 5:  # noqa: PLR2004 - precision, height, width
                break
            return Header(
                media_type=JPEG,
                width=int.from_bytes(frame[3:5], "big"),
                height=int.from_bytes(frame[1:3], "big"),
            )
        if segment.marker in {0xDA, 0xD9}:
            raise MalformedImageError("This JPEG has no size in its header: export it again.")
    return Header(media_type=JPEG)
