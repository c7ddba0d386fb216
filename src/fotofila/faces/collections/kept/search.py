"""Searching where faces are kept. Similarity is the engine's own, and what is told of a face are our rows."""

from __future__ import annotations

from collections.abc import Sequence

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.faces.collections.errors import FaceNotFoundError
from fotofila.faces.collections.kept.keeper import Keeper, open_kept, saying_what_is_lost
from fotofila.faces.collections.search import LIMIT, MOST_MATCHES, THRESHOLD, Scored, check_bounds, told
from fotofila.faces.collections.store import faces_by_id
from fotofila.faces.collections.types import FaceMatch, QualityFilter, SearchedFace, SeenFace
from fotofila.faces.engine.base import KnownMatch
from fotofila.faces.engine.flows import search_each_face

ROOM = 100
"""More matches than are wanted are asked for: faces that our rows do not know are left out, and take no one's place."""


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
    """Return the faces that the engine finds like one of the collection; see `search.search_faces`."""
    check_bounds(threshold, limit)
    row, keeper = await open_kept(context, owner, name)
    async with context.db.read() as session:
        if not await faces_by_id(session, row.id, [face_id]):
            raise FaceNotFoundError(f"The collection {name!r} has no face {face_id!r}: list its faces to see them.")
    found = await alike(keeper, face_id, threshold=threshold, limit=most(limit))
    detail = {"face_id": face_id, "threshold": threshold}
    return (await told(context, row, [scored(found)], actor=actor, detail=detail, limit=limit))[0]


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
    """Search the largest face of an image, one request; see `search.search_faces_by_image`."""
    check_bounds(threshold, limit)
    row, keeper = await open_kept(context, owner, name)
    with saying_what_is_lost(keeper):
        found = await keeper.engine.search_faces_by_image(
            keeper.full, image, threshold=threshold, limit=most(limit), quality_filter=quality_filter
        )
    detail = {"image": 1, "threshold": threshold}
    matches = await told(context, row, [scored(found.matches)], actor=actor, detail=detail, limit=limit)
    face = SeenFace(bounding_box=found.bounding_box, confidence=found.confidence)
    return SearchedFace(face=face, matches=matches[0], model=row.model)


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
    """Search every face of an image, a request for each and one to find them; see `search.search_all_faces`."""
    check_bounds(threshold, limit)
    row, keeper = await open_kept(context, owner, name)
    with saying_what_is_lost(keeper):
        crops = await search_each_face(
            keeper.engine, keeper.full, image, threshold=threshold, limit=most(limit), quality_filter=quality_filter
        )
    kept = [each for each in crops if each.seen or quality_filter == "NONE"]
    if not kept:
        return ()
    detail = {"image": len(kept), "threshold": threshold}
    every = [scored(each.matches) for each in kept]
    matches = await told(context, row, every, actor=actor, detail=detail, limit=limit)
    return tuple(
        SearchedFace(face=each.face, matches=mine, model=row.model) for each, mine in zip(kept, matches, strict=True)
    )


async def alike(keeper: Keeper, face_id: str, *, threshold: float, limit: int) -> tuple[KnownMatch, ...]:
    """Ask the engine who is like a face of the collection.

    Raises:
        CollectionNotFoundError, FaceNotFoundError: it is not there any more.
    """
    with saying_what_is_lost(keeper, face_id):
        return await keeper.engine.search_faces(keeper.full, face_id, threshold=threshold, limit=limit)


def most(limit: int) -> int:
    """Return how many matches are asked for where so many are wanted."""
    return min(limit + ROOM, MOST_MATCHES)


def scored(found: Sequence[KnownMatch]) -> list[Scored]:
    """Return the ids and similarities of what the engine found."""
    return [(each.known.face_id, each.similarity) for each in found]
