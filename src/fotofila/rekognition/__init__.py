"""Rekognition: a server that programs which speak to AWS's service can be pointed at."""

from __future__ import annotations

from fotofila.core.capability import Capability

capability = Capability(
    name="rekognition",
    routers=("fotofila.rekognition.routes:router",),
    parts={"rekognition": "fotofila.rekognition.front:make_front"},
)

__all__ = ["capability"]
