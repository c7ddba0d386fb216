from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import simplejpeg
from image_files import (
    BLUE,
    GREEN,
    RED,
    SHARED,
    WHITE,
    Seen,
    cmyk_profile,
    display_p3_profile,
    encoded,
    jpeg_with_segments,
    linear_gray_profile,
    noise,
    oriented,
    quadrants,
    short,
    tiff,
)
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from fotofila.core.images.decode import Decoded, decode
from fotofila.core.images.errors import (
    RawNotSupportedError,
    TooManyPixelsError,
    TruncatedImageError,
    UnsupportedImageError,
)

BAD = SHARED / "bad_inputs"
needs_shared = pytest.mark.skipif(not BAD.is_dir(), reason="the extra samples are not here")


def corners(decoded: Decoded) -> list[tuple[int, ...]]:
    pixels = decoded.pixels
    return [tuple(int(value) for value in pixels[y, x]) for y in (4, -5) for x in (4, -5)]


def assert_quadrants(decoded: Decoded, *, tolerance: int = 6) -> None:
    assert (decoded.width, decoded.height) == (96, 64)
    assert decoded.pixels.shape == (64, 96, 3)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.c_contiguous
    for found, expected in zip(corners(decoded), (RED, GREEN, BLUE, WHITE), strict=True):
        assert np.abs(np.subtract(found, expected)).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_every_orientation_of_every_format_comes_out_upright(seen: Seen, kind: str, orientation: int) -> None:
    decoded = seen(oriented(kind, orientation))

    assert_quadrants(decoded)
    assert decoded.orientation == orientation


def test_media_type_is_that_of_the_bytes(seen: Seen) -> None:
    kinds = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff", "AVIF": "image/avif"}

    assert {kind: seen(encoded(quadrants(), kind)).media_type for kind in kinds} == kinds


def test_nonsense_in_the_orientation_is_no_orientation(seen: Seen) -> None:
    for value in (0, 9, 65535):
        exif = Image.Exif()
        exif[0x0112] = value
        assert_quadrants(seen(encoded(quadrants(), "JPEG", exif=exif.tobytes())))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_gray_becomes_three_equal_channels(seen: Seen, kind: str) -> None:
    decoded = seen(encoded(Image.new("L", (32, 24), 100), kind))

    assert decoded.pixels.shape == (24, 32, 3)
    assert np.abs(decoded.pixels.astype(int) - 100).max() <= 3


def test_palette_and_black_and_white_become_rgb(seen: Seen) -> None:
    assert_quadrants(seen(encoded(quadrants().convert("P", palette=Image.Palette.ADAPTIVE), "PNG")))
    assert seen(encoded(Image.new("1", (9, 9), 1), "PNG")).pixels.min() == 255
    assert seen(encoded(Image.new("1", (9, 9), 1), "TIFF", compression="group4")).pixels.min() == 255


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("WEBP", "RGBA"), ("TIFF", "RGBA")])
def test_transparency_is_shown_on_white(seen: Seen, kind: str, mode: str) -> None:
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 16, 32))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    decoded = seen(encoded(image.convert(mode), kind, **options))

    assert decoded.has_alpha
    assert decoded.pixels[:, :14].max() == 0
    assert decoded.pixels[:, 18:].min() == 255


def test_transparent_palette_entry_is_shown_on_white(seen: Seen) -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 200, 10, 10])

    decoded = seen(encoded(image, "PNG", transparency=1))

    assert decoded.has_alpha
    assert decoded.pixels.min() == 255


def ramp16() -> np.ndarray:
    return np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(8, axis=0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_gray_of_16_bits_is_scaled_and_not_clipped(seen: Seen, kind: str) -> None:
    decoded = seen(encoded(Image.fromarray(ramp16()), kind))

    assert np.abs(decoded.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_gray_tiff_that_counts_from_white_is_turned_round(seen: Seen) -> None:
    samples = ramp16().astype("<u2").tobytes()
    head = {256: short(256), 257: short(8), 258: short(16), 259: short(1), 262: short(0), 277: short(1), 278: short(8)}
    size = len(tiff(head | {273: short(0), 279: short(len(samples))}))

    decoded = seen(tiff(head | {273: short(size), 279: short(len(samples))}) + samples)

    assert np.abs(decoded.pixels[0, :, 0].astype(int) - np.arange(255, -1, -1)).max() <= 1


def png_of(width: int, height: int, *, depth: int, colour: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (6, 4)])
def test_colour_of_16_bits_is_scaled(seen: Seen, colour: int, channels: int) -> None:
    pixel = struct.pack(">HHHH", 65535, 32896, 257, 65535)[: 2 * channels]
    decoded = seen(png_of(4, 2, depth=16, colour=colour, rows=(b"\0" + pixel * 4) * 2))

    assert decoded.pixels[0, 0].tolist() == [255, 128, 1]


def test_samples_of_unknown_range_are_refused(seen: Seen) -> None:
    for mode in ("F", "I"):
        with pytest.raises(UnsupportedImageError) as caught:
            seen(encoded(Image.new(mode, (8, 8)), "TIFF"))
        assert (caught.value.code, caught.value.permanent) == ("unsupported_image", True)


def test_cmyk_without_profile_is_converted(seen: Seen) -> None:
    for kind in ("JPEG", "TIFF"):  # Pillow writes the JPEG as Adobe does: inverted
        assert_quadrants(seen(encoded(quadrants().convert("CMYK"), kind)))


def test_cmyk_profile_is_used(seen: Seen) -> None:
    for ink, expected in (((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))):
        data = encoded(Image.new("CMYK", (32, 32), ink), "JPEG", icc_profile=cmyk_profile(), quality=100)
        assert np.abs(seen(data).pixels[9, 9].astype(int) - expected).max() <= 6
    cyan = seen(encoded(Image.new("CMYK", (32, 32), (255, 0, 0, 0)), "TIFF", icc_profile=cmyk_profile()))
    red, green, blue = cyan.pixels[9, 9].tolist()

    assert red < green < blue < 200  # the profile's dark blue, not the (0, 255, 255) of plain arithmetic
    assert cyan.icc_profile == "Test profile"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_wide_gamut_becomes_srgb(seen: Seen, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind in {"JPEG", "AVIF"} else {}
    data = encoded(Image.new("RGB", (32, 32), (120, 180, 120)), kind, icc_profile=display_p3_profile(), **options)

    decoded = seen(data)

    # The same green lies further out in the smaller gamut of sRGB.
    assert np.abs(decoded.pixels[9, 9].astype(int) - (101, 181, 116)).max() <= 4
    assert decoded.icc_profile == "Test profile"


def test_gray_profile_is_used(seen: Seen) -> None:
    data = encoded(Image.new("L", (32, 32), 64), "PNG", icc_profile=linear_gray_profile())

    assert np.abs(seen(data).pixels[9, 9].astype(int) - 137).max() <= 2


def test_srgb_profile_changes_nothing(seen: Seen) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    with_profile, without = seen(encoded(noise(), "PNG", icc_profile=srgb)), seen(encoded(noise(), "PNG"))

    assert np.array_equal(with_profile.pixels, without.pixels)
    assert with_profile.icc_profile == "sRGB built-in"


@pytest.mark.parametrize("profile", [b"garbage", display_p3_profile()[:200], linear_gray_profile(), cmyk_profile()])
def test_broken_profile_or_one_for_other_channels_is_ignored(seen: Seen, profile: bytes) -> None:
    assert_quadrants(seen(encoded(quadrants(), "PNG", icc_profile=profile)))


def test_a_jpeg_with_something_behind_it_decodes(seen: Seen) -> None:
    data = encoded(quadrants(), "JPEG")

    assert_quadrants(seen(data + b"PK\x03\x04" + b"\0" * 5000))
    assert_quadrants(seen(data + b"<html><script>alert(1)</script>"))


def test_heic_with_something_behind_it_decodes(seen: Seen) -> None:
    assert_quadrants(seen(oriented("HEIC", 1) + b"PK\x03\x04 zip" * 9))


def test_png_with_a_long_text_decodes(seen: Seen) -> None:
    info = PngInfo()
    info.add_text("workflow", "x" * 3_000_000, zip=True)

    assert_quadrants(seen(encoded(quadrants(), "PNG", pnginfo=info)))


def test_first_picture_of_several_is_taken(seen: Seen) -> None:
    others = [Image.new("RGB", (96, 64), "black")]
    for kind in ("PNG", "WEBP", "TIFF", "MPO"):
        options = {"lossless": True} if kind == "WEBP" else {}
        assert_quadrants(seen(encoded(quadrants(), kind, save_all=True, append_images=others, **options)))


def test_size_beyond_the_head_is_checked(seen: Seen) -> None:
    late = jpeg_with_segments([(0xE2, b"x" * 60_000)] * 2)

    assert_quadrants(seen(late))
    with pytest.raises(TooManyPixelsError):
        seen(late, pixel_cap=96 * 64 - 1)


def test_raw_that_shows_only_beyond_the_head_is_refused(seen: Seen) -> None:
    block = tiff({256: short(96), 257: short(64), 50706: (1, 4, b"\1\4\0\0")})
    data = b"II*\0" + struct.pack("<I", 70_000) + b"\0" * 69_992 + block[8:]
    with pytest.raises(RawNotSupportedError):
        seen(data)


# Real files ---------------------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize("orientation", range(1, 9))
def test_real_orientations_come_out_alike(orientation: int) -> None:
    first, other = (decode(BAD / f"exif_orient_{each}.jpg") for each in (1, orientation))

    assert other.pixels.shape == first.pixels.shape or orientation >= 5
    assert np.abs(other.pixels.mean(axis=(0, 1)) - first.pixels.mean(axis=(0, 1))).max() < 1


@needs_shared
def test_real_heic_is_turned_once() -> None:
    decoded = decode(BAD / "orientation6.heic")

    assert (decoded.width, decoded.height, decoded.orientation) == (480, 160, 6)


@needs_shared
def test_real_iphone_heic_becomes_srgb() -> None:
    decoded = decode(SHARED / "sample_iphone.heic")

    assert (decoded.width, decoded.height, decoded.icc_profile) == (2566, 3313, "Display P3")


@needs_shared
@pytest.mark.parametrize("name", ["cmyk.jpg", "jpeg_html_polyglot.jpg", "jpeg_zip_polyglot.jpg", "jpeg_named.nef"])
def test_real_oddities_look_like_the_plain_file(name: str) -> None:
    plain, odd = decode(BAD / "exif_orient_1.jpg").pixels, decode(BAD / name).pixels

    assert np.abs(plain.astype(int) - odd).mean() < 4


@needs_shared
def test_real_16_bit_files_span_the_whole_range() -> None:
    for name in ("gray16.png", "rgb16.png"):
        pixels = decode(BAD / name).pixels
        assert (pixels.min(), pixels.max()) == (0, 255)


@needs_shared
def test_real_truncated_jpeg_is_told() -> None:
    with pytest.raises(TruncatedImageError, match=r"about 6\d % of the picture"):
        decode(BAD / "trunc.jpg")


def test_buffer_of_the_pixels_cannot_be_written(seen: Seen) -> None:
    with pytest.raises(ValueError, match="read-only"):
        seen(encoded(quadrants(), "PNG")).pixels[0, 0] = 0


def test_same_file_gives_the_same_pixels(seen: Seen) -> None:
    data = encoded(noise(), "JPEG")

    assert np.array_equal(seen(data).pixels, seen(data).pixels)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg_has_the_pixels_that_pillow_sees(seen: Seen, subsampling: str, *, progressive: bool) -> None:
    data = encoded(noise((123, 77)), "JPEG", subsampling=subsampling, progressive=progressive)
    decoded = seen(data)

    assert np.array_equal(decoded.pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert not decoded.pixels.flags.writeable


def test_flaw_that_pillow_forgives_is_forgiven(seen: Seen) -> None:
    data = encoded(noise((64, 48)), "JPEG", restart_marker_blocks=2)
    at = data.index(b"\xff\xd1")
    flawed = data[:at] + b"\x55\x55\x55" + data[at:]  # libjpeg warns of bytes before a marker, and goes on behind it
    with pytest.raises(ValueError, match="extraneous"):
        simplejpeg.decode_jpeg(flawed)

    assert np.array_equal(seen(flawed).pixels, np.asarray(Image.open(io.BytesIO(flawed))))


def test_named_profile_that_is_srgb_is_told_and_changes_nothing(seen: Seen) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = noise((64, 48))
    named, plain = seen(encoded(image, "JPEG", icc_profile=profile)), seen(encoded(image, "JPEG"))

    assert named.icc_profile is not None
    assert plain.icc_profile is None
    assert np.array_equal(named.pixels, plain.pixels)
