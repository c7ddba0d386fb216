"""Picture files for the tests, made on the spot; and the builders for those that no encoder would write."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from fotofila.core.images.decode import Decoded

SAMPLES = Path(__file__).parent / "samples"
"""HEIC cannot be written by what we install: `orientation1.heic` to `orientation8.heic` are `quadrants()`, turned."""

SHARED = Path(__file__).parents[4] / "shared" / "data" / "raw"
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (240, 240, 240)
ORIENTATION = 0x0112
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""From the upright picture to the pixels that are stored under an orientation."""


def quadrants(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Red, green above blue, white: no turn of it looks like another."""
    image = Image.new("RGB", size)
    x, y = size[0] // 2, size[1] // 2
    for (left, top), colour in {(0, 0): RED, (x, 0): GREEN, (0, y): BLUE, (x, y): WHITE}.items():
        image.paste(colour, (left, top, left + x, top + y))
    return image


def noise(size: tuple[int, int] = (256, 192)) -> Image.Image:
    """A picture that does not compress well, so that its file can be cut in the middle of its pixels."""
    values = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(kind: str, orientation: int) -> bytes:
    """`quadrants()` stored under an orientation."""
    if kind == "HEIC":
        return (SAMPLES / f"orientation{orientation}.heic").read_bytes()
    stored = quadrants() if orientation == 1 else quadrants().transpose(UNDO[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    return encoded(stored, kind, exif=exif.tobytes(), **options)


# TIFF and EXIF ------------------------------------------------------------------------------------------------------

Value = tuple[int, int, bytes]
"""(type, count, bytes)"""


def short(*values: int) -> Value:
    return 3, len(values), struct.pack(f"<{len(values)}H", *values)


def long(*values: int) -> Value:
    return 4, len(values), struct.pack(f"<{len(values)}I", *values)


def text(value: str | bytes) -> Value:
    data = (value.encode() if isinstance(value, str) else value) + b"\0"
    return 2, len(data), data


def rational(*pairs: tuple[int, int]) -> Value:
    return 5, len(pairs), b"".join(struct.pack("<II", *pair) for pair in pairs)


def tiff(main: dict[int, Value], **parts: dict[int, Value]) -> bytes:
    """A little-endian TIFF of one directory; `photo`, `gps`, `sub` are directories that it points at."""
    pointers = {"photo": 34665, "gps": 34853, "sub": 330}
    directories = [main | {pointers[name]: long(0) for name in parts}, *parts.values()]
    offsets = []
    at = 8
    for directory in directories:
        offsets.append(at)
        at += _directory_size(directory)
    for name, offset in zip(parts, offsets[1:], strict=True):
        directories[0][pointers[name]] = long(offset)
    body = b"".join(_directory(each, offset) for each, offset in zip(directories, offsets, strict=True))
    return b"II*\0" + struct.pack("<I", 8) + body


def _directory_size(directory: dict[int, Value]) -> int:
    return (
        6 + 12 * len(directory) + sum(len(data) + len(data) % 2 for _, _, data in directory.values() if len(data) > 4)
    )


def _directory(directory: dict[int, Value], offset: int) -> bytes:
    entries, heap = b"", b""
    heap_at = offset + 6 + 12 * len(directory)
    for tag, (kind, count, data) in sorted(directory.items()):
        entries += struct.pack("<HHI", tag, kind, count)
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", heap_at + len(heap))
            heap += data + b"\0" * (len(data) % 2)
    return struct.pack("<H", len(directory)) + entries + struct.pack("<I", 0) + heap


def jpeg_with_exif(block: bytes) -> bytes:
    return jpeg_with_segments([(0xE1, b"Exif\0\0" + block)])


def jpeg_with_segments(segments: list[tuple[int, bytes]], image: Image.Image | None = None) -> bytes:
    """A JPEG with these segments (marker, payload) before its own."""
    extra = b"".join(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments)
    return b"\xff\xd8" + extra + encoded(image or quadrants(), "JPEG")[2:]


# Boxes --------------------------------------------------------------------------------------------------------------


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 8) + kind + payload


def file_type(major: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", major + b"\0\0\0\0" + b"".join(compatible))


def heif(
    major: bytes = b"heic", *compatible: bytes, item: bytes = b"hvc1", size: tuple[int, int] | None = (640, 480)
) -> bytes:
    """The head of a HEIF still: all the boxes that the door reads, no picture."""
    properties = box(b"ispe", struct.pack(">III", 0, *size)) if size else box(b"pixi", b"\0\0\0\0\3\x08\x08\x08")
    meta = (
        box(b"hdlr", b"\0" * 8 + b"pict" + b"\0" * 13)
        + box(b"pitm", b"\0\0\0\0" + b"\0\1")
        + box(b"iinf", b"\0\0\0\0" + b"\0\1" + box(b"infe", b"\2\0\0\0" + b"\0\1" + b"\0\0" + item + b"\0"))
        + box(
            b"iprp",
            box(b"ipco", properties) + box(b"ipma", b"\0\0\0\0" + b"\0\0\0\1" + b"\0\1" + b"\1" + b"\x81"),
        )
    )
    return file_type(major, *compatible) + box(b"meta", b"\0\0\0\0" + meta)


# ICC ----------------------------------------------------------------------------------------------------------------


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _icc(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"Test profile\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 78
    tags = {b"desc": described, b"wtpt": b"XYZ \0\0\0\0" + _fixed(0.9642, 1.0, 0.8249), **tags}
    at = 128 + 4 + 12 * len(tags)
    table, heap = struct.pack(">I", len(tags)), b""
    for signature, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += signature + struct.pack(">II", at + len(heap), len(data))
        heap += padded
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = b"\0\0\0\0" + struct.pack(">I", 0x02400000) + kind + space + connection + b"\0" * 12
    header += b"acsp" + b"\0" * 28 + _fixed(0.9642, 1.0, 0.8249) + b"\0" * 48
    body = header + table + heap
    return struct.pack(">I", len(body) + 4) + body


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def display_p3_profile() -> bytes:
    """Display P3's primaries, adapted to D50, with a gamma of 2.2."""
    colours = {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2920, 0.6922, 0.0419), b"bXYZ": (0.1571, 0.0666, 0.7841)}
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*value) for name, value in colours.items()}
    return _icc(b"RGB ", b"XYZ ", tags | {name: _gamma(2.2) for name in (b"rTRC", b"gTRC", b"bTRC")})


def linear_gray_profile() -> bytes:
    return _icc(b"GRAY", b"XYZ ", {b"kTRC": _gamma(1.0)})


def cmyk_profile() -> bytes:
    """Paper is white, black ink is black, cyan is a dark blue of (L 40, a 0, b -50), other inks are gray."""
    grid = b""
    for inks in np.ndindex(2, 2, 2, 2):
        cyan, *_, black = inks
        lightness, b = (0, 0) if black else (40, -50) if cyan else (100 - 30 * sum(inks), 0)
        grid += bytes([round(lightness * 2.55), 128, 128 + b])
    straight = bytes(range(256))
    matrix = _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + straight * 4 + grid + straight * 3
    return _icc(b"CMYK", b"Lab ", {b"A2B0": table})


class Seen(Protocol):
    """Decode a file with these bytes."""

    def __call__(self, data: bytes, *, pixel_cap: int = 200_000_000) -> Decoded: ...
