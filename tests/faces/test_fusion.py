from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fotofila.faces.fusion import FIELDS, SCORE, Detections, Scale, average_overlaps, fuse, overlap, trust

SMALL = Scale(width=320, height=320, ratio=0.5)
LARGE = Scale(width=640, height=640, ratio=1.0)


def face(left: float, top: float, side: float, score: float) -> NDArray[np.float32]:
    points = [value for point in range(5) for value in (left + point, top + point)]
    return np.array([left, top, left + side, top + side, score, *points], np.float32)


def rows(*faces: NDArray[np.float32]) -> Detections:
    return np.stack(faces) if faces else np.zeros((0, FIELDS), np.float32)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(face(0, 0, 10, 1), rows(face(5, 0, 10, 1), face(20, 0, 10, 1))).tolist() == pytest.approx([1 / 3, 0])


def test_overlapping_boxes_and_points_are_averaged_by_score() -> None:
    [joined] = average_overlaps(rows(face(10, 0, 40, 0.25), face(0, 0, 40, 0.75)))

    assert joined[0] == pytest.approx(2.5)
    assert joined[5] == pytest.approx(2.5)
    assert joined[SCORE] == pytest.approx(0.75)


def test_faces_apart_stay_apart_best_first() -> None:
    found = average_overlaps(rows(face(0, 0, 10, 0.4), face(50, 0, 10, 0.9)))

    assert found[:, SCORE].tolist() == pytest.approx([0.9, 0.4])


def test_nothing_found_is_no_rows() -> None:
    assert average_overlaps(rows()).shape == (0, FIELDS)
    assert fuse([rows(), rows()], (SMALL, LARGE)).shape == (0, FIELDS)


def test_face_seen_at_both_scales_has_their_mean_score() -> None:
    [joined] = fuse([rows(face(0, 0, 100, 0.8)), rows(face(2, 0, 100, 0.6))], (SMALL, LARGE))

    assert joined[SCORE] == pytest.approx(0.7)
    assert 0 < joined[0] < 1


def test_face_that_one_scale_misses_loses_half() -> None:
    [joined] = fuse([rows(face(0, 0, 100, 0.8)), rows()], (SMALL, LARGE))

    assert joined[SCORE] == pytest.approx(0.4)


def test_scale_that_cannot_see_a_face_of_that_size_has_no_say() -> None:
    found = fuse([rows(face(0, 0, 600, 0.8)), rows()], (Scale(width=128, height=128, ratio=0.2), LARGE))

    assert found[0, SCORE] == pytest.approx(0.8)


def test_small_face_at_the_coarse_scale_is_not_believed() -> None:
    coarse = Scale(width=384, height=384, ratio=0.4, smallest=64)

    assert len(fuse([rows(face(0, 0, 50, 0.9)), rows()], (coarse, LARGE))) == 0


def test_trust_ends_at_half_the_smallest_and_twice_the_largest() -> None:
    scale = Scale(width=1, height=1, ratio=0.5, smallest=64, largest=256)

    heights = np.array([64, 96, 128, 512, 768, 1024], np.float32)
    assert trust(heights, scale).tolist() == pytest.approx([0, 0.5, 1, 1, 0.5, 0])
