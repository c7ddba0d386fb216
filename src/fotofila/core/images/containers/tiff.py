"""The directories of a TIFF, which are also those of EXIF (TIFF 6.0; BigTIFF; EXIF 3.0, section 4.6)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fotofila.core.images.containers.source import Source

MAX_ENTRIES = 4096
MAX_VALUES = 1_000_000

_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGER_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_RATIONAL_CODES = {5: "I", 10: "i"}
_CLASSIC, _BIG = 42, 43


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first bytes: byte order, flavour, and where the first directory lies."""

    order: Literal["<", ">"]
    big: bool
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One entry of a directory; its values lie at `offset` and are read only when asked for."""

    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Tags to fields; `complete` is False when the source ended within it."""

    fields: dict[int, Field]
    complete: bool


def read_header(source: Source) -> Header | None:
    """Return the header, or None where the source is no TIFF."""
    head = source.read(0, 16)
    order: Literal["<", ">"] | None = {b"II": "<", b"MM": ">"}.get(head[:2])  # type: ignore[assignment]
    if order is None or len(head) < 8:  # noqa: PLR2004 - order, version, offset
        return None
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == _CLASSIC:
        return Header(order=order, big=False, first=struct.unpack(order + "I", head[4:8])[0])
    if version == _BIG and len(head) == 16:  # noqa: PLR2004 - a BigTIFF's header
        return Header(order=order, big=True, first=struct.unpack(order + "Q", head[8:16])[0])
    return None


def read_directory(source: Source, header: Header, offset: int, *, max_entries: int = MAX_ENTRIES) -> Directory | None:
    """Return the directory at `offset`, at most `max_entries` of it, or None where the source ends before it."""
    count_size, entry_size = (8, 20) if header.big else (2, 12)
    counted = source.read(offset, count_size)
    if len(counted) < count_size:
        return None
    count = struct.unpack(header.order + ("Q" if header.big else "H"), counted)[0]
    wanted = min(count, max_entries)
    data = source.read(offset + count_size, wanted * entry_size)
    layout = struct.Struct(header.order + ("HHQ" if header.big else "HHI"))
    fields: dict[int, Field] = {}
    for at in range(0, len(data) - entry_size + 1, entry_size):
        tag, kind, values = layout.unpack_from(data, at)
        value_at = at + layout.size
        inline = _TYPE_SIZES.get(kind, 0) * values <= entry_size - layout.size
        stored = struct.unpack_from(header.order + ("Q" if header.big else "I"), data, value_at)[0]
        fields.setdefault(
            tag, Field(kind=kind, count=values, offset=offset + count_size + value_at if inline else stored)
        )
    return Directory(fields=fields, complete=len(data) == wanted * entry_size)


def raw(source: Source, field: Field, *, max_bytes: int) -> bytes:
    """Return the field's bytes, cut at `max_bytes` and at the end of the source."""
    return source.read(field.offset, min(field.count * _TYPE_SIZES.get(field.kind, 0), max_bytes))


def integers(source: Source, header: Header, field: Field, *, max_values: int = MAX_VALUES) -> Sequence[int]:
    """Return the field's integers, at most `max_values`; empty where it holds none."""
    code = _INTEGER_CODES.get(field.kind)
    if code is None:
        return ()
    size = _TYPE_SIZES[field.kind]
    data = raw(source, field, max_bytes=max_values * size)
    return struct.unpack(f"{header.order}{len(data) // size}{code}", data[: len(data) // size * size])


def rationals(source: Source, header: Header, field: Field, *, max_values: int = 16) -> list[tuple[int, int]]:
    """Return the field's fractions as (numerator, denominator); integers get the denominator 1."""
    code = _RATIONAL_CODES.get(field.kind)
    if code is None:
        return [(value, 1) for value in integers(source, header, field, max_values=max_values)]
    data = raw(source, field, max_bytes=max_values * 8)
    flat = struct.unpack(f"{header.order}{len(data) // 8 * 2}{code}", data[: len(data) // 8 * 8])
    return list(zip(flat[::2], flat[1::2], strict=True))


def integer(source: Source, header: Header, directory: Directory, tag: int) -> int | None:
    """Return the first integer of a tag, or None where there is none."""
    field = directory.fields.get(tag)
    values = integers(source, header, field, max_values=1) if field else ()
    return values[0] if values else None
