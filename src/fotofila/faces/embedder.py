"""Turn aligned faces into vectors that are near when the person is the same (SFace)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fotofila.core.inference.session import Runs

SIDE = 112
NUMBERS = 128
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the five points lie in the chip: the template of ArcFace (Deng et al. 2019), in pixels of 112."""

BATCH = 2
"""Chips a run: 2 % less CPU a face than one by one; with more the activations leave the cache."""


def embed(session: Runs, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Unit vectors (n, 128) of one or more chips (n, 112, 112, 3) RGB, cut out at `TEMPLATE`."""
    parts = [session.run(pixels=chips[at : at + BATCH])[0] for at in range(0, len(chips), BATCH)]
    vectors = np.concatenate(parts)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
