"""Which engine this process has. Nothing is loaded or connected before its first call."""

from __future__ import annotations

from fotofila.core.capability import DirectLane
from fotofila.core.config import Settings
from fotofila.faces.engine.base import FaceEngine
from fotofila.faces.engine.local import LocalEngine


def make_engine(settings: Settings, direct: DirectLane) -> FaceEngine:
    """Make the engine that `FOTOFILA_FACES_ENGINE` names."""
    return LocalEngine(settings, direct)
