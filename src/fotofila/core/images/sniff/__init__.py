"""The door: what a file is, told from its first bytes alone, in bounded time, without any decoder."""

from __future__ import annotations

from fotofila.core.images.containers.source import HeadSource, Source
from fotofila.core.images.errors import (
    EmptyFileError,
    MalformedImageError,
    MediaTypeMismatchError,
    TooManyPixelsError,
)
from fotofila.core.images.formats import EXTENSIONS, NAMES, agrees
from fotofila.core.images.sniff import isobmff, jpeg, png, tiff, webp
from fotofila.core.images.sniff.refusals import refusal
from fotofila.core.images.sniff.result import Header, Sniffed

__all__ = ["DEFAULT_PIXEL_CAP", "HEAD_BYTES", "Sniffed", "check_size", "read_image_header", "sniff"]

HEAD_BYTES = 64 * 1024
"""How much of a file the door wants to see."""

DEFAULT_PIXEL_CAP = 200_000_000

_READERS = (jpeg.read, png.read, webp.read, isobmff.read, tiff.read)


def sniff(head: bytes, *, declared_type: str | None, pixel_cap: int = DEFAULT_PIXEL_CAP) -> Sniffed:
    """Return what a file is that begins with `head`, or raise why it is not taken.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of it where it is shorter; more is ignored.
        declared_type: The content type the sender gave; None and types that say nothing contradict nothing.
        pixel_cap: Width x height that is still taken.

    Raises:
        EmptyFileError, UnsupportedMediaTypeError, RawNotSupportedError, MediaTypeMismatchError, TooManyPixelsError,
        MalformedImageError: and nothing else, whatever the bytes.
    """
    head = head[:HEAD_BYTES]
    header = read_image_header(head, HeadSource(head))
    if not agrees(declared_type, header.media_type):
        raise MediaTypeMismatchError(
            f"The file was sent as {_shown(declared_type)} but is a {NAMES[header.media_type]}: "
            f"send it as {header.media_type}."
        )
    check_size(header.width, header.height, pixel_cap=pixel_cap)
    return Sniffed(
        media_type=header.media_type,
        extension=EXTENSIONS[header.media_type],
        width=header.width,
        height=header.height,
    )


def read_image_header(head: bytes, source: Source) -> Header:
    """Return the header of a picture that begins with `head` and can be read further through `source`.

    Raises:
        EmptyFileError, UnsupportedMediaTypeError, RawNotSupportedError, MalformedImageError: see `sniff`.
    """
    if not head:
        raise EmptyFileError("The file is empty: nothing arrived, or nothing was chosen. Upload it again.")
    for read in _READERS:
        header = read(head, source)
        if header is not None:
            return header
    raise refusal(head)


def check_size(width: int | None, height: int | None, *, pixel_cap: int) -> None:
    """Raise where a size is impossible or over the cap; an unknown size passes.

    Raises:
        MalformedImageError: a side is zero or negative.
        TooManyPixelsError: width x height is over `pixel_cap`.
    """
    if width is None or height is None:
        return
    if width <= 0 or height <= 0:
        raise MalformedImageError(f"The header says {width} x {height} pixels, which is no picture: export it again.")
    if width * height > pixel_cap:
        raise TooManyPixelsError(
            f"The picture has {width} x {height} pixels ({width * height / 1e6:,.0f} megapixels); at most "
            f"{pixel_cap / 1e6:,.0f} megapixels are taken. Send it smaller, or raise FOTOFILA_MAX_PIXELS "
            f"(now {pixel_cap})."
        )


def _shown(declared_type: str | None) -> str:
    """Return the sender's words, fit for a sentence."""
    return "".join(char for char in (declared_type or "")[:64] if char.isprintable())
