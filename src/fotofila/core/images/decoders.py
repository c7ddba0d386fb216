"""One opener a format: Pillow's own class for it, so that no other decoder can be talked into reading the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from fotofila.core.images.containers.heif import orientation_of, read_meta
from fotofila.core.images.containers.source import FileSource
from fotofila.core.images.containers.tiff import integer, read_directory, read_header
from fotofila.core.images.exif_block import find_exif
from fotofila.core.images.formats import AVIF, HEIC, JPEG, PNG, TIFF, WEBP
from fotofila.core.images.orientation import read_orientation

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_WHITE_IS_ZERO = 0
_MAX_TEXT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A picture whose header is read and whose pixels are not."""

    image: Image.Image
    orientation: int
    """The EXIF orientation (1-8) that takes the stored pixels upright."""

    turn: int
    """What of it is left to do once the pixels are loaded: some decoders turn the picture themselves."""

    significant_bits: int = 16
    white_is_zero: bool = False


def open_picture(file: BinaryIO, source: FileSource, media_type: str) -> Opened:
    """Return the picture in a file of this type. Raises whatever the decoder raises on bytes that it cannot read."""
    # Our own cap was checked; Pillow's would stop at 179 megapixels.
    Image.MAX_IMAGE_PIXELS = None
    if media_type == TIFF:
        return _open_tiff(file, source)
    if media_type == HEIC:
        return _open_heic(file, source)
    orientation = _container_orientation(source) if media_type == AVIF else _exif_orientation(source, media_type)
    file.seek(0)
    return Opened(image=_OPENERS[media_type](file), orientation=orientation, turn=orientation)


def _exif_orientation(source: FileSource, media_type: str) -> int:
    block = find_exif(source, media_type)
    return read_orientation(block) if block else 1


def _container_orientation(source: FileSource) -> int:
    """Return the turn of a HEIF file: there the container's counts and EXIF's does not (23008-12, annex A)."""
    meta = read_meta(source)
    return orientation_of(meta.properties_of(meta.primary)) if meta else 1


def _open_jpeg(file: BinaryIO) -> Image.Image:
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415 - a child loads the decoders that it needs

    return JpegImageFile(file)


def _open_png(file: BinaryIO) -> Image.Image:
    from PIL import PngImagePlugin  # noqa: PLC0415 - as above

    # A long text beside the picture (XMP, a workflow) is no reason to refuse the picture.
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _MAX_TEXT_BYTES
    return PngImagePlugin.PngImageFile(file)


def _open_webp(file: BinaryIO) -> Image.Image:
    from PIL.WebPImagePlugin import WebPImageFile  # noqa: PLC0415 - as above

    return WebPImageFile(file)


def _open_avif(file: BinaryIO) -> Image.Image:
    from PIL.AvifImagePlugin import AvifImageFile  # noqa: PLC0415 - as above

    return AvifImageFile(file)


def _open_heic(file: BinaryIO, source: FileSource) -> Opened:
    from pi_heif import heif, options  # noqa: PLC0415 - as above

    meta = read_meta(source)
    if meta is None or not meta.readable:
        # pi_heif makes texts of the items' types and takes the process down with it when they are none.
        raise ValueError("item types are no text")
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    file.seek(0)
    image: Image.Image = heif.open_heif(file).to_pillow()
    return Opened(image=image, orientation=orientation_of(meta.properties_of(meta.primary)), turn=1)  # libheif turns it


def _open_tiff(file: BinaryIO, source: FileSource) -> Opened:
    from PIL.TiffImagePlugin import TiffImageFile  # noqa: PLC0415 - as above

    header = read_header(source)
    directory = read_directory(source, header, header.first) if header else None
    bits = white = None
    if header and directory:
        bits = integer(source, header, directory, _BITS_PER_SAMPLE)
        white = integer(source, header, directory, _PHOTOMETRIC)
    orientation = read_orientation(source)
    file.seek(0)
    return Opened(
        image=TiffImageFile(file),
        orientation=orientation,
        turn=1,  # Pillow turns a TIFF as it loads it
        significant_bits=12 if bits == 12 else 16,  # noqa: PLR2004 - the one odd depth that Pillow reads
        white_is_zero=white == _WHITE_IS_ZERO,
    )


_OPENERS = {
    JPEG: _open_jpeg,
    PNG: _open_png,
    WEBP: _open_webp,
    AVIF: _open_avif,
}
