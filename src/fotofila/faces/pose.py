"""Head pose from five points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fotofila.faces.face import Pose

HEAD = np.array([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.585, -0.42], [-0.43, 1.04, -0.08], [0.43, 1.04, -0.08]])
"""Eyes, nose tip and mouth corners of a head that looks at us, in distances between the pupils.

x to the right, y down, z away from us. x and y are the medians of what the detector says of 400 press photos, whose
people mostly look at the camera; the depths are those of an adult head (the nose tip some 26 mm, the mouth corners some
5 mm in front of the pupils, which are 63 mm apart).
"""


def estimate_pose(points: NDArray[np.float64]) -> Pose:
    """Angles in degrees from (5, 2) points in pixels, exact for a rigid head far away.

    Weak perspective: the 2x3 matrix that takes `HEAD` to the points, by least squares (the first step of POSIT:
    DeMenthon and Davis 1995, "Model-based object pose in 25 lines of code"), then the nearest rotation by SVD.
    roll: the head turns clockwise as we see it; yaw: the nose points to the right of the picture; pitch: it points up.
    """
    model = HEAD - HEAD.mean(axis=0)
    matrix = np.linalg.lstsq(model, points - points.mean(axis=0), rcond=None)[0].T
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    first, second = left @ right
    third = np.cross(first, second)
    # R = Rz(roll) Ry(-yaw) Rx(-pitch), rows first, second, third.
    yaw = np.arcsin(np.clip(third[0], -1, 1))
    roll = np.arctan2(second[0], first[0])
    pitch = -np.arctan2(third[1], third[2])
    return Pose(roll=_degrees(roll), yaw=_degrees(yaw), pitch=_degrees(pitch))


def _degrees(radians: float) -> float:
    return float(np.degrees(radians))
