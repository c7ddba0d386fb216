"""Searching a collection by a face of it, or by an image. Nothing that is searched with is kept."""

from __future__ import annotations

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.types import FaceMatch, QualityFilter, SearchedFace

THRESHOLD = 80.0
LIMIT = 80


async def search_faces(
    context: Context,
    owner: str,
    name: str,
    face_id: str,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
) -> tuple[FaceMatch, ...]:
    """Return the faces that are at least `threshold` (0-100) similar to one of the collection, without itself.

    Raises:
        CollectionNotFoundError: there is none of this name.
        FaceNotFoundError: the collection has no such face.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    raise NotImplementedError


async def search_faces_by_image(
    context: Context,
    owner: str,
    name: str,
    image: bytes,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
    quality_filter: QualityFilter = "NONE",
) -> SearchedFace:
    """Search the largest face of an image that is good enough.

    Raises:
        CollectionNotFoundError: there is none of this name.
        NoFaceError: there is no face, or none that passes the filter.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    raise NotImplementedError


async def search_all_faces(
    context: Context,
    owner: str,
    name: str,
    image: bytes,
    *,
    actor: Actor,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
    quality_filter: QualityFilter = "NONE",
) -> tuple[SearchedFace, ...]:
    """Search every face of an image that is good enough, the largest first; an image without faces gives nothing.

    Raises:
        CollectionNotFoundError: there is none of this name.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    raise NotImplementedError
