"""Searching a collection by a face of it, or by an image. Nothing that is searched with is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.access.audit import Actor, record
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections.both_models import near, other_model_of, query_of_face, query_of_faces
from fotofila.faces.collections.errors import NoFaceError
from fotofila.faces.collections.models import CollectionRow
from fotofila.faces.collections.quality_filter import choose, largest
from fotofila.faces.collections.search_port import Near
from fotofila.faces.collections.similarity import similarity
from fotofila.faces.collections.store import faces_by_id, open_collection, records_of, vector_engine
from fotofila.faces.collections.types import FaceMatch, QualityFilter, SearchedFace
from fotofila.faces.engine.base import FindOptions, Found

THRESHOLD = 80.0
LIMIT = 80
MOST_MATCHES = 4096

Scored = tuple[str, float]
"""The id of what was found, and its similarity, 0-100."""


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
    check_bounds(threshold, limit)
    async with context.db.read() as session:
        collection = await open_collection(session, owner, name)
        query = await query_of_face(session, collection, face_id)
    found = await near(context, collection, query, threshold=threshold, limit=limit + 1)
    others = [[each for each in found[0] if each.id != face_id][:limit]]
    detail = {"face_id": face_id, "threshold": threshold}
    return (await told(context, collection, scored(collection.model, others), actor=actor, detail=detail))[0]


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
    check_bounds(threshold, limit)
    most = 1 if quality_filter == "NONE" else None
    collection, other_model, found = await open_and_find(context, owner, name, image, most=most)
    chosen = largest(found, quality_filter=quality_filter)
    if not chosen.faces:
        raise NoFaceError
    face = chosen.faces[0].face
    query = await query_of_faces(context, chosen.faces[:1], other_model)
    hits = await near(context, collection, query, threshold=threshold, limit=limit)
    detail = {"image": 1, "threshold": threshold}
    matches = await told(context, collection, scored(collection.model, hits), actor=actor, detail=detail)
    return SearchedFace(face=face, matches=matches[0], model=collection.model)


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
    check_bounds(threshold, limit)
    collection, other_model, found = await open_and_find(context, owner, name, image)
    passed = choose(found, quality_filter=quality_filter, max_faces=len(found.faces)).faces
    kept = [each for each in found.faces if each in passed]
    if not kept:
        return ()
    faces = [each.face for each in kept]
    query = await query_of_faces(context, kept, other_model)
    hits = await near(context, collection, query, threshold=threshold, limit=limit)
    detail = {"image": len(faces), "threshold": threshold}
    matches = await told(context, collection, scored(collection.model, hits), actor=actor, detail=detail)
    return tuple(
        SearchedFace(face=face, matches=mine, model=collection.model) for face, mine in zip(faces, matches, strict=True)
    )


async def open_and_find(
    context: Context, owner: str, name: str, image: bytes, *, most: int | None = None
) -> tuple[CollectionRow, str | None, Found]:
    """Return the collection, its other model while it is between two, and the largest `most` faces of an image.

    Where only the largest face is asked for, the fast look finds it at half the cost; what that look misses is looked
    for accurately.
    """
    async with context.db.read() as session:
        collection = await open_collection(session, owner, name)
        other_model = await other_model_of(session, collection)
    options = FindOptions(
        detection="fast" if most == 1 else "accurate",
        age=False,
        gender=False,
        embed=True,
        chips=other_model is not None,
        model=collection.model,
        most=most,
    )
    engine = vector_engine(context)
    found = await engine.find_faces(image, options=options)
    if not found.faces and options.detection == "fast":
        found = await engine.find_faces(image, options=replace(options, detection="accurate"))
    return collection, other_model, found


def scored(model: str, found: Sequence[Sequence[Near]]) -> list[list[Scored]]:
    """Give each the similarity that its cosine means."""
    return [[(each.id, similarity(model, each.cosine)) for each in some] for some in found]


async def told(
    context: Context,
    collection: CollectionRow,
    found: Sequence[Sequence[Scored]],
    *,
    actor: Actor,
    detail: Mapping[str, Any],
    limit: int | None = None,
) -> list[tuple[FaceMatch, ...]]:
    """Say who was found, the first `limit` that our rows know, and write the search to the audit log."""
    now = context.clock.now()

    async def work(session: AsyncSession) -> list[tuple[FaceMatch, ...]]:
        rows = await faces_by_id(session, collection.id, (face_id for some in found for face_id, _ in some))
        records = await records_of(session, rows.values())
        matches = [
            tuple(
                FaceMatch(record=records[face_id], similarity=likeness)
                for face_id, likeness in [each for each in some if each[0] in records][:limit]
            )
            for some in found
        ]
        seen = [match.record.face_id for some in matches for match in some]
        whole = {**detail, "matches": len(seen), "best": seen[:10], "model": collection.model}
        await record(
            session,
            owner=collection.owner,
            actor=actor,
            action="faces.search",
            subject=collection.name,
            detail=whole,
            now=now,
        )
        return matches

    return await context.db.transact(work)


def embeddings(vectors: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
    """Stack the vectors of faces that were found with theirs."""
    return np.stack([vector for vector in vectors if vector is not None])


def check_bounds(threshold: float, limit: int) -> None:
    """Refuse what makes no sense.

    Raises:
        InvalidInputError: the threshold is not 0-100, or the limit not 1-4096.
    """
    if not 0 <= threshold <= 100:  # noqa: PLR2004
        raise InvalidInputError("The threshold is a similarity from 0 to 100.")
    if not 1 <= limit <= MOST_MATCHES:
        raise InvalidInputError(f"The limit is a number from 1 to {MOST_MATCHES}.")
