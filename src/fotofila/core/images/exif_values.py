"""Values out of EXIF directories, each checked before it is believed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from fotofila.core.images.containers.source import Source
from fotofila.core.images.containers.tiff import (
    Directory,
    Header,
    integer,
    rationals,
    raw,
    read_directory,
    read_header,
)
from fotofila.core.images.text import clean_text

_PHOTO_POINTER, _GPS_POINTER = 34665, 34853
_MAX_ENTRIES = 512
_MAX_TEXT, _MAX_TEXT_BYTES = 128, 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSet:
    """One directory of a block; every reader returns None for what is missing or out of range."""

    source: Source
    header: Header
    directory: Directory = field(default_factory=lambda: Directory(fields={}, complete=True))

    def text(self, tag: int) -> str | None:
        """Return a text: UTF-8 if it is that, else Latin-1; cut, cleaned."""
        entry = self.directory.fields.get(tag)
        if entry is None or entry.kind not in {1, 2, 7}:
            return None
        data = raw(self.source, entry, max_bytes=_MAX_TEXT_BYTES).split(b"\0", 1)[0]
        try:
            value = data.decode()
        except UnicodeDecodeError:
            value = data.decode("latin-1")
        return clean_text(value, max_length=_MAX_TEXT)

    def numbers(self, tag: int) -> list[float]:
        """Return the finite numbers of a tag, up to the first that is none (denominator zero)."""
        entry = self.directory.fields.get(tag)
        result: list[float] = []
        for numerator, denominator in rationals(self.source, self.header, entry) if entry else []:
            if denominator == 0:
                break
            result.append(numerator / denominator)
        return result

    def number(self, tag: int, *, low: float, high: float) -> float | None:
        """Return the first number of a tag where it lies within bounds, to six significant digits."""
        value = next(iter(self.numbers(tag)), math.nan)
        return float(f"{value:.6g}") if low <= value <= high else None

    def whole(self, tag: int, *, low: int, high: int) -> int | None:
        """Return the first integer of a tag where it lies within bounds."""
        value = integer(self.source, self.header, self.directory, tag)
        return value if value is not None and low <= value <= high else None

    def byte(self, tag: int) -> int | None:
        """Return the first byte of a tag, whatever its type."""
        entry = self.directory.fields.get(tag)
        data = raw(self.source, entry, max_bytes=1) if entry else b""
        return data[0] if data else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifTags:
    """The three directories that matter: of the image, of the exposure, of the place."""

    main: TagSet
    photo: TagSet
    gps: TagSet


def open_tags(block: Source) -> ExifTags | None:
    """Return the directories of an EXIF block, or None where it has no readable beginning."""
    header = read_header(block)
    directory = read_directory(block, header, header.first, max_entries=_MAX_ENTRIES) if header else None
    if header is None or directory is None:
        return None
    return ExifTags(
        main=TagSet(source=block, header=header, directory=directory),
        photo=_pointed_at(block, header, directory, _PHOTO_POINTER),
        gps=_pointed_at(block, header, directory, _GPS_POINTER),
    )


def _pointed_at(block: Source, header: Header, directory: Directory, pointer: int) -> TagSet:
    offset = integer(block, header, directory, pointer)
    found = read_directory(block, header, offset, max_entries=_MAX_ENTRIES) if offset else None
    empty = Directory(fields={}, complete=True)
    return TagSet(source=block, header=header, directory=found or empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """When: ISO 8601, in UTC if the offset is known, else without an offset."""

    iso: str | None
    offset_known: bool


_DATE = re.compile(r"(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})[ T](\d{2}):(\d{2})(?::(\d{2}))?")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_MAX_OFFSET_HOURS = 15
_FIRST_YEAR, _LAST_YEAR = 1826, 2199  # the first photograph; a date that no camera has seen yet
# Original, digitized, changed: (date, offset, fraction of a second)
_DATES = ((36867, 36881, 37521), (36868, 36882, 37522), (306, 36880, 37520))


def taken(tags: ExifTags) -> Taken | None:
    """Return when the picture was taken, by the most trustworthy of the dates that can be read."""
    for date_tag, offset_tag, fraction_tag in _DATES:
        moment = _date((tags.photo if date_tag != 306 else tags.main).text(date_tag))  # noqa: PLR2004 - DateTime
        if moment is None:
            continue
        fraction = tags.photo.text(fraction_tag) or ""
        if fraction.isascii() and fraction.isdigit():
            moment += timedelta(milliseconds=int(fraction[:3].ljust(3, "0")))
        offset = _offset(tags.photo.text(offset_tag))
        if offset is not None:
            moment = moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
        return Taken(iso=moment.isoformat(timespec="auto"), offset_known=offset is not None)
    return None


def _date(text: str | None) -> datetime | None:
    match = _DATE.match(text or "")
    if match is None or not _FIRST_YEAR <= int(match[1]) <= _LAST_YEAR:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type] # noqa: DTZ001
    except ValueError:
        return None


def _offset(text: str | None) -> timedelta | None:
    if text == "Z":
        return timedelta(0)
    match = _OFFSET.fullmatch(text or "")
    if match is None or int(match[2]) > _MAX_OFFSET_HOURS or int(match[3]) >= 60:  # noqa: PLR2004 - minutes
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where: degrees and metres."""

    latitude: float | None
    longitude: float | None
    altitude_metres: float | None


_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE = 1, 2, 3, 4, 5, 6
_BELOW_SEA = 1
_LOWEST, _HIGHEST = -12_000, 100_000


def gps_position(tags: ExifTags) -> Position | None:
    """Return the place, or None where latitude or longitude is missing, off the Earth, or both are exactly zero.

    Zero and zero is what devices write that had no fix yet.
    """
    latitude = _degrees(tags.gps, _LATITUDE, _LATITUDE_REF, "S", limit=90)
    longitude = _degrees(tags.gps, _LONGITUDE, _LONGITUDE_REF, "W", limit=180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    altitude = tags.gps.number(_ALTITUDE, low=0, high=_HIGHEST)
    if altitude is not None and tags.gps.byte(_ALTITUDE_REF) == _BELOW_SEA:
        altitude = -altitude if -altitude >= _LOWEST else None
    return Position(latitude=latitude, longitude=longitude, altitude_metres=altitude)


def _degrees(gps: TagSet, tag: int, reference_tag: int, negative: str, *, limit: float) -> float | None:
    parts = gps.numbers(tag)[:3]
    if not parts or any(part < 0 for part in parts) or any(part >= 60 for part in parts[1:]):  # noqa: PLR2004
        return None
    value = sum(part / divisor for part, divisor in zip(parts, (1, 60, 3600), strict=False))
    if value > limit:
        return None
    reference = (gps.text(reference_tag) or "").upper()
    return round(-value if reference.startswith(negative) else value, 7)
