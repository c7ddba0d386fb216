"""How each network of the packs is asked: by the name of its spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fotofila.core.inference.openvino_session import fastest_session
from fotofila.core.inference.session import Runs, Session
from fotofila.faces import edgeface, embedder
from fotofila.faces.calibration import SCRFD_CURVE, YUNET_CURVE, Curve
from fotofila.faces.detector import Candidates, yunet_candidates
from fotofila.faces.scrfd import scrfd_candidates

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorNetwork:
    """A detector: how it is asked, and what its scores mean."""

    candidates: Candidates
    curve: Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderNetwork:
    """An embedder of chips of 112 pixels, cut out at the template of ArcFace: all of ours share it."""

    numbers: int
    open: Callable[[Path, int], Runs]
    embed: Callable[[Runs, Pixels], NDArray[np.float32]]


def _open_sface(path: Path, threads: int) -> Runs:
    return fastest_session(path, threads=threads)


def _open_onnx(path: Path, threads: int) -> Runs:
    return Session(path, threads=threads)


DETECTORS = {
    "yunet": DetectorNetwork(candidates=yunet_candidates, curve=YUNET_CURVE),
    "scrfd-2.5g": DetectorNetwork(candidates=scrfd_candidates, curve=SCRFD_CURVE),
}
EMBEDDERS = {
    "sface": EmbedderNetwork(numbers=embedder.NUMBERS, open=_open_sface, embed=embedder.embed),
    "edgeface-s-gamma05": EmbedderNetwork(numbers=edgeface.NUMBERS, open=_open_onnx, embed=edgeface.embed),
}
