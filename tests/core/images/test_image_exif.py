from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import (
    SHARED,
    Value,
    encoded,
    jpeg_with_exif,
    long,
    oriented,
    quadrants,
    rational,
    short,
    text,
    tiff,
)

from fotofila.core.images.errors import ImageError, UnsupportedMediaTypeError
from fotofila.core.images.exif import ExifFacts, read_exif


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return tmp_path / "photo"


def facts(path: Path, main: dict[int, Value] | None = None, **parts: dict[int, Value]) -> ExifFacts:
    path.write_bytes(jpeg_with_exif(tiff(main or {}, **parts)))
    return read_exif(path)


CAMERA = {
    271: text("Canon"),
    272: text("EOS 30D"),
    305: text("Firmware 1.0"),
    274: short(6),
    306: text("2020:01:01 00:00:00"),
}
EXPOSURE = {
    33434: rational((1, 500)),
    33437: rational((71, 10)),
    34855: short(100),
    37386: rational((55, 1)),
    41989: short(88),
    42036: text("EF-S18-55mm"),
    36867: text("2008:02:16 13:51:56"),
}
PLACE = {
    1: text("S"),
    2: rational((22, 1), (57, 1), (6_84, 100)),
    3: text("W"),
    4: rational((43, 1), (12, 1), (37_80, 100)),
    5: (1, 1, b"\0"),
    6: rational((710, 1)),
}


def test_tells_camera_exposure_time_and_place(photo: Path) -> None:
    assert facts(photo, CAMERA, photo=EXPOSURE, gps=PLACE) == ExifFacts(
        camera_make="Canon",
        camera_model="EOS 30D",
        lens_model="EF-S18-55mm",
        software="Firmware 1.0",
        taken_at="2008-02-16T13:51:56",
        taken_at_offset_known=False,
        latitude=-22.9519,
        longitude=-43.2105,
        altitude_metres=710.0,
        iso=100,
        exposure_seconds=0.002,
        f_number=7.1,
        focal_length_mm=55.0,
        focal_length_35mm=88,
        orientation=6,
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIC"])
def test_finds_the_block_in_every_format(photo: Path, kind: str) -> None:
    photo.write_bytes(oriented(kind, 6))

    assert read_exif(photo).orientation in ({1, 6} if kind == "HEIC" else {6})
    if kind == "HEIC":
        assert read_exif(photo).camera_make == "Fotofila"


def test_finds_the_block_in_avif(photo: Path) -> None:
    photo.write_bytes(encoded(quadrants(), "AVIF", exif=b"Exif\0\0" + tiff({271: text("Canon")})))

    assert read_exif(photo).camera_make == "Canon"


def test_picture_without_exif_tells_nothing(photo: Path) -> None:
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        photo.write_bytes(encoded(quadrants(), kind))
        assert read_exif(photo) == ExifFacts()


def test_what_is_no_picture_is_refused(photo: Path) -> None:
    photo.write_bytes(b"hello, this is a letter")
    with pytest.raises(UnsupportedMediaTypeError):
        read_exif(photo)


# Time ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("-03:00", "2008-02-16T16:51:56+00:00"),
        ("+05:30", "2008-02-16T08:21:56+00:00"),
        ("Z", "2008-02-16T13:51:56+00:00"),
        ("+00:00", "2008-02-16T13:51:56+00:00"),
    ],
)
def test_time_with_an_offset_is_told_in_utc(photo: Path, offset: str, expected: str) -> None:
    told = facts(photo, photo=EXPOSURE | {36881: text(offset)})

    assert (told.taken_at, told.taken_at_offset_known) == (expected, True)


@pytest.mark.parametrize("offset", ["", "   :  ", "+99:00", "03:00", "+03:61"])
def test_time_with_a_broken_offset_stays_local(photo: Path, offset: str) -> None:
    told = facts(photo, photo=EXPOSURE | {36881: text(offset)})

    assert (told.taken_at, told.taken_at_offset_known) == ("2008-02-16T13:51:56", False)


def test_fraction_of_a_second_is_kept(photo: Path) -> None:
    assert facts(photo, photo=EXPOSURE | {37521: text("05")}).taken_at == "2008-02-16T13:51:56.050000"


@pytest.mark.parametrize(
    "date", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2008:13:16 13:51:56", "1600:01:01 00:00:00", "yesterday"]
)
def test_impossible_date_gives_way_to_the_next_one(photo: Path, date: str) -> None:
    broken = {36867: text(date)}

    assert facts(photo, CAMERA, photo=broken).taken_at == "2020-01-01T00:00:00"
    assert facts(photo, photo=broken).taken_at is None


def test_offset_that_leaves_the_calendar_is_no_error(photo: Path) -> None:
    told = facts(photo, photo={36867: text("1826:01:01 00:00:00"), 36881: text("+14:00")})

    assert told.taken_at == "1825-12-31T10:00:00+00:00"


# Place --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {2: rational((22, 0), (57, 1), (0, 1))},
        {2: rational((91, 1), (0, 1), (0, 1))},
        {4: rational((181, 1), (0, 1), (0, 1))},
        {2: rational((22, 1), (75, 1), (0, 1))},
        {2: text("22 57 6")},
        {2: rational()},
        {2: rational((0, 1), (0, 1), (0, 1)), 4: rational((0, 1), (0, 1), (0, 1))},
        {2: (12, 1, struct.pack("<d", float("nan")))},
        {2: (10, 3, struct.pack("<6i", -22, 1, 57, 1, 6, 1))},
    ],
)
def test_place_that_cannot_be_is_not_told(photo: Path, change: dict[int, Value]) -> None:
    told = facts(photo, CAMERA, gps=PLACE | change)

    assert (told.latitude, told.longitude, told.altitude_metres) == (None, None, None)
    assert told.camera_make == "Canon"


def test_half_a_place_is_not_told(photo: Path) -> None:
    assert facts(photo, gps={1: text("S"), 2: PLACE[2]}).latitude is None


def test_degrees_may_be_written_without_minutes(photo: Path) -> None:
    told = facts(photo, gps=PLACE | {1: text("N"), 2: rational((229519, 10000))})

    assert told.latitude == 22.9519


def test_height_below_the_sea_is_negative_and_absurd_heights_are_not_told(photo: Path) -> None:
    below = PLACE | {5: (1, 1, b"\1")}

    assert facts(photo, gps=below | {6: rational((30, 1))}).altitude_metres == -30
    assert facts(photo, gps=below | {6: rational((90_000, 1))}).altitude_metres is None
    assert facts(photo, gps=PLACE | {6: rational((4_000_000_000, 1))}).altitude_metres is None
    assert facts(photo, gps=PLACE | {6: rational((1, 0))}).latitude == -22.9519


# Garbage ------------------------------------------------------------------------------------------------------------


def test_texts_are_one_line_of_printable_characters(photo: Path) -> None:
    told = facts(
        photo,
        {
            271: text(b"Canon\0 and more"),
            272: text("EOS\x07\x1b[31m \u202e30D\r\n x"),
            305: text(b"Caf\xe9 \xe7"),
        },
        photo={42036: text("y" * 5000)},
    )

    assert (told.camera_make, told.camera_model, told.software) == ("Canon", "EOS[31m 30D x", "Café ç")
    assert told.lens_model == "y" * 128
    assert facts(photo, {271: text("   "), 272: text("\x00"), 305: short(5)}).camera_make is None


def test_numbers_out_of_range_are_not_told(photo: Path) -> None:
    told = facts(
        photo,
        {274: short(77)},
        photo={
            33434: rational((1, 0)),
            33437: rational((0, 1)),
            34855: short(0),
            37386: rational((4_000_000_000, 1)),
            41989: text("28mm"),
        },
    )

    assert told == ExifFacts()


def test_directories_that_point_anywhere_tell_nothing(photo: Path) -> None:
    for pointer in (0, 8, 7, 0xFFFFFFFF):
        assert facts(photo, {34665: long(pointer), 34853: long(pointer), 271: text("Canon")}).camera_make == "Canon"


def test_block_that_is_cut_off_tells_what_is_there(photo: Path) -> None:
    block = tiff(CAMERA, photo=EXPOSURE)
    for size in range(0, len(block), 7):
        photo.write_bytes(jpeg_with_exif(block[:size]))
        assert isinstance(read_exif(photo), ExifFacts)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_blocks_never_raise(photo: Path, data: st.DataObject) -> None:
    block = bytearray(tiff(CAMERA, photo=EXPOSURE, gps=PLACE))
    for _ in range(data.draw(st.integers(1, 12))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    photo.write_bytes(jpeg_with_exif(bytes(block)))

    told = read_exif(photo)

    assert told.latitude is None or -90 <= told.latitude <= 90
    assert told.camera_make is None or told.camera_make.isprintable()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b""]),
    rest=st.binary(max_size=600),
)
def test_any_block_never_raises(photo: Path, start: bytes, rest: bytes) -> None:
    photo.write_bytes(jpeg_with_exif(start + rest))

    assert isinstance(read_exif(photo), ExifFacts)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the extra samples are not here")
def test_real_iphone_tells_where_and_when() -> None:
    told = read_exif(SHARED / "sample_iphone.heic")

    assert (told.camera_model, told.iso, told.f_number) == ("iPhone 11 Pro Max", 32, 1.8)
    assert told.taken_at == "2021-04-11T20:47:53.054000+00:00"
    assert (told.latitude, told.longitude) == (39.0513444, -94.2887722)
    with pytest.raises(ImageError):
        read_exif(SHARED / "bad_inputs" / "ps.nef")
