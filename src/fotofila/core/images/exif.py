"""What the camera wrote beside the picture (EXIF 3.0, CIPA DC-008), as far as it can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fotofila.core.images.containers.source import FileSource
from fotofila.core.images.exif_block import find_exif
from fotofila.core.images.exif_values import ExifTags, Position, Taken, gps_position, open_tags, taken
from fotofila.core.images.sniff import HEAD_BYTES, read_image_header

_MAKE, _MODEL, _SOFTWARE, _ORIENTATION = 271, 272, 305, 274
_EXPOSURE, _F_NUMBER, _ISO, _FOCAL, _FOCAL_35, _LENS = 33434, 33437, 34855, 37386, 41989, 42036
_MAX_ORIENTATION = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifFacts:
    """What is known of how a picture was taken; None where the file does not say, or says nonsense."""

    camera_make: str | None = None
    camera_model: str | None = None
    lens_model: str | None = None
    software: str | None = None
    """Texts are one line of printable characters, at most 128 of them."""

    taken_at: str | None = None
    """ISO 8601: UTC (`…+00:00`) where the camera wrote its offset, else the camera's local time without one."""

    taken_at_offset_known: bool = False
    latitude: float | None = None
    longitude: float | None = None
    """Degrees, WGS 84, north and east positive; both or neither."""

    altitude_metres: float | None = None
    iso: int | None = None
    exposure_seconds: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None
    focal_length_35mm: int | None = None
    orientation: int | None = None
    """As EXIF has it (1-8). What was applied to the pixels is `Decoded.orientation`."""


def read_exif(path: Path) -> ExifFacts:
    """Return what a JPEG, PNG, WebP, HEIC, AVIF or TIFF tells of itself; of a broken block what can be read.

    Raises:
        ImageError: the file is no picture; garbage within a picture never raises.
    """
    with path.open("rb") as file:
        source = FileSource.of(file)
        header = read_image_header(source.read(0, HEAD_BYTES), source)
        block = find_exif(source, header.media_type)
        tags = open_tags(block) if block else None
        return ExifFacts() if tags is None else _facts(tags)


def _facts(tags: ExifTags) -> ExifFacts:
    when = taken(tags) or Taken(iso=None, offset_known=False)
    where = gps_position(tags) or Position(latitude=None, longitude=None, altitude_metres=None)
    return ExifFacts(
        camera_make=tags.main.text(_MAKE),
        camera_model=tags.main.text(_MODEL),
        lens_model=tags.photo.text(_LENS),
        software=tags.main.text(_SOFTWARE),
        taken_at=when.iso,
        taken_at_offset_known=when.offset_known,
        latitude=where.latitude,
        longitude=where.longitude,
        altitude_metres=where.altitude_metres,
        iso=tags.photo.whole(_ISO, low=1, high=10_000_000),
        exposure_seconds=tags.photo.number(_EXPOSURE, low=1e-7, high=86_400),
        f_number=tags.photo.number(_F_NUMBER, low=0.1, high=1_000),
        focal_length_mm=tags.photo.number(_FOCAL, low=0.1, high=10_000),
        focal_length_35mm=tags.photo.whole(_FOCAL_35, low=1, high=10_000),
        orientation=tags.main.whole(_ORIENTATION, low=1, high=_MAX_ORIENTATION),
    )
