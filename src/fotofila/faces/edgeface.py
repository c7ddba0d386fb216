"""EdgeFace-S, the embedder of the pack `research`.

George, Ecabert, Otroshi Shahreza, Kotwal, Marcel 2023, "EdgeFace: Efficient Face Recognition Model for Edge Devices".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fotofila.core.inference.session import Runs

NUMBERS = 512
HALF = np.float32(127.5)


def embed(session: Runs, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Unit vectors (n, 512) of chips (n, 112, 112, 3) RGB, cut out at the template of ArcFace.

    One at a time: the published file has shapes of one chip inside.
    """
    planes = (chips.transpose(0, 3, 1, 2).astype(np.float32) - HALF) / HALF
    vectors = np.concatenate([session.run(data=planes[at : at + 1])[0] for at in range(len(planes))])
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
