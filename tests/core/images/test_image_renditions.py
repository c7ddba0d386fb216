from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from image_files import display_p3_profile, encoded, jpeg_with_segments, quadrants, rational, text, tiff
from PIL import Image

from fotofila.core.images.annotate import Annotation
from fotofila.core.images.decode import decode
from fotofila.core.images.renditions import Renditions, make_renditions
from fotofila.core.images.scaling import encode_jpeg, encode_webp, fitted, shrink, shrink_pixels, to_image

FACE = Annotation(left=0.4, top=0.3, width=0.2, height=0.3, label="30-36 F")
SMALL_FACE = Annotation(left=0.4, top=0.3, width=0.02, height=0.02, label="30-36 F")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def smooth(size: tuple[int, int]) -> Image.Image:
    """A picture of soft slopes, which every way of shrinking must agree on."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    planes = [120 + 100 * np.sin(7 * x + 2 * y), 255 * x, 255 * y]
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


@pytest.mark.parametrize(
    ("size", "large", "small"),
    [
        ((1736, 1157), (1024, 682), (256, 171)),
        ((1157, 1736), (682, 1024), (171, 256)),
        ((4000, 3000), (1024, 768), (256, 192)),
        ((1024, 1024), (1024, 1024), (256, 256)),
        ((300, 200), (300, 200), (256, 171)),
        ((100, 80), (100, 80), (100, 80)),
        ((3000, 2), (1024, 1), (256, 1)),
    ],
)
def test_long_sides_are_1024_and_256_and_never_larger_than_the_picture(
    size: tuple[int, int], large: tuple[int, int], small: tuple[int, int]
) -> None:
    made = make_renditions(np.asarray(smooth(size)), [])

    assert np.abs(np.subtract(opened(made.large).size, large)).max() <= 1
    assert np.abs(np.subtract(opened(made.small).size, small)).max() <= 1
    assert max(opened(made.large).size) == min(1024, max(size))
    assert max(opened(made.small).size) == min(256, max(size))
    assert opened(made.annotated).size == opened(made.large).size


def test_renditions_are_webp() -> None:
    made = make_renditions(np.asarray(quadrants()), [])

    assert {opened(each).format for each in (made.large, made.small, made.annotated)} == {"WEBP"}


@pytest.mark.parametrize("size", [(1736, 1157), (1025, 800), (2047, 900), (5000, 3333)])
def test_shrinking_looks_like_a_careful_filter(size: tuple[int, int]) -> None:
    image = smooth(size)
    careful = image.resize(fitted(size, 1024), Image.Resampling.BOX)

    for quick in (shrink(image, 1024), shrink_pixels(np.asarray(image), 1024)):
        assert np.abs(np.asarray(quick, dtype=int) - np.asarray(careful)).max() <= 3


@pytest.mark.parametrize(
    "size", [(1736, 1157), (1157, 1736), (1025, 800), (2047, 900), (1024, 3), (5000, 3333), (9, 7)]
)
def test_pixels_shrink_as_their_picture_does(size: tuple[int, int]) -> None:
    image = smooth(size)
    quick, slow = shrink_pixels(np.asarray(image), 1024), shrink(image, 1024)

    assert quick.size == slow.size
    assert np.abs(np.asarray(quick, dtype=int) - np.asarray(slow)).max() <= 2


@pytest.mark.parametrize(
    ("size", "side"), [((1024, 768), 768), ((1024, 768), 640), ((1632, 1224), 1024), ((999, 700), 500)]
)
def test_each_pixel_is_the_mean_of_four_samples(size: tuple[int, int], side: int) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    made = np.asarray(shrink_pixels(pixels, side), dtype=int)
    rows, columns = (
        # Counted in whole numbers: a sample that lies on the border of two pixels belongs to the second.
        (2 * np.arange(2 * wanted) + 1) * there // (4 * wanted)
        for there, wanted in zip(pixels.shape, made.shape[:2], strict=False)
    )
    four = pixels[rows][:, columns].astype(int).reshape(made.shape[0], 2, made.shape[1], 2, 3)

    assert np.abs(made - four.mean(axis=(1, 3))).max() <= 1


def test_shrinking_keeps_black_black_and_white_white() -> None:
    pixels = np.zeros((1200, 1600, 3), dtype=np.uint8)
    pixels[:, 800:] = 255
    made = np.asarray(shrink_pixels(pixels, 1024))

    assert made[:, :500].max() == 0
    assert made[:, 524:].min() == 255


def test_fitted_keeps_a_pixel_of_the_thinnest_picture() -> None:
    assert fitted((100_000, 1), 256) == (256, 1)


def test_nothing_of_the_photographer_is_in_a_rendition(tmp_path: Path) -> None:
    place = {1: text("S"), 2: rational((22, 1), (57, 1), (6, 1)), 3: text("W"), 4: rational((43, 1), (12, 1), (37, 1))}
    exif = tiff({271: text("SecretCamera")}, gps=place)
    segments = [(0xE1, b"Exif\0\0" + exif), (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>SecretCamera</x>")]
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_with_segments(segments, smooth((400, 300))))

    made = make_renditions(decode(path).pixels, [FACE])

    for data in (made.large, made.small, made.annotated):
        assert b"SecretCamera" not in data
        assert not any(kind in data for kind in (b"EXIF", b"XMP ", b"ICCP"))
        assert not opened(data).getexif()


def test_metadata_of_a_pillow_image_are_not_written_either() -> None:
    image = opened(
        encoded(quadrants(), "PNG", exif=tiff({271: text("SecretCamera")}), icc_profile=display_p3_profile())
    )
    image.load()

    for data in (encode_webp(image), encode_jpeg(image)):
        assert b"SecretCamera" not in data
        assert b"Test profile" not in data


def test_same_pixels_give_the_same_bytes() -> None:
    pixels = np.asarray(smooth((1500, 1000)))

    assert make_renditions(pixels, [FACE]) == make_renditions(pixels.copy(), [FACE])


def test_boxes_are_on_the_annotated_rendition_only() -> None:
    pixels = np.asarray(smooth((640, 480)))
    made, plain = make_renditions(pixels, [FACE]), make_renditions(pixels, [])

    assert isinstance(made, Renditions)
    assert (made.large, made.small) == (plain.large, plain.small)
    assert made.annotated != plain.annotated
    assert plain.annotated == plain.large


@pytest.mark.parametrize(
    ("size", "face", "annotated"),
    [
        ((1600, 1200), FACE, (640, 480)),
        ((1600, 1200), SMALL_FACE, (1024, 768)),
        ((800, 600), SMALL_FACE, (800, 600)),
        ((800, 600), FACE, (640, 480)),
        ((600, 450), FACE, (600, 450)),
    ],
)
def test_annotated_picture_is_as_large_as_its_faces_need(
    size: tuple[int, int], face: Annotation, annotated: tuple[int, int]
) -> None:
    assert opened(make_renditions(np.asarray(smooth(size)), [face]).annotated).size == annotated


def test_pixels_are_not_touched() -> None:
    pixels = np.array(smooth((640, 480)))
    before = pixels.copy()
    make_renditions(pixels, [FACE])

    assert np.array_equal(pixels, before)
    assert np.array_equal(np.asarray(to_image(pixels)), before)
