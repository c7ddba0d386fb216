"""How bright and how sharp a face is, measured on its aligned chip so that all faces are measured alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fotofila.faces.face import Quality

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Rec. 601."""
HALF_SHARP = 60.0
"""Mean square of the Laplacian at which a face counts as half sharp: the median of the labelled press photos."""


def measure_quality(chip: NDArray[np.uint8]) -> Quality:
    """Of a chip (112, 112, 3) RGB. Brightness: mean luma. Sharpness: energy of the 4-neighbour Laplacian.

    A face that is small in the photo was enlarged to fill the chip and is therefore as blurred as it looks there.
    Sharpness is e / (e + 60) of the energy e: 0 for a flat chip, 50 for a usual press photo, near 100 for noise.
    """
    luma = chip @ LUMA
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    energy = float((laplacian**2).mean())
    return Quality(brightness=float(luma.mean()) / 2.55, sharpness=100 * energy / (energy + HALF_SHARP))
