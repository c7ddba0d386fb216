"""Shadow comparison: faces of a collection are searched by both of its models, and the answers laid side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from fotofila.access.audit import Actor
from fotofila.core.capability import Context
from fotofila.core.errors import InvalidInputError
from fotofila.faces.collections.both_models import having_vectors
from fotofila.faces.collections.choose import search_of
from fotofila.faces.collections.models import CollectionRow, FaceVector
from fotofila.faces.collections.remodel import find_remodel, tell
from fotofila.faces.collections.search_port import Near, Space
from fotofila.faces.collections.similarity import cosine_for, similarity
from fotofila.faces.collections.store import open_collection, unpack

MOST_QUERIES = 1000
MATCHES = 100
"""Of each query that are laid side by side."""

Found = Mapping[str, float]
"""Similarity by face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far two models agree on the same queries. Shares are 0-1, and 1 where nothing was found by either."""

    from_model: str
    to_model: str
    threshold: float
    queries: int
    """Faces of the collection that were searched, themselves left out."""
    same_best: float
    """Share of queries whose most similar face is the same, or that have none by both."""
    same_matches: float
    """Of all matches of a query, the share that both models have: mean over the queries."""
    only_from: int
    """Matches that the old model alone has."""
    only_to: int
    """Matches that the new model alone has."""
    similarity_gap: float
    """Mean distance of the similarities of matches that both have."""


async def compare(
    context: Context, owner: str, name: str, *, actor: Actor, queries: int = 200, threshold: float = 80.0
) -> Comparison:
    """Search for up to `queries` faces by both models, among the faces that have vectors of both.

    Raises:
        CollectionNotFoundError, NoRemodelError: there is none of this name, or no change under way.
        InvalidInputError: the number of queries is not 1-1000, or the threshold not 0-100.
        RecognitionOffError: neither the workspace nor the collection recognises faces.
    """
    if not 1 <= queries <= MOST_QUERIES or not 0 <= threshold <= 100:  # noqa: PLR2004
        raise InvalidInputError(f"Ask for 1 to {MOST_QUERIES} queries, and a threshold of 0 to 100.")
    async with context.db.read() as session:
        collection = await open_collection(session, owner, name)
        change = await find_remodel(session, collection)
        sample = await read_sample(session, collection, change.from_model, change.to_model, queries)
    models = (change.from_model, change.to_model)
    by_model = [
        await search(context, collection, model, sample, [pair[place] for pair in sample.values()], threshold)
        for place, model in enumerate(models)
    ]
    old, new = [await without_strangers(context, collection, found, models) for found in by_model]
    made = figures(old, new, from_model=models[0], to_model=models[1], threshold=threshold)

    async def work(session: AsyncSession) -> None:
        detail = {"what": "compare", "queries": made.queries, "threshold": threshold, "models": list(models)}
        await tell(session, collection, actor, "collection.remodel", detail, context.clock.now())

    await context.db.transact(work)
    return made


async def read_sample(
    session: AsyncSession, collection: CollectionRow, old: str, new: str, count: int
) -> dict[str, tuple[bytes, bytes]]:
    """Return vectors of both models by face, of faces from all times: the end of an id is chance."""
    mine, other = aliased(FaceVector), aliased(FaceVector)
    query = (
        select(mine.face_id, mine.vector, other.vector)
        .join(other, (other.face_id == mine.face_id) & (other.model == new))
        .where(mine.collection_id == collection.id, mine.model == old)
        .order_by(func.substr(mine.face_id, 17))
        .limit(count)
    )
    return {face_id: (first, second) for face_id, first, second in await session.execute(query)}


async def search(
    context: Context,
    collection: CollectionRow,
    model: str,
    sample: Mapping[str, object],
    raw: Sequence[bytes],
    threshold: float,
) -> list[dict[str, float]]:
    """Search for each of the sample by one model; similarity by face, without itself."""
    if not raw:
        return []
    space = Space(collection_id=collection.id, model=model)
    vectors = np.stack([unpack(each) for each in raw])
    found: list[list[Near]] = await search_of(context).search(
        context.db, space, vectors, limit=MATCHES + 1, least_cosine=cosine_for(model, threshold)
    )
    return [
        {each.id: similarity(model, each.cosine) for each in some if each.id != itself}
        for itself, some in zip(sample, found, strict=True)
    ]


async def without_strangers(
    context: Context, collection: CollectionRow, found: Sequence[Found], models: Sequence[str]
) -> list[dict[str, float]]:
    """Leave out faces that have a vector of one of the models only: the other cannot find them."""
    ids = {face_id for some in found for face_id in some}
    for model in models:
        ids &= await having_vectors(context.db, Space(collection_id=collection.id, model=model), model, ids)
    return [{face_id: value for face_id, value in some.items() if face_id in ids} for some in found]


def figures(
    old: Sequence[Found], new: Sequence[Found], *, from_model: str, to_model: str, threshold: float
) -> Comparison:
    """Lay the answers side by side."""
    pairs = list(zip(old, new, strict=True))
    shared = [set(first) & set(second) for first, second in pairs]
    either = [set(first) | set(second) for first, second in pairs]
    gaps = [
        abs(first[each] - second[each]) for (first, second), both in zip(pairs, shared, strict=True) for each in both
    ]
    return Comparison(
        from_model=from_model,
        to_model=to_model,
        threshold=threshold,
        queries=len(pairs),
        same_best=mean([float(best(first) == best(second)) for first, second in pairs], otherwise=1.0),
        same_matches=mean(
            [len(both) / len(some) if some else 1.0 for both, some in zip(shared, either, strict=True)], otherwise=1.0
        ),
        only_from=sum(len(set(first) - set(second)) for first, second in pairs),
        only_to=sum(len(set(second) - set(first)) for first, second in pairs),
        similarity_gap=mean(gaps, otherwise=0.0),
    )


def best(found: Found) -> str | None:
    """Return the most similar face."""
    return max(found, key=lambda face_id: found[face_id], default=None)


def mean(values: Sequence[float], *, otherwise: float) -> float:
    """Return the mean, to four digits."""
    return round(float(np.mean(values)), 4) if values else otherwise
