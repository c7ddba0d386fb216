from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fotofila.faces.pose import HEAD, estimate_pose


def seen(roll: float, yaw: float, pitch: float) -> NDArray[np.float64]:
    """The five points of a head far away that is turned so, in a picture of 1000 pixels."""
    r, y, p = np.radians([roll, -yaw, -pitch])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    points: NDArray[np.float64] = 80 * (HEAD @ (about_z @ about_y @ about_x).T)[:, :2]
    shifted: NDArray[np.float64] = points + np.array([500, 400])
    return shifted


@pytest.mark.parametrize(
    ("roll", "yaw", "pitch"),
    [(0, 0, 0), (15, 0, 0), (0, 30, 0), (0, -30, 0), (0, 0, 20), (0, 0, -20), (-170, 5, 5), (25, -40, 15)],
)
def test_pose_of_a_rigid_head_is_found_exactly(roll: float, yaw: float, pitch: float) -> None:
    pose = estimate_pose(seen(roll, yaw, pitch))

    assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx((roll, yaw, pitch), abs=1e-6)


def test_nose_to_the_right_of_the_picture_is_positive_yaw_and_up_is_positive_pitch() -> None:
    frontal, right, up = seen(0, 0, 0), seen(0, 25, 0), seen(0, 0, 25)
    middle = slice(0, 2)

    assert right[2, 0] - right[middle, 0].mean() > frontal[2, 0] - frontal[middle, 0].mean()
    assert up[2, 1] - up[middle, 1].mean() < frontal[2, 1] - frontal[middle, 1].mean()


def test_mirrored_face_has_mirrored_roll_and_yaw() -> None:
    points = seen(10, 20, 5) + np.random.default_rng(3).normal(0, 2, (5, 2))
    mirrored = (points * [-1, 1])[[1, 0, 2, 4, 3]]

    here, there = estimate_pose(points), estimate_pose(mirrored)

    assert (there.roll, there.yaw, there.pitch) == pytest.approx((-here.roll, -here.yaw, here.pitch))


def test_points_that_are_all_alike_still_give_numbers() -> None:
    pose = estimate_pose(np.zeros((5, 2)))

    assert np.isfinite([pose.roll, pose.yaw, pose.pitch]).all()
