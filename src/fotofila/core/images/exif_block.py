"""Where the EXIF block lies in each format."""

from __future__ import annotations

from fotofila.core.images.containers import jpeg, png, riff
from fotofila.core.images.containers.heif import item_bytes, read_meta
from fotofila.core.images.containers.source import HeadSource, PartSource, Source
from fotofila.core.images.formats import AVIF, HEIC, JPEG, PNG, TIFF, WEBP

_PREFIX = b"Exif\x00\x00"
_MAX_BYTES = 4 * 1024 * 1024


def find_exif(source: Source, media_type: str) -> Source | None:
    """Return the EXIF block of a picture, beginning with its TIFF header, or None where it has none."""
    if media_type == TIFF:
        return source
    block = _FINDERS[media_type](source)
    return PartSource(block, len(_PREFIX), _MAX_BYTES) if block and block.read(0, 6) == _PREFIX else block


def _in_jpeg(source: Source) -> Source | None:
    for segment in jpeg.segments(source):
        if segment.marker == jpeg.APP1 and source.read(segment.offset, len(_PREFIX)) == _PREFIX:
            return PartSource(source, segment.offset, segment.size)
    return None


def _in_png(source: Source) -> Source | None:
    for chunk in png.chunks(source):
        if chunk.kind == b"eXIf":
            return PartSource(source, chunk.offset, min(chunk.size, _MAX_BYTES))
    return None


def _in_webp(source: Source) -> Source | None:
    for chunk in riff.chunks(source):
        if chunk.kind == b"EXIF":
            return PartSource(source, chunk.offset, min(chunk.size, _MAX_BYTES))
    return None


def _in_heif(source: Source) -> Source | None:
    meta = read_meta(source)
    item = next((item for item, kind in meta.kinds.items() if kind == b"Exif"), None) if meta else None
    if meta is None or item is None:
        return None
    data = item_bytes(source, meta, item, max_bytes=_MAX_BYTES)
    # The item begins with the offset of the TIFF header behind these four bytes (23008-12, A.2.1).
    start = 4 + int.from_bytes(data[:4], "big")
    return HeadSource(data[start:] if start < len(data) else data[4:])


_FINDERS = {JPEG: _in_jpeg, PNG: _in_png, WEBP: _in_webp, HEIC: _in_heif, AVIF: _in_heif}
