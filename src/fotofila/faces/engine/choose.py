"""Which engine this process has. Nothing is loaded or connected before its first call."""

from __future__ import annotations

from fotofila.core.capability import DirectLane
from fotofila.core.config import Settings
from fotofila.faces.engine.base import FaceEngine
from fotofila.faces.engine.local import LocalEngine
from fotofila.faces.packs import chosen_pack


def make_engine(settings: Settings, direct: DirectLane) -> FaceEngine:
    """Make the engine that `FOTOFILA_FACES_ENGINE` names.

    Raises:
        LicenceNotAcceptedError: the chosen pack is for non-commercial use only, and no setting accepts that.
    """
    chosen_pack(settings)
    return LocalEngine(settings, direct)
