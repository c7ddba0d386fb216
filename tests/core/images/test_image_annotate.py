from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fotofila.core.images.annotate import Annotation, annotate, draw_annotations, lay_out, lay_out_legibly
from fotofila.core.images.labels import Label, Rectangle, place_labels, printable

YELLOW, DARK = (255, 214, 10), (17, 17, 17)


def gray(width: int = 800, height: int = 600, level: int = 128) -> np.ndarray:
    return np.full((height, width, 3), level, dtype=np.uint8)


def changed(image: Image.Image, level: int = 128) -> np.ndarray:
    return (np.asarray(image) != level).any(axis=-1)


def test_box_is_drawn_where_it_belongs_and_its_middle_is_left_free() -> None:
    drawn = changed(annotate(gray(), [Annotation(left=0.25, top=0.25, width=0.5, height=0.5)]))
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))

    assert (columns[0], columns[-1], rows[0], rows[-1]) == (200, 599, 150, 449)
    assert not drawn[170:430, 220:580].any()


def test_corners_are_rounded() -> None:
    drawn = changed(annotate(gray(), [Annotation(left=0.25, top=0.25, width=0.5, height=0.5)]))

    assert not drawn[150, 200]
    assert drawn[150, 400]
    assert drawn[300, 200]


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), YELLOW, DARK, (200, 20, 20)])
def test_line_stands_out_on_any_ground(ground: tuple[int, int, int]) -> None:
    pixels = np.broadcast_to(np.array(ground, dtype=np.uint8), (600, 800, 3)).copy()
    column = np.asarray(annotate(pixels, [Annotation(left=0.25, top=0.25, width=0.5, height=0.5)]))[145:165, 400]
    brightness = column @ np.array([0.299, 0.587, 0.114])

    assert np.abs(brightness - brightness[0]).max() > 90


def test_line_grows_with_the_picture_and_shrinks_with_the_box() -> None:
    def thickness(pixels: np.ndarray, size: float) -> int:
        image = annotate(pixels, [Annotation(left=0.2, top=0.2, width=size, height=size)], long_side=4000)
        return int(changed(image)[:, int(image.width * (0.2 + size / 2))].sum())

    assert thickness(gray(3000, 3000), 0.5) > thickness(gray(600, 600), 0.5)
    assert thickness(gray(3000, 3000), 0.5) > thickness(gray(3000, 3000), 0.01)


def test_picture_is_shrunk_to_the_long_side_and_never_enlarged() -> None:
    assert annotate(gray(2000, 1000), []).size == (1280, 640)
    assert annotate(gray(2000, 1000), [], long_side=500).size == (500, 250)
    assert annotate(gray(300, 200), []).size == (300, 200)


def test_box_past_the_border_is_drawn_as_far_as_it_is_seen() -> None:
    drawn = changed(annotate(gray(), [Annotation(left=-0.2, top=-0.2, width=0.5, height=0.5)]))

    assert drawn[:, 0].any()
    assert drawn[0].any()
    assert np.flatnonzero(drawn.any(axis=0))[-1] == 239


@pytest.mark.parametrize(
    "box",
    [
        Annotation(left=1.5, top=0.1, width=0.2, height=0.2, label="out of sight"),
        Annotation(left=math.nan, top=0.1, width=0.2, height=0.2),
        Annotation(left=0.1, top=0.1, width=math.inf, height=0.2),
        Annotation(left=0.5, top=0.5, width=0, height=0.2),
        Annotation(left=0.5, top=0.5, width=-0.1, height=-0.1),
    ],
)
def test_box_that_cannot_be_seen_is_left_out(box: Annotation) -> None:
    assert not changed(annotate(gray(), [box])).any()


def test_label_is_drawn_above_its_box() -> None:
    box = Annotation(left=0.25, top=0.25, width=0.5, height=0.5)
    plain, labelled = (
        changed(annotate(gray(), [each]))
        for each in (box, Annotation(left=0.25, top=0.25, width=0.5, height=0.5, label="34-41 F 98%"))
    )
    added = labelled & ~plain

    assert np.flatnonzero(added.any(axis=1))[-1] <= 150
    assert added.sum() > 500


def test_label_at_the_top_border_goes_below() -> None:
    drawn = changed(annotate(gray(), [Annotation(left=0.3, top=0, width=0.3, height=0.3, label="at the top")]))

    assert drawn[182:190, 240:300].any()


def test_letters_that_the_font_has_not_are_spelled() -> None:
    assert printable("José \N{EM DASH} 34\N{EN DASH}41 ♀ “João”") == 'Jose - 34-41 F "Joao"'
    assert printable("漢字 \x00\x1b x\n y") == "?? ?? x y"
    assert len(printable("x" * 1000)) == 48
    assert printable("\u0301" * 9) == ""


def rectangles() -> st.SearchStrategy[list[tuple[int, int, int, int]]]:
    return st.lists(
        st.tuples(st.integers(0, 780), st.integers(0, 580), st.integers(3, 300), st.integers(3, 300)), max_size=25
    )


@given(boxes=rectangles(), width=st.integers(10, 200), height=st.integers(10, 30))
def test_labels_stay_inside_the_frame(boxes: list[tuple[int, int, int, int]], width: int, height: int) -> None:
    seen = [Rectangle(x, y, min(800, x + w), min(600, y + h)) for x, y, w, h in boxes]
    labels = [Label(box=index, width=width, height=height) for index in range(len(seen))]

    placed = [place for _, place, _ in place_labels(seen, labels, frame=(800, 600))]

    assert len(placed) == len(seen)
    for place in placed:
        assert place.left >= 0
        assert place.top >= 0
        assert place.right <= 800
        assert place.bottom <= 600


def test_labels_of_neighbours_do_not_cover_each_other() -> None:
    seen = [Rectangle(100 + 45 * n, 200, 140 + 45 * n, 250) for n in range(8)]
    labels = [Label(box=index, width=70, height=17) for index in range(8)]

    placed = [place for _, place, _ in place_labels(seen, labels, frame=(800, 600))]

    assert sum(one.overlap(other) for one, other in itertools.combinations(placed, 2)) == 0


SIZES = ((640, 480), (768, 576), (1024, 768))


def in_rows(*, across: int, down: int, height: float, step: float) -> list[Annotation]:
    """Faces side by side, in rows that stand close behind each other."""
    return [
        Annotation(
            left=0.05 + step * x, top=0.1 + 1.4 * height * y, width=0.55 * height, height=height, label="M 30\u201336"
        )
        for x in range(across)
        for y in range(down)
    ]


@pytest.mark.parametrize(
    ("faces", "size"),
    [
        (in_rows(across=1, down=1, height=0.5, step=0), SIZES[0]),
        (in_rows(across=3, down=1, height=0.2, step=0.3), SIZES[0]),
        (in_rows(across=8, down=3, height=0.06, step=0.11), SIZES[0]),
        (in_rows(across=9, down=3, height=0.06, step=0.1), SIZES[1]),  # at 640 a label would lie on a face
        (in_rows(across=12, down=3, height=0.06, step=0.075), SIZES[2]),  # at 768 as well
        (in_rows(across=3, down=1, height=0.055, step=0.3), SIZES[1]),  # faces too small at 640
        (in_rows(across=3, down=1, height=0.02, step=0.3), SIZES[2]),  # and at any size
        ([], SIZES[2]),
    ],
)
def test_picture_is_as_large_as_faces_and_labels_need(faces: list[Annotation], size: tuple[int, int]) -> None:
    assert lay_out_legibly(faces, SIZES).size == size


def test_smaller_size_covers_nothing() -> None:
    layout = lay_out_legibly(in_rows(across=8, down=3, height=0.06, step=0.11), SIZES)
    places = [place for place, _, _ in layout.labels]

    assert len(places) == 24
    assert not any(place.overlap(box) for place in places for box in layout.boxes)
    assert not any(one.overlap(other) for one, other in itertools.combinations(places, 2))


def test_crowd_is_drawn_without_end() -> None:
    crowd = [
        Annotation(left=x / 60, top=y / 40, width=0.012, height=0.02, label="30-36")
        for x in range(60)
        for y in range(40)
    ]
    image = annotate(gray(), crowd)

    assert changed(image).any()


def test_same_boxes_give_the_same_picture() -> None:
    boxes = [Annotation(left=0.1 * n, top=0.2, width=0.1, height=0.2, label=f"face {n}") for n in range(9)]

    assert annotate(gray(), boxes).tobytes() == annotate(gray(), boxes).tobytes()


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    values=st.lists(st.tuples(*[st.floats(allow_nan=True, width=32)] * 4, st.text(max_size=20)), max_size=4),
)
def test_any_box_on_any_picture_can_be_drawn(
    size: tuple[int, int], values: list[tuple[float, float, float, float, str]]
) -> None:
    image = Image.new("RGB", size)
    draw_annotations(image, [Annotation(left=a, top=b, width=c, height=d, label=label) for a, b, c, d, label in values])

    assert image.size == size


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    values=st.lists(st.tuples(*[st.floats(-0.5, 1.5)] * 2, *[st.floats(0.001, 1.2)] * 2), max_size=4),
)
def test_boxes_of_any_size_on_small_pictures_can_be_drawn(
    size: tuple[int, int], values: list[tuple[float, float, float, float]]
) -> None:
    boxes = [Annotation(left=a, top=b, width=c, height=d, label="x") for a, b, c, d in values]
    image = Image.new("RGB", size)
    draw_annotations(image, boxes)

    assert changed(image, 0).any() == bool(lay_out(boxes, size).boxes)
