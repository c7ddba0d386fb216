"""The header of HEIC and AVIF; and their relatives, which are refused by name."""

from __future__ import annotations

from fotofila.core.images.containers.heif import Meta, read_meta, size_of
from fotofila.core.images.containers.isobmff import brands
from fotofila.core.images.containers.source import Source
from fotofila.core.images.errors import MalformedImageError, RawNotSupportedError, UnsupportedMediaTypeError
from fotofila.core.images.formats import ACCEPTED_SENTENCE, AVIF, HEIC
from fotofila.core.images.sniff.result import Header

_HEVC_STILLS = {b"heic", b"heix", b"heim", b"heis"}
_SEQUENCES = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1", b"avis"}
_ANY_STILL = {b"mif1", b"mif2", b"miaf", b"MiHE"}
_HEVC_ITEMS = {b"hvc1", b"grid", b"iden", b"iovl", b"tmap"}


def read(head: bytes, source: Source) -> Header | None:
    """Return the header of a HEIC or AVIF still, or None for bytes that are no such container.

    Raises:
        RawNotSupportedError: a CR3.
        UnsupportedMediaTypeError: a moving picture, or a codec in HEIF that is not taken.
        MalformedImageError: the primary picture has no size.
    """
    if head[4:8] != b"ftyp":
        return None
    found = brands(source)
    major, compatible = found or (b"", frozenset())
    if major == b"crx ":
        raise RawNotSupportedError("This is a Canon RAW file (CR3). RAW files are not developed yet: send a JPEG.")
    if major in _SEQUENCES:
        raise UnsupportedMediaTypeError(
            f"This is a moving picture (HEIF sequence): {ACCEPTED_SENTENCE}. Send one frame of it."
        )
    meta = read_meta(source)
    media_type = _media_type(major, compatible, meta)
    if media_type is None:
        what = "a HEIF file in a codec that is not read" if major in _ANY_STILL else "a video"
        raise UnsupportedMediaTypeError(f"This is {what}: {ACCEPTED_SENTENCE}.")
    width, height = _size(meta)
    return Header(media_type=media_type, width=width, height=height)


def _media_type(major: bytes, compatible: frozenset[bytes], meta: Meta | None) -> str | None:
    if major == b"avif":
        return AVIF
    if major in _HEVC_STILLS:
        return HEIC
    if major not in _ANY_STILL:
        return None
    item = meta.kinds.get(meta.primary or 0) if meta else None
    if item == b"av01" or (b"avif" in compatible and item not in _HEVC_ITEMS - {b"grid"}):
        return AVIF
    return HEIC if item in _HEVC_ITEMS or (item is None and compatible & _HEVC_STILLS) else None


def _size(meta: Meta | None) -> tuple[int | None, int | None]:
    """Return the size of the primary item; where it is not told, the largest that any item has."""
    if meta is None:
        return None, None
    size = size_of(meta.properties_of(meta.primary))
    if size is None:
        sizes = [each for prop in meta.properties if (each := size_of([prop])) is not None]
        size = max(sizes, key=lambda each: each[0] * each[1], default=None)
    if size is None and meta.complete:
        raise MalformedImageError("This picture has no size in its header: export it again.")
    return size or (None, None)
