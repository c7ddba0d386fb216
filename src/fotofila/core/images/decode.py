"""From a file to upright sRGB pixels. Runs in the sandboxed child; nothing here forgives a file that is cut off."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fotofila.core.images.colour import is_srgb, profile_name, to_srgb
from fotofila.core.images.completeness import check_complete
from fotofila.core.images.containers.source import FileSource
from fotofila.core.images.decoders import Opened, open_picture
from fotofila.core.images.errors import (
    CorruptImageError,
    ImageTooLargeError,
    MalformedImageError,
    TruncatedImageError,
)
from fotofila.core.images.formats import JPEG, NAMES
from fotofila.core.images.jpeg_pixels import read_pixels
from fotofila.core.images.orientation import upright
from fotofila.core.images.sniff import DEFAULT_PIXEL_CAP, HEAD_BYTES, check_size, read_image_header

# What Pillow, libheif and the codecs below them raise on bytes that they do not like.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_MEMORY_WORDS = ("memory", "security limit", "alloc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A picture as it is meant to be seen."""

    pixels: NDArray[np.uint8]
    """(height, width, 3), RGB, sRGB, contiguous, read-only."""

    width: int
    height: int
    orientation: int
    """The EXIF orientation (1-8) that was applied to the stored pixels."""

    media_type: str
    has_alpha: bool
    """It had transparency, which is now white."""

    icc_profile: str | None
    """The name of the embedded profile whose colours were turned into sRGB, if there was one."""


def decode(path: Path, *, pixel_cap: int = DEFAULT_PIXEL_CAP) -> Decoded:
    """Return the upright pixels of a JPEG, PNG, WebP, HEIC, AVIF or TIFF (of its first picture).

    Raises:
        TruncatedImageError: the file ends early; the sentence says how much is there.
        CorruptImageError: the file is all there but cannot be read.
        ImageTooLargeError: there is not the memory for it.
        UnsupportedImageError: a variety that is not read, as floating-point TIFF.
        EmptyFileError, UnsupportedMediaTypeError, RawNotSupportedError, TooManyPixelsError, MalformedImageError: as
            at the door, for files whose head did not tell.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        # Decoders warn of odd metadata; what matters to us they raise.
        warnings.simplefilter("ignore")
        source = FileSource.of(file)
        header = read_image_header(source.read(0, HEAD_BYTES), source)
        check_size(header.width, header.height, pixel_cap=pixel_cap)
        check_complete(source, header.media_type)
        if header.width is None:
            raise MalformedImageError("The picture does not say how large it is: export it again.")
        return _decode(file, source, header.media_type, pixel_cap=pixel_cap)


def _decode(file: BinaryIO, source: FileSource, media_type: str, *, pixel_cap: int) -> Decoded:
    try:
        opened = open_picture(file, source, media_type)
        check_size(*opened.image.size, pixel_cap=pixel_cap)
        return _developed(opened, file, media_type)
    except MemoryError as error:
        raise _too_large() from error
    except _DECODER_ERRORS as error:
        raise _verdict(error, media_type) from error


def _developed(opened: Opened, file: BinaryIO, media_type: str) -> Decoded:
    quick = media_type == JPEG and is_srgb(opened.image)
    pixels = read_pixels(file, opened.image) if quick else None
    has_alpha = False
    if pixels is None:
        opened.image.load()
        coloured = to_srgb(opened.image, significant_bits=opened.significant_bits, white_is_zero=opened.white_is_zero)
        has_alpha, icc_profile = coloured.has_alpha, coloured.icc_profile
        pixels = np.asarray(upright(coloured.image, opened.turn))
    else:
        icc_profile = profile_name(opened.image)
        if opened.turn != 1:
            pixels = np.asarray(upright(Image.fromarray(pixels), opened.turn))
    return Decoded(
        pixels=pixels,
        width=pixels.shape[1],
        height=pixels.shape[0],
        orientation=opened.orientation,
        media_type=media_type,
        has_alpha=has_alpha,
        icc_profile=icc_profile,
    )


def _verdict(error: Exception, media_type: str) -> Exception:
    """Return what to raise for what a decoder raised."""
    if isinstance(error, OSError) and error.errno is not None:
        return error  # the disk, not the picture
    said = str(error).lower()
    if any(word in said for word in _MEMORY_WORDS):
        return _too_large()
    if "truncated" in said:
        return TruncatedImageError("The file ends in the middle of its pixel data: upload it again.")
    return CorruptImageError(
        f"The {NAMES[media_type]} is all there, but its picture is damaged and cannot be read: export it again."
    )


def _too_large() -> ImageTooLargeError:
    return ImageTooLargeError(
        "There is not enough memory to decode this picture: send it smaller, or raise FOTOFILA_CHILD_MEMORY_MB."
    )
