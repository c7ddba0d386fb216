from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fotofila.faces.align import cut_out, similarity
from fotofila.faces.embedder import SIDE, TEMPLATE


def moved(points: NDArray[np.float64], degrees: float, scale: float, dx: float, dy: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there: NDArray[np.float64] = points @ turn.T + np.array([dx, dy])
    return there


def gradient(width: int, height: int) -> NDArray[np.uint8]:
    """Red grows with x, green with y, so that a pixel tells where it came from."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 0] = np.arange(width)
    pixels[:, :, 1] = np.arange(height)[:, None]
    return pixels


def test_similarity_finds_turn_scale_and_shift() -> None:
    move = similarity(moved(TEMPLATE, 30, 2, 5, -7), TEMPLATE)

    assert move.scale == pytest.approx(0.5)
    assert np.degrees(np.arctan2(move.b, move.a)) == pytest.approx(-30)


def test_chip_of_points_at_the_template_is_the_photo_itself() -> None:
    photo = gradient(200, 200)

    np.testing.assert_array_equal(cut_out(photo, TEMPLATE, TEMPLATE, SIDE), photo[:SIDE, :SIDE])
    shifted = cut_out(photo, TEMPLATE + np.array([20, 30]), TEMPLATE, SIDE)
    np.testing.assert_allclose(shifted, photo[30:142, 20:132], atol=1)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 0.5), (25, 1.3), (-90, 0.7), (180, 1), (10, 2.5), (0, 4)])
def test_points_of_the_photo_lie_at_the_template(degrees: float, scale: float) -> None:
    photo = gradient(256, 256)
    points = moved(TEMPLATE - 56, degrees, scale, 128, 128)
    inside = (points > 8).all(axis=1) & (points < 248).all(axis=1)

    chip = cut_out(photo, points, TEMPLATE, SIDE)

    for (x, y), (u, v) in zip(points[inside], np.round(TEMPLATE[inside]).astype(int), strict=True):
        assert chip[v, u, 0] == pytest.approx(x, abs=scale + 1.5)
        assert chip[v, u, 1] == pytest.approx(y, abs=scale + 1.5)


def test_beyond_the_border_the_outermost_pixels_go_on() -> None:
    photo = np.full((50, 50, 3), 200, np.uint8)

    assert (cut_out(photo, TEMPLATE - 30, TEMPLATE, SIDE) == 200).all()


def test_large_face_is_averaged_down_not_skipped_over() -> None:
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 200

    chip = cut_out(stripes, TEMPLATE * 8, TEMPLATE, SIDE)

    assert np.ptp(chip[20:90, 20:90]) <= 2


def test_points_far_outside_or_all_alike_give_a_black_chip() -> None:
    photo = np.full((50, 50, 3), 200, np.uint8)

    assert not cut_out(photo, TEMPLATE + 5000, TEMPLATE, SIDE).any()
    assert not cut_out(photo, np.zeros((5, 2)), TEMPLATE, SIDE).any()
