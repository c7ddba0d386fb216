from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_files import (
    SAMPLES,
    SHARED,
    box,
    encoded,
    file_type,
    heif,
    jpeg_with_segments,
    long,
    noise,
    oriented,
    quadrants,
    short,
    text,
    tiff,
)

from fotofila.core.images.errors import (
    EmptyFileError,
    ImageError,
    MalformedImageError,
    MediaTypeMismatchError,
    RawNotSupportedError,
    TooManyPixelsError,
    UnsupportedMediaTypeError,
)
from fotofila.core.images.sniff import HEAD_BYTES, Sniffed, read_image_header, sniff

CAP = 200_000_000


def look(head: bytes, declared_type: str | None = None, pixel_cap: int = CAP) -> Sniffed:
    return sniff(head[:HEAD_BYTES], declared_type=declared_type, pixel_cap=pixel_cap)


def big_endian_tiff() -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHHHHIHHI", 8, 2, 256, 3, 1, 96, 0, 257, 3, 1, 64, 0, 0)


def files() -> dict[str, tuple[bytes, str, str]]:
    """Return name to (bytes, media type, extension)."""
    picture, see_through = quadrants(), quadrants().convert("RGBA")
    see_through.putalpha(128)
    heic = (SAMPLES / "orientation1.heic").read_bytes()
    return {
        "jpeg": (encoded(picture, "JPEG"), "image/jpeg", "jpg"),
        "jpeg progressive": (encoded(picture, "JPEG", progressive=True), "image/jpeg", "jpg"),
        "png": (encoded(picture, "PNG"), "image/png", "png"),
        "webp lossy": (encoded(picture, "WEBP"), "image/webp", "webp"),
        "webp lossless": (encoded(picture, "WEBP", lossless=True), "image/webp", "webp"),
        "webp extended": (encoded(see_through, "WEBP"), "image/webp", "webp"),
        "avif": (encoded(picture, "AVIF"), "image/avif", "avif"),
        "heic": (heic, "image/heic", "heic"),
        "tiff": (encoded(picture, "TIFF"), "image/tiff", "tif"),
        "tiff big-endian": (big_endian_tiff(), "image/tiff", "tif"),
        "bigtiff": (encoded(picture, "TIFF", big_tiff=True), "image/tiff", "tif"),
    }


@pytest.mark.parametrize("name", files())
def test_tells_type_and_size_of_every_accepted_format(name: str) -> None:
    data, media_type, extension = files()[name]

    assert look(data) == Sniffed(media_type=media_type, extension=extension, width=96, height=64)


def test_size_is_as_stored_before_orientation() -> None:
    assert (look(oriented("JPEG", 6)).width, look(oriented("HEIC", 6)).width) == (64, 64)


def test_heif_that_names_no_codec_in_its_major_brand_is_told_by_its_picture() -> None:
    assert look(heif(b"mif1", b"heic", item=b"hvc1")).media_type == "image/heic"
    assert look(heif(b"mif1", b"heic", item=b"grid")).media_type == "image/heic"
    assert look(heif(b"mif1", b"avif", item=b"av01")).media_type == "image/avif"


def test_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFileError) as caught:
        look(b"")
    assert (caught.value.code, caught.value.status, caught.value.permanent) == ("empty_file", 422, True)


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"\x00\x01\x02\x03 nothing known", "JPEG, PNG, WebP, HEIC, AVIF and TIFF"),
        (b"hello there, this is a letter", "a text"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG"),
        (b"<svg></svg>", "an SVG"),
        (b"  <!DOCTYPE html><html>", "an HTML page"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"%!PS-Adobe", "a PostScript"),
        (b"GIF89a...", "a GIF"),
        (b"BM\x00\x00", "a BMP"),
        (b"8BPS\x00\x01", "a Photoshop document"),
        (b"PK\x03\x04....", "a ZIP"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a sound or a video"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL"),
        (file_type(b"isom", b"mp42"), "a video"),
        (file_type(b"qt  "), "a video"),
        (heif(b"mif1", b"mif1", item=b"j2k1"), "a codec"),
        (heif(b"msf1", b"hevc"), "a moving picture"),
        (heif(b"avis", b"avif", item=b"av01"), "a moving picture"),
    ],
)
def test_other_bytes_are_refused_by_name(head: bytes, word: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        look(head)
    assert (caught.value.code, caught.value.status) == ("unsupported_media_type", 415)
    assert word in caught.value.message


def raw_files() -> dict[str, bytes]:
    thumbnail = {254: long(1), 256: short(160), 257: short(120), 262: short(2), 271: text("NIKON CORPORATION")}
    return {
        "DNG": tiff({256: short(96), 257: short(64), 50706: (1, 4, b"\1\4\0\0")}),
        "CR2": b"II*\0\x10\0\0\0CR\2\0" + b"\0" * 64,
        "NEF, sensor data in reach": tiff(thumbnail, sub={262: short(32803)}),
        "NEF, sensor data beyond the head": tiff(thumbnail | {330: long(1_000_000)}),
        "ARW": tiff({256: short(96), 257: short(64), 259: short(32767)}),
        "CR3": file_type(b"crx ", b"isom"),
        "RAF": b"FUJIFILMCCD-RAW 0201",
        "RW2": b"IIU\0\x18\0\0\0",
        "ORF": b"IIRO\x08\0\0\0",
        "X3F": b"FOVb\0\0",
        "CRW": b"II\x1a\0\0\0HEAPCCDR",
    }


@pytest.mark.parametrize("name", raw_files())
def test_raw_is_refused_as_raw(name: str) -> None:
    with pytest.raises(RawNotSupportedError) as caught:
        look(raw_files()[name])
    assert (caught.value.code, caught.value.status) == ("raw_not_supported_yet", 415)
    assert "RAW files are not developed yet" in caught.value.message


def test_tiff_with_smaller_copies_of_itself_is_no_raw() -> None:
    layered = tiff(
        {254: long(0), 256: short(96), 257: short(64), 271: text("Canon")}, sub={254: long(1), 262: short(2)}
    )

    assert look(layered).media_type == "image/tiff"


@pytest.mark.parametrize(
    ("name", "declared_type"),
    [
        ("jpeg", None),
        ("jpeg", ""),
        ("jpeg", "application/octet-stream"),
        ("jpeg", "application/x-www-form-urlencoded"),
        ("jpeg", "image/jpg"),
        ("jpeg", "IMAGE/JPEG; charset=binary"),
        ("heic", "image/heif"),
        ("avif", "image/heif"),
        ("tiff", "image/tif"),
        ("png", "image/x-png"),
    ],
)
def test_types_that_agree_or_say_nothing_pass(name: str, declared_type: str | None) -> None:
    data, media_type, _ = files()[name]

    assert look(data, declared_type).media_type == media_type


@pytest.mark.parametrize(
    ("name", "declared_type"),
    [("jpeg", "image/png"), ("png", "image/jpeg"), ("heic", "image/avif"), ("webp lossy", "text/html\x00\r\n")],
)
def test_type_that_contradicts_the_bytes_is_refused(name: str, declared_type: str) -> None:
    with pytest.raises(MediaTypeMismatchError) as caught:
        look(files()[name][0], declared_type)
    assert (caught.value.code, caught.value.status) == ("media_type_mismatch", 415)
    assert files()[name][1] in caught.value.message
    assert "\n" not in caught.value.message


def test_header_over_the_pixel_cap_is_refused_without_data() -> None:
    lie = encoded(quadrants(), "PNG")[:16] + struct.pack(">II", 100_000, 100_000) + b"\x08\x06\0\0\0" + b"\0" * 4
    with pytest.raises(TooManyPixelsError) as caught:
        look(lie)
    assert (caught.value.code, caught.value.status) == ("too_many_pixels", 422)
    assert "100000 x 100000" in caught.value.message
    assert "FOTOFILA_MAX_PIXELS" in caught.value.message


def test_pixel_cap_itself_is_still_taken() -> None:
    data = encoded(quadrants(), "PNG")

    assert look(data, pixel_cap=96 * 64).width == 96
    with pytest.raises(TooManyPixelsError):
        look(data, pixel_cap=96 * 64 - 1)


def frame(width: int, height: int) -> bytes:
    return b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + b"\3" + b"\1\x11\0\2\x11\1\3\x11\1"


@pytest.mark.parametrize(
    "head",
    [
        frame(0, 64),
        frame(96, 0),
        b"\xff\xd8\xff\xda\0\x0c" + b"\0" * 12,
        b"\xff\xd8\xff\xd9",
        encoded(quadrants(), "PNG")[:16] + struct.pack(">II", 0, 64) + b"\x08\x02\0\0\0" + b"\0" * 4,
        encoded(quadrants(), "PNG")[:20],
        encoded(quadrants(), "PNG")[:24] + b"\x09\x02\0\0\0" + b"\0" * 8,
        b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0" + b"\0" * 16,
        heif(size=(0, 480)),
        heif(size=None),
        tiff({256: short(0), 257: short(64)}),
    ],
)
def test_header_without_a_sound_size_is_malformed(head: bytes) -> None:
    with pytest.raises(MalformedImageError) as caught:
        look(head)
    assert (caught.value.code, caught.value.status) == ("malformed_image", 422)


def test_size_beyond_the_head_is_left_to_the_child() -> None:
    late_jpeg = jpeg_with_segments([(0xE2, b"ICC_PROFILE\0" + b"x" * 60_000)] * 2)
    late_tiff = encoded(noise(), "TIFF")
    late_heif = file_type(b"heic") + box(b"mdat", b"\0" * 100_000) + heif()[16:]

    assert look(late_jpeg) == Sniffed(media_type="image/jpeg", extension="jpg", width=None, height=None)
    assert look(b"II*\0" + struct.pack("<I", len(late_tiff) + 70_000)).width is None
    assert look(late_heif).width is None


def test_stray_and_fill_bytes_between_segments_are_passed_over() -> None:
    data = jpeg_with_segments([(0xFE, b"comment")])
    end = data.index(b"comment") + 7

    assert look(data[:end] + b"\x00\x07junk\xff\xff\xff" + data[end:]).width == 96


def test_a_jpeg_with_something_behind_it_is_a_jpeg() -> None:
    data = encoded(quadrants(), "JPEG")

    assert look(data + b"PK\x03\x04 zip").media_type == "image/jpeg"
    assert look(data + b"<html><script>").media_type == "image/jpeg"


def test_the_door_loads_no_decoder() -> None:
    program = (
        "import sys, fotofila.core.images.sniff;"
        "print([name for name in sys.modules if name.partition('.')[0] in {'PIL', 'numpy', 'pi_heif'}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@dataclass(slots=True)
class CountingSource:
    """A head that counts what is read of it."""

    head: bytes
    reads: int = field(default=0)
    bytes_read: int = field(default=0)

    def read(self, offset: int, size: int) -> bytes:
        data = self.head[offset : offset + size] if offset >= 0 and size > 0 else b""
        self.reads += 1
        self.bytes_read += len(data)
        return data


def location_bomb() -> bytes:
    """65535 items with 65535 extents each, whose entries take no bytes."""
    return box(b"iloc", b"\1\0\0\0" + b"\0\0" + b"\xff\xff" + (b"\0\1\0\0\0\0\xff\xff" * 4000))


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xd8" + b"\xff\xe0\0\2" * 16_000,
        b"\xff\xd8" + b"\xff\xe0\0\2\0" * 13_000,
        b"\xff\xd8" + b"\xff" * 65_000,
        b"\xff\xd8\xff\xe0\0\2" + b"\0" * 65_000,
        b"\xff\xd8\xff" + b"\xd0\xff" * 32_000,
        file_type(b"heic") + box(b"free", b"") * 8_000,
        file_type(b"heic") + box(b"meta", b"\0\0\0\0" + box(b"iprp", box(b"ipco", box(b"ispe", b"") * 7_000))),
        file_type(b"heic") + box(b"meta", b"\0\0\0\0" + location_bomb()),
        b"II*\0\x08\0\0\0\xff\xff" + b"\x4a\1\4\0\xff\xff\xff\xff\x08\0\0\0" * 5_400,
        tiff({254: long(0), 330: long(*([8] * 10_000)), 271: text("x")}),
    ],
)
def test_work_at_the_door_is_bounded(head: bytes) -> None:
    head = head[:HEAD_BYTES]
    source = CountingSource(head)
    with contextlib.suppress(ImageError):
        read_image_header(head, source)

    assert source.reads <= 70_000
    assert source.bytes_read <= 64 * HEAD_BYTES


STARTS = [data[:64] for data, _, _ in files().values()] + [
    heif(),
    b"II*\0\x08\0\0\0",
    b"MM\0+\0\x08\0\0",
    b"<?xml",
    b"",
]


@settings(deadline=None)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=2048), declared_type=st.none() | st.text(max_size=40))
@example(start=b"", rest=b"\xff\xd8\xff", declared_type=None)
def test_any_bytes_give_an_answer_or_one_of_our_errors(start: bytes, rest: bytes, declared_type: str | None) -> None:
    with contextlib.suppress(ImageError):
        assert look(start + rest, declared_type).media_type.startswith("image/")


@settings(deadline=None)
@given(data=st.data())
def test_changed_files_give_an_answer_or_one_of_our_errors(data: st.DataObject) -> None:
    original = bytearray(data.draw(st.sampled_from([each for each, _, _ in files().values()])))
    for _ in range(data.draw(st.integers(1, 8))):
        original[data.draw(st.integers(0, min(600, len(original) - 1)))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ImageError):
        assert look(bytes(original[: data.draw(st.integers(0, len(original)))])).media_type.startswith("image/")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the extra samples are not here")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bad_inputs/bomb_30000x30000_rgb.png", "too_many_pixels"),
        ("bad_inputs/bomb_50000x50000_1bit.png", "too_many_pixels"),
        ("bad_inputs/lying_header.png", "too_many_pixels"),
        ("bad_inputs/empty.cr3", "empty_file"),
        ("bad_inputs/ps.nef", "unsupported_media_type"),
        ("bad_inputs/svg.nef", "unsupported_media_type"),
        ("bad_inputs/text.nef", "unsupported_media_type"),
        ("bad_inputs/truncated.arw", "raw_not_supported_yet"),
        ("bad_inputs/truncated_head.cr2", "raw_not_supported_yet"),
        ("canon_30d_a.cr2", "raw_not_supported_yet"),
        ("canon_s40.crw", "raw_not_supported_yet"),
        ("nikon_d1.nef", "raw_not_supported_yet"),
        ("nikon_d5000_hdr2.dng", "raw_not_supported_yet"),
        ("sony_DSC2164.arw", "raw_not_supported_yet"),
        ("synth_colorchecker24.dng", "raw_not_supported_yet"),
        ("kodak_c330.raw", "unsupported_media_type"),
    ],
)
def test_real_files_are_refused_for_the_right_reason(name: str, code: str) -> None:
    with (SHARED / name).open("rb") as file, pytest.raises(ImageError) as caught:
        look(file.read(HEAD_BYTES))
    assert caught.value.code == code
