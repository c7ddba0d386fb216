from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import (
    SAMPLES,
    SHARED,
    Seen,
    encoded,
    heif,
    noise,
    oriented,
    quadrants,
    short,
    tiff,
)
from PIL import Image

from fotofila.core.images.decode import decode
from fotofila.core.images.errors import (
    CorruptImageError,
    ImageError,
    ImageTooLargeError,
    MalformedImageError,
    TooManyPixelsError,
    TruncatedImageError,
)

BAD = SHARED / "bad_inputs"
needs_shared = pytest.mark.skipif(not BAD.is_dir(), reason="the extra samples are not here")


# Truncation ---------------------------------------------------------------------------------------------------------


def test_truncated_jpeg_says_how_much_of_it_is_there(seen: Seen) -> None:
    data = encoded(noise(), "JPEG", quality=90)
    with pytest.raises(TruncatedImageError) as caught:
        seen(data[: len(data) // 2])
    assert (caught.value.code, caught.value.status, caught.value.permanent) == ("truncated_image", 422, True)
    kilobytes, percent = (float(word) for word in caught.value.message.split() if word[0].isdigit())
    assert abs(kilobytes * 1000 - len(data) / 2) < 1000
    assert 35 <= percent <= 55
    assert "upload it again" in caught.value.message


def test_jpeg_without_its_last_bytes_is_truncated(seen: Seen) -> None:
    for missing in (2, 3, 40):
        with pytest.raises(TruncatedImageError):
            seen(encoded(noise(), "JPEG")[:-missing])


def test_jpeg_whose_rest_is_zeros_is_truncated(seen: Seen) -> None:
    data = encoded(noise(), "JPEG", quality=90)
    half = len(data) // 2
    for rest in (b"\0" * half, b"\0" * 3_000_000):
        with pytest.raises(TruncatedImageError) as caught:
            seen(data[:half] + rest)
        kilobytes, percent = (float(word) for word in caught.value.message.split() if word[0].isdigit())
        assert abs(kilobytes * 1000 - half) < 1000
        assert 45 <= percent <= 55


def test_truncated_progressive_jpeg_names_no_share(seen: Seen) -> None:
    data = encoded(noise(), "JPEG", progressive=True)
    with pytest.raises(TruncatedImageError) as caught:
        seen(data[: len(data) // 2])
    assert "%" not in caught.value.message


def test_jpeg_cut_within_its_header_is_truncated(seen: Seen) -> None:
    data = encoded(quadrants(), "JPEG")
    for size in (4, 21, 200, data.index(b"\xff\xda") + 5):
        with pytest.raises(TruncatedImageError) as caught:
            seen(data[:size])
        assert "before its picture begins" in caught.value.message


def test_truncated_png_says_how_much_of_it_is_there(seen: Seen) -> None:
    data = encoded(noise(), "PNG")
    for share in (0.25, 0.75):
        with pytest.raises(TruncatedImageError) as caught:
            seen(data[: int(len(data) * share)])
        percent = float(caught.value.message.split(" %")[0].split()[-1])
        assert abs(percent - 100 * share) <= 3


def test_png_without_its_end_is_truncated(seen: Seen) -> None:
    for missing in (1, 12, 14):
        with pytest.raises(TruncatedImageError):
            seen(encoded(noise(), "PNG")[:-missing])


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "HEIC", "TIFF"])
def test_truncated_file_that_knows_its_size_says_both(seen: Seen, kind: str) -> None:
    data = oriented("HEIC", 1) if kind == "HEIC" else encoded(noise(), kind)
    for present in (int(len(data) * 0.9), len(data) - 20):
        with pytest.raises(TruncatedImageError) as caught:
            seen(data[:present])
        assert " of " in caught.value.message
        assert caught.value.message.endswith("upload it again.")


def test_sentence_of_a_truncation_is_for_people(seen: Seen) -> None:
    data = encoded(noise((800, 600)), "WEBP", lossless=True)
    with pytest.raises(TruncatedImageError) as caught:
        seen(data[:300_000])
    assert caught.value.message == f"The file ends after 300.0 kB of {len(data) / 1e6:.1f} MB: upload it again."


def test_tiff_whose_directory_never_came_is_truncated(seen: Seen) -> None:
    with pytest.raises(TruncatedImageError) as caught:
        seen(b"II*\0" + struct.pack("<I", 5_000_000) + b"\0" * 1000)
    assert "before its directory" in caught.value.message


def test_heif_whose_picture_never_came_is_truncated(seen: Seen) -> None:
    data = oriented("HEIC", 1)
    with pytest.raises(TruncatedImageError):
        seen(data[: data.index(b"mdat") - 4])


# Damage -------------------------------------------------------------------------------------------------------------


def test_png_with_changed_bytes_is_corrupt(seen: Seen) -> None:
    data = bytearray(encoded(noise(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(CorruptImageError) as caught:
        seen(bytes(data))
    assert (caught.value.code, caught.value.status, caught.value.permanent) == ("corrupt_image", 422, True)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "HEIC", "TIFF"])
def test_overwritten_pixel_data_are_corrupt(seen: Seen, kind: str) -> None:
    options = {"TIFF": {"compression": "tiff_adobe_deflate"}, "WEBP": {"lossless": True}}.get(kind, {})
    data = oriented("HEIC", 1) if kind == "HEIC" else encoded(noise(), kind, **options)
    at = {"WEBP": 40, "TIFF": 8}.get(kind) or data.index(b"mdat") + 4
    with pytest.raises(CorruptImageError):
        seen(data[:at] + b"\xa5" * 60 + data[at + 60 :])


def test_jpeg_of_an_unknown_process_is_corrupt(seen: Seen) -> None:
    data = encoded(quadrants(), "JPEG").replace(b"\xff\xc0\x00\x11", b"\xff\xcd\x00\x11")
    with pytest.raises(CorruptImageError):
        seen(data)


def test_heic_with_a_type_that_is_no_text_is_corrupt_and_no_crash(seen: Seen) -> None:
    data = (SAMPLES / "orientation6.heic").read_bytes()
    with pytest.raises(CorruptImageError):
        seen(data.replace(b"Exif\0", b"\xffxif\0", 1))


def test_heif_without_a_size_or_picture_is_refused(seen: Seen) -> None:
    for data in (heif(size=None), heif(), heif(b"avif", item=b"av01")):
        with pytest.raises(ImageError):
            seen(data)


def test_tiff_without_a_size_is_malformed(seen: Seen) -> None:
    data = tiff({273: short(8), 279: short(1), 262: short(1)})
    with pytest.raises(MalformedImageError):
        seen(data)


# Bombs --------------------------------------------------------------------------------------------------------------


def test_small_file_with_many_pixels_is_refused_before_it_is_unpacked(seen: Seen) -> None:
    for kind in ("PNG", "TIFF", "WEBP"):
        data = encoded(Image.new("L", (4000, 3000)), kind)
        with pytest.raises(TooManyPixelsError):
            seen(data, pixel_cap=11_999_999)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_want_of_memory_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (16_000, 12_000)).save(path)
    program = """
import resource, sys
from pathlib import Path
from fotofila.core.images.decode import decode
from fotofila.core.images.errors import ImageTooLargeError
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 64 * 2**20, taken + 64 * 2**20))
try:
    decode(Path(sys.argv[1]))
except ImageTooLargeError as error:
    print(error.code, "FOTOFILA_CHILD_MEMORY_MB" in error.message)
"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [ImageTooLargeError.code, "True"]


def test_missing_file_is_the_operators_error_and_not_the_pictures(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "nothing")


ORIGINALS = [
    encoded(quadrants(), "JPEG"),
    encoded(quadrants(), "PNG"),
    encoded(quadrants(), "WEBP"),
    encoded(quadrants(), "TIFF", compression="tiff_lzw"),
    encoded(quadrants(), "AVIF"),
    (SAMPLES / "orientation6.heic").read_bytes(),
]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_files_give_pixels_or_one_of_our_errors(seen: Seen, data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from(ORIGINALS)))
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(changed), len(changed) - 9, len(changed) // 2]))
    try:
        pixels = seen(bytes(changed[:end]), pixel_cap=1_000_000).pixels
    except ImageError:
        return
    assert pixels.ndim == 3
