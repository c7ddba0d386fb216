"""Looking at images without keeping anything of them: detect, compare."""

from __future__ import annotations

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.search import THRESHOLD
from fotofila.faces.collections.types import Compared, QualityFilter
from fotofila.faces.engine.base import Found


async def detect_faces(context: Context, owner: str, image: bytes, *, attributes: bool = True) -> Found:
    """Find and describe the faces of an image, the largest first, without vectors: no biometrics."""
    raise NotImplementedError


async def compare_faces(
    context: Context,
    owner: str,
    source: bytes,
    target: bytes,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    quality_filter: QualityFilter = "NONE",
) -> Compared:
    """Compare the largest face of one image with every face of another; at most the 100 largest of these.

    Nothing is kept, so it needs no switch; it is written to the audit log.

    Raises:
        NoFaceError: one of the images has no face, or none that passes the filter.
    """
    raise NotImplementedError
