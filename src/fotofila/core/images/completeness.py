"""Is the file all there? Told from its container, before any decoder sees it."""

from __future__ import annotations

import zlib

from fotofila.core.images.containers import jpeg, png, riff
from fotofila.core.images.containers.heif import read_meta
from fotofila.core.images.containers.isobmff import boxes
from fotofila.core.images.containers.source import FileSource
from fotofila.core.images.containers.tiff import integers, read_directory, read_header
from fotofila.core.images.errors import CorruptImageError, MalformedImageError, TruncatedImageError
from fotofila.core.images.formats import AVIF, HEIC, JPEG, PNG, TIFF, WEBP
from fotofila.core.images.jpeg_end import has_end, present_bytes, share_of_picture

_BLOCK_BYTES = 1024 * 1024
_DATA_TAGS = ((273, 279), (324, 325))  # offsets and sizes of strips, of tiles
_STILL_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"mfra", b"sidx"})
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def check_complete(source: FileSource, media_type: str) -> None:
    """Raise where the container says that there should be more.

    A JPEG does not tell how long it is: only that it has a header and an end is checked here.

    Raises:
        TruncatedImageError: the file ends too early; the sentence says how much is there.
        CorruptImageError: a check sum of a PNG is wrong, or a TIFF points at no picture.
        MalformedImageError: a JPEG has no picture behind its header.
    """
    _CHECKS[media_type](source)


def cut_after(present_bytes: int, expected_bytes: int) -> TruncatedImageError:
    """Return the error for a file that has `present_bytes` of the bytes it promises."""
    present, expected = in_words(present_bytes), in_words(expected_bytes)
    if present == expected:
        present, expected = f"{present_bytes} bytes", f"{expected_bytes} bytes"
    return TruncatedImageError(f"The file ends after {present} of {expected}: upload it again.")


def cut_within_pixels(present_bytes: int, share: float | None) -> TruncatedImageError:
    """Return the error for a file with `present_bytes` of pixel data, which are `share` (0-1) of the picture."""
    part = "" if share is None else f", about {min(99, round(share * 100))} % of the picture"
    return TruncatedImageError(f"The file ends after {in_words(present_bytes)} of pixel data{part}: upload it again.")


def in_words(size: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _check_jpeg(source: FileSource) -> None:
    last = None
    for last in jpeg.segments(source):
        start = last.offset + last.size
        if last.marker == jpeg.SOS and start <= source.size:
            if not has_end(source, start):
                raise cut_jpeg(source, start)
            return
    if last is not None and last.marker == jpeg.EOI:
        raise MalformedImageError("This JPEG has a header but no picture: export it again.")
    raise TruncatedImageError(
        f"The file ends after {in_words(source.size)}, before its picture begins: upload it again."
    )


def cut_jpeg(source: FileSource, start: int) -> TruncatedImageError:
    """Return the error for a JPEG whose pixel data begin at `start` and do not end."""
    present = present_bytes(source, start)
    return cut_within_pixels(present, share_of_picture(source, start + present))


def _check_png(source: FileSource) -> None:
    data: list[png.Chunk] = []
    for chunk in png.chunks(source):
        if chunk.kind == b"IDAT":
            data.append(chunk)
        if chunk.offset + chunk.size + 4 > source.size:
            break
        if chunk.kind == b"IDAT":
            _check_crc(source, chunk)
        if chunk.kind == b"IEND":
            return
    present = sum(min(chunk.size, source.size - chunk.offset) for chunk in data)
    raise cut_within_pixels(present, _share_of_png(source, data))


def _check_crc(source: FileSource, chunk: png.Chunk) -> None:
    crc = zlib.crc32(chunk.kind)
    for at in range(0, chunk.size, _BLOCK_BYTES):
        crc = zlib.crc32(source.read(chunk.offset + at, min(_BLOCK_BYTES, chunk.size - at)), crc)
    if crc != int.from_bytes(source.read(chunk.offset + chunk.size, 4), "big"):
        raise CorruptImageError(
            "The check sum of the picture data is wrong: bytes were changed on the way. Send it again."
        )


def _share_of_png(source: FileSource, data: list[png.Chunk]) -> float:
    """Return how much of the pixels (0-1) can still be unpacked; interlacing is ignored."""
    header = source.read(16, 10)
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    expected = height * (1 + (width * _PNG_CHANNELS.get(header[9], 1) * header[8] + 7) // 8)
    inflater, unpacked = zlib.decompressobj(), 0
    try:
        for chunk in data:
            for at in range(0, chunk.size, _BLOCK_BYTES):
                block = source.read(chunk.offset + at, min(_BLOCK_BYTES, chunk.size - at))
                while block and unpacked < expected:
                    unpacked += len(inflater.decompress(block, _BLOCK_BYTES))
                    block = inflater.unconsumed_tail
    except zlib.error:
        pass  # what was unpacked until here counts
    return min(1.0, unpacked / max(1, expected))


def _check_webp(source: FileSource) -> None:
    expected = riff.promised_size(source)
    # Some writers count the padding of an odd last chunk without writing it.
    if expected is not None and expected > source.size + 1:
        raise cut_after(source.size, expected)


def _check_heif(source: FileSource) -> None:
    for box in boxes(source):
        if box.kind not in _STILL_BOXES:
            break  # something else was appended
        if not box.open_ended and box.end > source.size:
            raise cut_after(source.size, box.end)
    meta = read_meta(source)
    if meta is None:
        raise TruncatedImageError(
            f"The file ends after {in_words(source.size)}, before its table of contents: upload it again."
        )
    in_file = (location for location in meta.locations.values() if location.method == 0)
    expected = max((offset + size for location in in_file for offset, size in location.extents), default=0)
    if expected > source.size:
        raise cut_after(source.size, expected)


def _check_tiff(source: FileSource) -> None:
    header = read_header(source)
    directory = read_directory(source, header, header.first) if header else None
    if header is None or directory is None or not directory.complete:
        raise TruncatedImageError(
            f"The file ends after {in_words(source.size)}, before its directory does: upload it again."
        )
    for offset_tag, size_tag in _DATA_TAGS:
        if offset_tag in directory.fields and size_tag in directory.fields:
            offsets = integers(source, header, directory.fields[offset_tag])
            sizes = integers(source, header, directory.fields[size_tag])
            expected = max((offset + size for offset, size in zip(offsets, sizes, strict=False)), default=0)
            if expected > source.size:
                raise cut_after(source.size, expected)
            return
    raise CorruptImageError("This TIFF points at no picture data: export it again.")


_CHECKS = {
    JPEG: _check_jpeg,
    PNG: _check_png,
    WEBP: _check_webp,
    HEIC: _check_heif,
    AVIF: _check_heif,
    TIFF: _check_tiff,
}
