"""Embedding faces with another model, in the background: a page at a time, safe to stop anywhere and to do twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fotofila.core.capability import Context
from fotofila.core.crypto import SecretKeyError
from fotofila.core.db import insert_ignore
from fotofila.core.db.alone import alone
from fotofila.core.errors import FotofilaError, NotFoundError
from fotofila.core.observability.logs import get_logger
from fotofila.core.observability.metrics import FACES_REEMBEDDED
from fotofila.faces.collections.change import next_revision, renew_user, tell_removed
from fotofila.faces.collections.index import CHIP, is_same_place
from fotofila.faces.collections.models import CollectionFace, CollectionRow, FaceChip, FaceVector, UserVector
from fotofila.faces.collections.remodel import DROPPED, Reason
from fotofila.faces.collections.remodel_models import LeftBehind, Remodel
from fotofila.faces.collections.store import pack, vector_engine
from fotofila.faces.engine.base import FindOptions, engine_of, makes_vectors
from fotofila.faces.face import face_from_json
from fotofila.feedback.pace import sleep
from fotofila.library.models import Photo

log = get_logger(__name__)

PAGE = 64
"""Faces: a transaction holds the collection for some milliseconds, and a stop waits for one page."""
REMOVED_AT_ONCE = 2000
IDLE_SECONDS = 2.0
TROUBLE_SECONDS = 5.0
ANY = "SELECT 1 FROM collection_remodels LIMIT 1"
"""Hardly ever is there a change of model; to look for one costs next to nothing so."""

Vectors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A face that waits for a vector."""

    row: CollectionFace
    chip: bytes | None
    """As it is kept: sealed."""
    original_key: str | None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a page of faces."""

    vectors: Vectors = field(default_factory=dict)
    left_behind: dict[str, Reason] = field(default_factory=dict)


async def run(context: Context, stop: asyncio.Event) -> None:
    """Embed what waits, until told to stop; one process at a time."""
    if not makes_vectors(engine_of(context)):
        await stop.wait()  # a loop that returns is begun again
        return
    while not stop.is_set():
        try:
            if await context.db.has_row(ANY) and await unsettled(context):
                async with alone(context.db, "faces.remodel") as mine:
                    while mine and not stop.is_set() and await turn(context):
                        pass
        except FotofilaError as error:
            log.warning("remodel.unavailable", sentence=error.message)
            await sleep(stop, TROUBLE_SECONDS)
        await sleep(stop, IDLE_SECONDS)


async def unsettled(context: Context) -> list[tuple[CollectionRow, Remodel]]:
    """Return the collections between two models in which there may be something to do."""
    query = select(CollectionRow, Remodel).join(Remodel, Remodel.collection_id == CollectionRow.id)
    async with context.db.read() as session:
        found = await session.execute(query.where(CollectionRow.revision != Remodel.settled_revision))
        return [(collection, change) for collection, change in found]


async def turn(context: Context) -> bool:
    """Do one page of each collection that is between two models; False where nothing was left to do."""
    worked = False
    for collection, change in await unsettled(context):
        worked |= await advance(context, collection, change)
    return worked


async def advance(context: Context, collection: CollectionRow, change: Remodel) -> bool:
    """Embed one page of a collection, or, when none is left, note that; then remove what nobody needs."""
    # Before the first switch the new model is wanted; after it, whichever the collection has: so a roll back, too,
    # leaves nobody with a vector of one model only for long.
    target = change.to_model if change.switched_at is None else collection.model
    waiting = await read_waiting(context, collection, target)
    if waiting:
        outcome = await embed(context, waiting, target)
        return await keep(context, collection.id, target, outcome)
    if change.finished:
        return await remove_page(context, collection.id)
    return await settle(context, collection, change)


async def read_waiting(context: Context, collection: CollectionRow, target: str) -> list[Waiting]:
    """Return the next faces without a vector of a model, oldest first."""
    has_vector = exists().where(FaceVector.face_id == CollectionFace.id, FaceVector.model == target)
    given_up = exists().where(LeftBehind.face_id == CollectionFace.id, LeftBehind.model == target)
    query = (
        select(CollectionFace, FaceChip.chip, Photo.original_key)
        .outerjoin(FaceChip, FaceChip.face_id == CollectionFace.id)
        .outerjoin(Photo, Photo.id == CollectionFace.photo_id)
        .where(CollectionFace.collection_id == collection.id, ~has_vector, ~given_up)
        .order_by(CollectionFace.id)
        .limit(PAGE)
    )
    async with context.db.read() as session:
        return [Waiting(row=row, chip=chip, original_key=key) for row, chip, key in await session.execute(query)]


async def embed(context: Context, waiting: Sequence[Waiting], target: str) -> Outcome:
    """Make vectors from chips, and from originals, each of which is read once."""
    outcome = Outcome()
    by_photo: dict[str, list[CollectionFace]] = defaultdict(list)
    chips: dict[str, bytes] = {}
    for each in waiting:
        if each.chip is not None:
            try:
                chips[each.row.id] = context.secret_keys.unseal(CHIP, each.chip, bound_to=each.row.id)
            except SecretKeyError:
                outcome.left_behind[each.row.id] = "chip_unreadable"
        elif each.original_key is not None:
            by_photo[each.original_key].append(each.row)
        else:
            outcome.left_behind[each.row.id] = "no_source"
    outcome.vectors |= await embed_chips(context, chips, target)
    for key, rows in by_photo.items():
        await embed_photo(context, key, rows, target, outcome)
    return outcome


async def embed_chips(context: Context, chips: Mapping[str, bytes], target: str) -> Vectors:
    """Make the vectors of chips."""
    if not chips:
        return {}
    vectors = await vector_engine(context).embed_chips(list(chips.values()), model=target)
    return dict(zip(chips, vectors, strict=True))


async def embed_photo(
    context: Context, key: str, rows: Sequence[CollectionFace], target: str, outcome: Outcome
) -> None:
    """Find the faces of an original again, each at its place."""
    options = FindOptions(age=False, gender=False, embed=True, model=target)
    try:
        image = await context.storage.get(key)
        found = await engine_of(context).find_faces(image, options=options)
    except FotofilaError as error:
        if not (error.permanent or isinstance(error, NotFoundError)):
            raise  # the storage, a model, or a free child is missing just now: the page is done again
        outcome.left_behind |= {row.id: "photo_gone" for row in rows}
        return
    for row in rows:
        here = face_from_json(row.face)
        same = next((each.face for each in found.faces if is_same_place(here, each.face)), None)
        if same is None or same.embedding is None:
            outcome.left_behind[row.id] = "face_not_found"
        else:
            outcome.vectors[row.id] = same.embedding


async def keep(context: Context, collection_id: str, target: str, outcome: Outcome) -> bool:
    """Write a page down, of the faces that are still there."""

    async def work(session: AsyncSession) -> bool:
        collection, change = await held(session, collection_id)
        if collection is None or change is None or target not in {change.from_model, change.to_model}:
            return True  # deleted or abandoned meanwhile; look again
        ids = [*outcome.vectors, *outcome.left_behind]
        query = select(CollectionFace).where(CollectionFace.id.in_(ids), CollectionFace.collection_id == collection_id)
        rows = {row.id: row for row in await session.scalars(query)}
        revision = next_revision(collection)
        written = [
            vector_values(collection_id, face_id, target, revision, vector)
            for face_id, vector in outcome.vectors.items()
            if face_id in rows
        ]
        left = [
            {"face_id": face_id, "model": target, "collection_id": collection_id, "reason": reason}
            for face_id, reason in outcome.left_behind.items()
            if face_id in rows
        ]
        for table, values in ((FaceVector, written), (LeftBehind, left)):
            if values:
                await session.execute(insert_ignore(session, table), values)
        for row in rows.values():
            row.model = target if row.id in outcome.vectors else row.model
        for user_id in sorted({rows[face_id].user_id or "" for face_id in outcome.vectors if face_id in rows} - {""}):
            await renew_user(session, collection, user_id, revision)
        FACES_REEMBEDDED.labels("embedded").inc(len(written))
        FACES_REEMBEDDED.labels("left_behind").inc(len(left))
        return True

    return await context.db.transact(work)


async def settle(context: Context, collection: CollectionRow, change: Remodel) -> bool:
    """Note that nothing was left at the revision that was seen: until it changes nobody looks again."""

    async def work(session: AsyncSession) -> bool:
        _, now = await held(session, collection.id)
        if now is not None and now.switched_at == change.switched_at:
            now.settled_revision = collection.revision
        return False

    return await context.db.transact(work)


async def remove_page(context: Context, collection_id: str) -> bool:
    """Remove vectors of the other model of faces that have the collection's; end the change when none has another."""

    async def work(session: AsyncSession) -> bool:
        collection, change = await held(session, collection_id)
        if collection is None or change is None:
            return True
        other = change.from_model if collection.model == change.to_model else change.to_model
        removed = await remove_vectors(session, collection, other)
        if removed or await remove_dropped(session, collection, other):
            return True
        left = select(func.count()).select_from(FaceVector)
        mine = FaceVector.collection_id == collection_id, FaceVector.model == other
        if await session.scalar(left.where(*mine)):
            # Who cannot follow keeps the old vector, and searches look at both for as long as there is such a face.
            change.settled_revision = collection.revision
            return False
        await session.execute(delete(LeftBehind).where(LeftBehind.collection_id == collection_id))
        await session.delete(change)
        log.info("remodel.finished", collection_id=collection_id, model=collection.model)
        return True

    return await context.db.transact(work)


async def remove_vectors(session: AsyncSession, collection: CollectionRow, other: str) -> int:
    """Remove a page of vectors that stand beside one of the collection's model; returns how many.

    Those who hold them in memory need not be told: whoever has a vector of the collection's model is not looked for
    by another.
    """
    removed = 0
    for table, key in ((FaceVector, FaceVector.face_id), (UserVector, UserVector.user_row_id)):
        own = select(key).where(table.collection_id == collection.id, table.model == collection.model)
        mine = table.collection_id == collection.id, table.model == other
        ids = list(await session.scalars(select(key).where(*mine, key.in_(own)).limit(REMOVED_AT_ONCE)))
        if ids:
            await session.execute(delete(table).where(table.model == other, key.in_(ids)))
        removed += len(ids)
    return removed


async def remove_dropped(session: AsyncSession, collection: CollectionRow, other: str) -> int:
    """Remove a page of vectors of faces that were left behind and given up; returns how many."""
    given_up = LeftBehind.collection_id == collection.id, LeftBehind.reason == DROPPED
    mine = FaceVector.collection_id == collection.id, FaceVector.model == other
    faces = select(CollectionFace.id, CollectionFace.user_id).join(FaceVector, FaceVector.face_id == CollectionFace.id)
    query = faces.where(*mine, CollectionFace.id.in_(select(LeftBehind.face_id).where(*given_up)))
    found = (await session.execute(query.limit(REMOVED_AT_ONCE))).all()
    if found:
        revision, ids = next_revision(collection), [face_id for face_id, _ in found]
        await session.execute(delete(FaceVector).where(*mine, FaceVector.face_id.in_(ids)))
        await tell_removed(session, collection, ids, revision)
        for user_id in sorted({user_id for _, user_id in found if user_id is not None}):
            await renew_user(session, collection, user_id, revision)
    return len(found)


async def held(session: AsyncSession, collection_id: str) -> tuple[CollectionRow | None, Remodel | None]:
    """Hold a collection, and return it with its change as they are now."""
    query = select(CollectionRow).where(CollectionRow.id == collection_id).with_for_update()
    collection = await session.scalar(query.execution_options(populate_existing=True))
    return collection, await session.get(Remodel, collection_id, populate_existing=True)


def vector_values(
    collection_id: str, face_id: str, model: str, revision: int, vector: NDArray[np.float32]
) -> dict[str, object]:
    """Shape a vector's row."""
    return {
        "face_id": face_id,
        "model": model,
        "collection_id": collection_id,
        "revision": revision,
        "vector": pack(vector),
    }
