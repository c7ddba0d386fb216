"""The header of a TIFF; and of the RAW files that begin like one."""

from __future__ import annotations

from fotofila.core.images.containers.source import Source
from fotofila.core.images.containers.tiff import (
    Directory,
    integer,
    integers,
    raw,
    read_directory,
    read_header,
)
from fotofila.core.images.containers.tiff import (
    Header as TiffHeader,
)
from fotofila.core.images.errors import RawNotSupportedError
from fotofila.core.images.formats import TIFF
from fotofila.core.images.sniff.result import Header

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _MAKE = 254, 256, 257, 259, 262, 271
_SUB_DIRECTORIES, _DNG_VERSION, _DNG_PRIVATE = 330, 50706, 50740
_CFA, _LINEAR_RAW = 32803, 34892
_RAW_COMPRESSIONS = {32767, 32769, 32770, 34713, 65000, 65535}  # Sony, Epson, Samsung, Nikon, Kodak, Pentax
_MAX_SUB_DIRECTORIES = 16
_RAW_MAGICS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\x00")  # Olympus (three), Panasonic


def read(head: bytes, source: Source) -> Header | None:
    """Return the header of a TIFF, or None for other bytes. The size is that of the first picture.

    Raises:
        RawNotSupportedError: a RAW file that is a TIFF by its first bytes (DNG, NEF, CR2, ARW, PEF, ORF, RW2 …).
    """
    if head.startswith(_RAW_MAGICS) or (head[:2] == b"II" and head[8:10] == b"CR"):
        raise _raw_error()
    header = read_header(source)
    if header is None:
        return None
    directory = read_directory(source, header, header.first)
    if directory is None:
        return Header(media_type=TIFF)
    if _is_raw(source, header, directory):
        raise _raw_error()
    width, height = (integer(source, header, directory, tag) for tag in (_WIDTH, _HEIGHT))
    return Header(media_type=TIFF, width=width, height=height)


def _raw_error() -> RawNotSupportedError:
    return RawNotSupportedError("This is a camera's RAW file. RAW files are not developed yet: send a JPEG or TIFF.")


def _is_raw(source: Source, header: TiffHeader, directory: Directory) -> bool:
    """Return whether a directory is of a RAW: it says so, or its picture is a thumbnail of a camera's other data."""
    fields = directory.fields
    if _DNG_VERSION in fields or _DNG_PRIVATE in fields or _is_sensor_data(source, header, directory):
        return True
    if _SUB_DIRECTORIES not in fields:
        return False
    offsets = integers(source, header, fields[_SUB_DIRECTORIES], max_values=_MAX_SUB_DIRECTORIES)
    parts = [read_directory(source, header, offset) for offset in offsets]
    if any(part is not None and _is_sensor_data(source, header, part) for part in parts):
        return True
    has_make = _MAKE in fields and raw(source, fields[_MAKE], max_bytes=64).strip(b"\0 ") != b""
    reduced = (integer(source, header, directory, _SUBFILE_TYPE) or 0) & 1
    return has_make and bool(reduced)


def _is_sensor_data(source: Source, header: TiffHeader, directory: Directory) -> bool:
    return (
        integer(source, header, directory, _PHOTOMETRIC) in {_CFA, _LINEAR_RAW}
        or integer(source, header, directory, _COMPRESSION) in _RAW_COMPRESSIONS
    )
