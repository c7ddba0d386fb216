"""Searching while a collection is between two models: nobody is missed who has a vector of one of them only.

Who has vectors of both is found by the collection's model alone. What the other model finds is put on the scale of the
collection's by way of similarity, which both are calibrated for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.db import Database
from fotofila.faces.collections.choose import search_of
from fotofila.faces.collections.errors import FaceNotFoundError
from fotofila.faces.collections.models import CollectionRow, CollectionUser, FaceVector, UserVector
from fotofila.faces.collections.remodel_models import Remodel
from fotofila.faces.collections.search_port import Kind, Near, Space
from fotofila.faces.collections.similarity import cosine_for, similarity
from fotofila.faces.collections.store import unpack, vector_engine
from fotofila.faces.engine.base import FoundFace

ROOM = 64
MORE = 4
"""Times as many are asked for while those that were found have vectors of both models."""
IDS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for: the same faces by each model, where they have a vector of it, (n, d) of length 1."""

    vectors: NDArray[np.float32] | None
    other_model: str | None = None
    """The model besides the collection's that faces may have vectors of; None: there is no such."""
    others: NDArray[np.float32] | None = None


async def other_model_of(session: AsyncSession, collection: CollectionRow) -> str | None:
    """Return the model that some faces may have vectors of instead of the collection's; None outside of a change."""
    query = select(Remodel).where(Remodel.collection_id == collection.id, Remodel.switched_at.is_not(None))
    row = await session.scalar(query)
    if row is None:
        return None
    return row.from_model if row.to_model == collection.model else row.to_model


async def query_of_faces(context: Context, faces: Sequence[FoundFace], other_model: str | None) -> Query:
    """Search for faces that were found, with vectors and, where there is another model, with chips."""
    vectors = np.stack([each.face.embedding for each in faces if each.face.embedding is not None])
    if other_model is None:
        return Query(vectors=vectors)
    engine = vector_engine(context)
    if other_model not in engine.models:  # then nobody could have been embedded with it lately either
        return Query(vectors=vectors)
    chips = [each.chip for each in faces if each.chip is not None]
    others = await engine.embed_chips(chips, model=other_model)
    return Query(vectors=vectors, other_model=other_model, others=others)


async def query_of_face(session: AsyncSession, collection: CollectionRow, face_id: str) -> Query:
    """Search for a face of the collection, by every model that it has a vector of.

    Raises:
        FaceNotFoundError: the collection has no such face.
    """
    query = select(FaceVector.model, FaceVector.vector).where(
        FaceVector.collection_id == collection.id, FaceVector.face_id == face_id
    )
    made = await kept_query(session, collection, await by_model(session, query))
    if made.vectors is None and made.others is None:
        raise FaceNotFoundError(
            f"The collection {collection.name!r} has no face {face_id!r}: list its faces to see them."
        )
    return made


async def query_of_user(session: AsyncSession, collection: CollectionRow, user: CollectionUser) -> Query:
    """Search for a user, by every model that there is a vector of; one without faces has none."""
    query = select(UserVector.model, UserVector.vector).where(UserVector.user_row_id == user.id)
    return await kept_query(session, collection, await by_model(session, query))


async def by_model(session: AsyncSession, query: Select[str, bytes]) -> dict[str, bytes]:
    """Read vectors by their model."""
    rows = await session.execute(query)
    return {model: raw for model, raw in rows}  # noqa: C416 - rows are no pairs to mypy


async def kept_query(session: AsyncSession, collection: CollectionRow, kept: Mapping[str, bytes]) -> Query:
    """Search with vectors that are kept."""
    other_model = await other_model_of(session, collection)
    mine, others = kept.get(collection.model), kept.get(other_model or "")
    return Query(
        vectors=None if mine is None else unpack(mine)[None],
        other_model=other_model,
        others=None if others is None else unpack(others)[None],
    )


async def near(
    context: Context,
    collection: CollectionRow,
    query: Query,
    *,
    threshold: float,
    limit: int,
    kind: Kind = "face",
) -> list[list[Near]]:
    """Return, for each that is searched for, who is similar enough (0-100), nearest first, at most `limit`."""
    search, least = search_of(context), cosine_for(collection.model, threshold)
    space = Space(collection_id=collection.id, model=collection.model, kind=kind)
    by_other: list[list[Near]] = []
    if query.other_model is not None and query.others is not None:
        other = Space(collection_id=collection.id, model=query.other_model, kind=kind)
        # Whoever has no vector of the collection's model can be compared by the other alone, with everybody.
        besides = None if query.vectors is None else collection.model
        # First by the other: who is embedded meanwhile is left out there, and must be found by what comes after.
        found = await near_by_other(context, other, query.others, besides=besides, threshold=threshold, limit=limit)
        by_other = [[on_scale(collection.model, other.model, each) for each in some] for some in found]
    if query.vectors is None:
        return by_other
    mine = await search.search(context.db, space, query.vectors, limit=limit, least_cosine=least)
    if not by_other:
        return mine
    return [merged(first, second, limit) for first, second in zip(mine, by_other, strict=True)]


def merged(first: Sequence[Near], second: Sequence[Near], limit: int) -> list[Near]:
    """Join two answers, each face once."""
    known = {each.id for each in first}
    both = [*first, *(each for each in second if each.id not in known)]
    return sorted(both, key=lambda each: -each.cosine)[:limit]


async def near_by_other(
    context: Context,
    space: Space,
    vectors: NDArray[np.float32],
    *,
    besides: str | None,
    threshold: float,
    limit: int,
) -> list[list[Near]]:
    """Return who is near in a space and has no vector of the model `besides`, nearest first, at most `limit`."""
    least, asked = cosine_for(space.model, threshold), limit + ROOM
    while True:
        found = await search_of(context).search(context.db, space, vectors, limit=asked, least_cosine=least)
        known = await having_vectors(context.db, space, besides, {each.id for some in found for each in some})
        kept = [[each for each in some if each.id not in known] for some in found]
        if all(len(mine) >= limit or len(some) < asked for mine, some in zip(kept, found, strict=True)):
            return [some[:limit] for some in kept]
        asked *= MORE


async def having_vectors(db: Database, space: Space, model: str | None, ids: Collection[str]) -> set[str]:
    """Return those of the ids that have a vector of a model."""
    if model is None or not ids:
        return set()
    key, table = (FaceVector.face_id, FaceVector) if space.kind == "face" else (UserVector.user_row_id, UserVector)
    wanted, known = sorted(ids), set[str]()
    async with db.read() as session:
        for at in range(0, len(wanted), IDS_AT_ONCE):
            query = select(key).where(table.model == model, key.in_(wanted[at : at + IDS_AT_ONCE]))
            known.update(await session.scalars(query))
    return known


def on_scale(model: str, other_model: str, each: Near) -> Near:
    """Give it the cosine of a model that means as much similarity as its own does by the other."""
    return Near(id=each.id, cosine=cosine_for(model, similarity(other_model, each.cosine)))
