"""The items of a HEIC or AVIF: kinds, places, sizes, rotation (ISO/IEC 23008-12 and 14496-12, section 8.11)."""

from __future__ import annotations

from dataclasses import dataclass, field

from fotofila.core.images.containers.isobmff import Box, boxes
from fotofila.core.images.containers.source import PartSource, Source

_MAX_META_BYTES = 4 * 1024 * 1024
_MAX_ITEMS = 16384
_MAX_EXTENTS = 65536
_MAX_ITEM_INFO = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the bytes of an item lie: `method` 0 is the file, 1 is the `idat` box; extents are (offset, size)."""

    method: int
    extents: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Meta:
    """What the `meta` box says of the items in the file."""

    primary: int | None = None
    kinds: dict[int, bytes] = field(default_factory=dict)
    locations: dict[int, Location] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    associations: dict[int, tuple[int, ...]] = field(default_factory=dict)
    idat: Box | None = None
    complete: bool = True
    """False where the source ended within the box: what is missing may lie beyond."""

    readable: bool = True
    """False where an item's type, or the content type of its metadata, is no text."""

    def properties_of(self, item: int | None) -> list[tuple[bytes, bytes]]:
        """Return the item's properties in their order, which is that of their application."""
        if item is None:
            return []
        indexes = self.associations.get(item, ())
        return [self.properties[index - 1] for index in indexes if 1 <= index <= len(self.properties)]


def read_meta(source: Source) -> Meta | None:
    """Return what the `meta` box says, or None where it is not in the source."""
    for box in boxes(source):
        if box.kind == b"meta":
            start = box.start + 4  # version and flags
            size = min(box.end - start, _MAX_META_BYTES)
            meta = _parse_meta(PartSource(source, start, size), start)
            meta.complete = size <= 0 or len(source.read(start + size - 1, 1)) == 1
            return meta
    return None


def _parse_meta(part: Source, base: int) -> Meta:
    meta = Meta()
    for box in boxes(part):
        data = part.read(box.start, box.end - box.start)
        if box.kind == b"pitm":
            meta.primary = int.from_bytes(data[4:8] if data[:1] == b"\x01" else data[4:6], "big")
        elif box.kind == b"iinf":
            _read_items(part, box, data, meta)
        elif box.kind == b"iloc":
            meta.locations = _locations(data)
        elif box.kind == b"iprp":
            _read_properties(part, box, meta)
        elif box.kind == b"idat":
            meta.idat = Box(kind=box.kind, start=base + box.start, end=base + box.end)
    return meta


def _read_items(part: Source, box: Box, data: bytes, meta: Meta) -> None:
    skip = 8 if data[:1] != b"\x00" else 6
    for entry in boxes(part, box.start + skip, box.end):
        info = part.read(entry.start, min(entry.end - entry.start, _MAX_ITEM_INFO))
        if entry.kind == b"infe" and info[:1] in {b"\x02", b"\x03"}:
            wide = info[0] == 3  # noqa: PLR2004 - version 3 has 32-bit ids
            item = int.from_bytes(info[4:8] if wide else info[4:6], "big")
            kind, words = (info[10:14], info[14:]) if wide else (info[8:12], info[12:])
            meta.kinds[item] = kind
            meta.readable = meta.readable and kind.isascii() and (kind != b"mime" or words.isascii())


def _read_properties(part: Source, container: Box, meta: Meta) -> None:
    for box in boxes(part, container.start, container.end):
        if box.kind == b"ipco":
            meta.properties = [
                (prop.kind, part.read(prop.start, min(prop.end - prop.start, 64)))
                for prop in boxes(part, box.start, box.end)
            ]
        elif box.kind == b"ipma":
            meta.associations.update(_associations(part.read(box.start, box.end - box.start)))


def _associations(data: bytes) -> dict[int, tuple[int, ...]]:
    id_size, index_size = (2 if data[:1] == b"\x00" else 4), (2 if data[3:4] and data[3] & 1 else 1)
    mask = 0x7FFF if index_size == 2 else 0x7F  # noqa: PLR2004 - the top bit says "essential"
    result: dict[int, tuple[int, ...]] = {}
    at = 8
    for _ in range(min(int.from_bytes(data[4:8], "big"), _MAX_ITEMS)):
        if at + id_size >= len(data):
            break
        item, count = int.from_bytes(data[at : at + id_size], "big"), data[at + id_size]
        at += id_size + 1
        indexes = range(at, min(at + count * index_size, len(data)), index_size)
        result[item] = tuple(int.from_bytes(data[i : i + index_size], "big") & mask for i in indexes)
        at += count * index_size
    return result


class _Cursor:
    """Reads integers one after the other; past the end they are 0 and `ended` is set."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    @property
    def ended(self) -> bool:
        return self.at > len(self.data)

    def take(self, size: int) -> int:
        value = int.from_bytes(self.data[self.at : self.at + size], "big")
        self.at += size
        return value


def _locations(data: bytes) -> dict[int, Location]:
    """Return the item locations (`iloc`, versions 0 to 2)."""
    if len(data) < 8:  # noqa: PLR2004 - version, flags, sizes, count
        return {}
    version, offset_size, length_size = data[0], data[4] >> 4, data[4] & 15
    base_size, index_size = data[5] >> 4, (data[5] & 15) if version else 0
    wide = version == 2  # noqa: PLR2004 - 32-bit ids
    cursor = _Cursor(data, 6)
    budget = _MAX_EXTENTS
    result: dict[int, Location] = {}
    for _ in range(min(cursor.take(4 if wide else 2), _MAX_ITEMS)):
        item = cursor.take(4 if wide else 2)
        method = cursor.take(2) & 15 if version else 0
        cursor.take(2)  # data reference
        base = cursor.take(base_size)
        count = min(cursor.take(2), budget)
        budget -= count
        extents = []
        for _ in range(count):
            cursor.take(index_size)
            offset = base + cursor.take(offset_size)
            extents.append((offset, cursor.take(length_size)))
            if cursor.ended:
                return result
        if cursor.ended:
            break
        result[item] = Location(method=method, extents=tuple(extents))
    return result


def size_of(properties: list[tuple[bytes, bytes]]) -> tuple[int, int] | None:
    """Return (width, height) as stored, before rotation, from an item's `ispe`."""
    for kind, data in properties:
        if kind == b"ispe" and len(data) >= 12:  # noqa: PLR2004 - version, width, height
            return int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    return None


def orientation_of(properties: list[tuple[bytes, bytes]]) -> int:
    """Return the EXIF orientation (1-8) that `irot` and `imir` amount to, in their order.

    `irot` turns anticlockwise by quarters; `imir` axis 0 mirrors top and bottom, axis 1 left and right (23008-12, 6.5).
    """
    a, b, c, d = 1, 0, 0, 1  # upright = matrix applied to stored, x to the right and y down
    for kind, data in properties:
        if kind == b"irot" and data:
            for _ in range(data[0] & 3):
                a, b, c, d = c, d, -a, -b
        elif kind == b"imir" and data:
            a, b, c, d = (-a, -b, c, d) if data[0] & 1 else (a, b, -c, -d)
    return _ORIENTATIONS[a, b, c, d]


_ORIENTATIONS = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, -1, 1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, 1, -1, 0): 8,
}


def item_bytes(source: Source, meta: Meta, item: int, *, max_bytes: int) -> bytes:
    """Return the bytes of an item, cut at `max_bytes` and where the source ends."""
    location = meta.locations.get(item)
    if location is None or location.method not in {0, 1}:
        return b""
    base = meta.idat.start if location.method == 1 and meta.idat else 0
    parts: list[bytes] = []
    left = max_bytes
    for offset, size in location.extents[:64]:
        parts.append(source.read(base + offset, min(size or left, left)))
        left -= len(parts[-1])
        if left <= 0:
            break
    return b"".join(parts)
